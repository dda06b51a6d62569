import re
import sys
from pathlib import Path
from typing import Any

import pytest

import train
from classifiers.study import command
from classifiers.study.page import gradients_page

RECORDS: list[dict[str, Any]] = [
    {"phrase": "not bad", "network": network, "moment": moment, "at": 2, "word": word, "token": token, "left": word / 2}
    for network in ("RNN", "LSTM", "BiLSTM")
    for moment in ("start", "end")
    for word, token in ((1, "not"), (2, "bad"))
]


@pytest.fixture(autouse=True)
def trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "phrase_gradients", lambda: RECORDS)


def test_the_page_has_all_that_it_needs_inside() -> None:
    pytest.importorskip("altair", reason="it needs Altair: pip install -e '.[pages]'")
    page = gradients_page(RECORDS)
    assert not re.search(r"<script[^>]*\ssrc=|<link", page)
    assert "prefers-color-scheme: dark" in page
    body = page[page.rindex("<body>") :]
    assert body.count("<h1>") == 1
    assert "<b>How to read this:</b>" in body
    for control in ('"input": "range"', '"input": "select"'):
        assert control in body  # usable by keyboard


def test_the_command_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "check_altair", lambda: None)
    monkeypatch.setattr(command, "gradients_page", lambda records: f"a page of {len(records)} gradients")
    assert train.main(["study", "--page", "--out", str(tmp_path / "look")]) == 0
    assert (tmp_path / "look" / "gradients.html").read_text() == "a page of 12 gradients"
    assert "which any browser opens" in " ".join(capsys.readouterr().out.split())
    assert not (tmp_path / "look.md").exists()


def test_without_altair_a_sentence_says_how_to_get_it_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def in_vain() -> None:
        raise AssertionError

    monkeypatch.setattr(command, "phrase_gradients", in_vain)
    monkeypatch.setitem(sys.modules, "altair", None)
    assert train.main(["study", "--page", "--out", str(tmp_path / "look")]) == 2
    assert capsys.readouterr().err == 'The page needs Altair: install it with pip install -e ".[pages]".\n'
