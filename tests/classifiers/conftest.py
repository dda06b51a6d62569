"""Provide small data sets for the tests of several folders."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from classifiers.emotions import LABELS
from classifiers.training import goemotions, people
from classifiers.training.splitting import SPLITS

GOEMOTIONS_ROWS = 56
"""The number of texts in the training split of GoEmotions in the tests."""


@pytest.fixture
def small_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write GoEmotions and people with a few rows each; return the folder of all data sets."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "goemotions"
    folder.mkdir(parents=True)
    hashes = {}
    for file, count in (("train.tsv", GOEMOTIONS_ROWS), ("dev.tsv", 40), ("test.tsv", 40)):
        numbers = rng.integers(0, len(LABELS), count)
        numbers[: len(LABELS)] = range(len(LABELS))
        content = "".join(f"so much {LABELS[n]} here {i}\t{n},{27 - n}\tid\n" for i, n in enumerate(numbers))
        (folder / file).write_text(content)
        hashes[file] = hashlib.sha256(content.encode()).hexdigest()
    _write_people(tmp_path / "data" / "people")
    monkeypatch.setattr(people, "PEOPLE", tmp_path / "data" / "people" / "people.tsv")
    monkeypatch.setattr(people, "IRC_FILES", tmp_path / "data" / "people" / "people-irc.txt")
    monkeypatch.setattr(goemotions, "GOEMOTIONS_SHA256", hashes)
    monkeypatch.setenv("EMOBOT_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def _write_people(folder: Path) -> None:
    """Write an SMS for each split and label, and two IRC messages without labels."""
    (folder / "sms").mkdir(parents=True)
    (folder / "irc" / "data" / "train").mkdir(parents=True)
    rows, messages = ["split\tsource\tconversation\tsha256\tlabel\tsecond"], []
    for split in SPLITS:
        for label in LABELS:
            text = f"{label} lol {split}"
            rows.append(f"{split}\tsms\tsms\t{hashlib.sha256(text.encode()).hexdigest()[:16]}\t{label}\t")
            messages.append(f"ham\t{text}")
    (folder / "people.tsv").write_text("\n".join(rows))
    (folder / "sms" / "SMSSpamCollection").write_text("\n".join(messages))
    (folder / "irc" / "data" / "train" / "day.raw.txt").write_text("[12:01] <joe> so much\n[12:02] <ann> joy here\n")
    (folder / "people-irc.txt").write_text("day.raw.txt 0\n")
