"""Loading the models that the configuration names."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from bot.analysis.models import load_configured_models, models_to_compare, reacting_model
from bot.configuration import Configuration, ConfigurationError
from classifiers import PRETRAINED
from classifiers.model_directory import read_manifest, write_manifest


def test_all_models_of_the_directory_are_loaded() -> None:
    assert set(load_configured_models(Configuration())) == {"rnn", "bilstm"}


def test_a_directory_without_the_reacting_model_is_refused(tmp_path: Path) -> None:
    directory = shutil.copytree(PRETRAINED, tmp_path / "models")
    manifest = read_manifest(directory)
    write_manifest(directory, msgspec.structs.replace(manifest, models={"rnn": manifest.models["rnn"]}))
    with pytest.raises(ConfigurationError, match=r"^The bot reacts with bilstm, but .* holds only rnn: set EMOBOT_"):
        load_configured_models(Configuration(models=directory))
    assert set(load_configured_models(Configuration(models=directory, reacts_with="rnn"))) == {"rnn"}


@pytest.mark.parametrize(
    ("loaded", "server_model", "pair"),
    [
        (("rnn", "bilstm"), None, ("bilstm", "rnn")),
        (("rnn", "bilstm"), "rnn", ("rnn", "bilstm")),
        (("rnn", "gru", "lstm", "bilstm"), None, ("bilstm", "rnn")),
        (("rnn", "gru", "lstm", "bilstm"), "gru", ("gru", "bilstm")),
        (("gru", "lstm", "bilstm"), None, ("bilstm", "gru")),
        (("bilstm",), "rnn", None),
    ],
)
def test_reacting_model_is_compared_with_the_other_shipped_one(
    loaded: tuple[str, ...], server_model: str | None, pair: tuple[str, str] | None
) -> None:
    assert models_to_compare(server_model, loaded, default="bilstm") == pair


@pytest.mark.parametrize(("server_model", "reacts"), [(None, "bilstm"), ("rnn", "rnn"), ("gru", "bilstm")])
def test_model_that_is_not_loaded_is_replaced_by_the_default(server_model: str | None, reacts: str) -> None:
    assert reacting_model(server_model, ("rnn", "bilstm"), default="bilstm") == reacts
