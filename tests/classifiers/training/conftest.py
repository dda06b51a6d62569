"""Small data sets for whole runs."""

import hashlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pooch
import pytest

from classifiers.emotions import LABELS
from classifiers.training import datasets
from classifiers.training.datasets import SPLITS
from tests.classifiers.training.recording import QuickTeacher


@pytest.fixture
def small_goemotions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GoEmotions and chat with a few rows each, an empty cache, and `QuickTeacher` for the MiniLM."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "goemotions"
    folder.mkdir(parents=True)
    hashes = {}
    for file, count in (("train.tsv", 140), ("dev.tsv", 60), ("test.tsv", 60)):
        numbers = rng.integers(0, len(LABELS), count)
        numbers[: len(LABELS)] = range(len(LABELS))
        content = "".join(f"so much {LABELS[n]} here {i}\t{n},{27 - n}\tid\n" for i, n in enumerate(numbers))
        (folder / file).write_text(content)
        hashes[file] = hashlib.sha256(content.encode()).hexdigest()
    chat = [f"{split}\tgames\t{label} gg {split}\t{label}" for split in SPLITS for label in LABELS]
    (tmp_path / "chat.tsv").write_text("\n".join(["split\ttopic\ttext\tlabel", *chat]))
    monkeypatch.setattr(datasets, "GOEMOTIONS_SHA256", hashes)
    monkeypatch.setattr(datasets, "CHAT", tmp_path / "chat.tsv")
    monkeypatch.setenv("EMOBOT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    module = SimpleNamespace(Teacher=QuickTeacher, minilm=Path, fastest_device=lambda: "cpu")
    monkeypatch.setitem(sys.modules, "classifiers.training.teacher", module)
    monkeypatch.setattr(QuickTeacher, "epochs_run", [])
