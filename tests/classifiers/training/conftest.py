"""Provide small data sets for whole training runs."""

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pooch
import pytest

from classifiers.emotions import LABELS
from classifiers.nn import network
from classifiers.training import datasets
from classifiers.training.splitting import SPLITS
from tests.classifiers.training.recording import QuickTeacher


@pytest.fixture(scope="session")
def keras_models() -> ModuleType:
    """Return `classifiers.training.keras_backend`, imported by the first test that needs it and by no other process."""
    from classifiers.training import keras_backend

    return keras_backend


@pytest.fixture
def one_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each kind of network one recurrent layer: most of a short training in Keras is to trace its layers."""
    for name, kind in network.KINDS.items():
        monkeypatch.setitem(network.KINDS, name, replace(kind, depth=1))


@pytest.fixture
def small_goemotions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_data: Path) -> None:
    """Provide `small_data`, chat with a few rows, an empty cache, and `QuickTeacher` in place of the MPNet."""
    chat = [f"{split}\tgames\t{label} gg {split}\t{label}" for split in SPLITS for label in LABELS]
    (small_data / "chat.tsv").write_text("\n".join(["split\ttopic\ttext\tlabel", *chat]))
    monkeypatch.setattr(datasets, "CHAT", small_data / "chat.tsv")
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    module = SimpleNamespace(Teacher=QuickTeacher, fastest_device=lambda: "cpu")
    monkeypatch.setitem(sys.modules, "classifiers.training.teacher", module)
    monkeypatch.setattr(QuickTeacher, "epochs_run", [])
