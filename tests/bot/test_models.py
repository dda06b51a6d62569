"""Loading the models that the configuration names."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from bot.configuration import Configuration, ConfigurationError
from bot.models import load_configured_models
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
