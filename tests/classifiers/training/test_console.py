import pytest

from classifiers.training.console import ConsoleReporter
from classifiers.training.history import Epoch


def test_lines_are_printed_whole_and_without_markup(capsys: pytest.CaptureFixture[str]) -> None:
    line = "[red]ours:smile: " * 20
    ConsoleReporter().say(line)
    assert capsys.readouterr().out == f"{line}\n"


def test_bar_ends_with_the_last_loss_and_score(capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleReporter().bar("RNN", epochs=2, steps=2) as bar:
        for number in (1, 2):
            for loss in (0.5, 0.25):
                bar.on_batch(number, loss / number)
            bar.on_epoch(Epoch(number, 0.1, 0.1, 0.75, 1.0))
    shown = " ".join(capsys.readouterr().out.split())
    assert "RNN epoch 2/2" in shown
    assert "loss 0.1250, dev macro-F1 0.750" in shown


def test_track_returns_all_items(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(ConsoleReporter().track(iter("abc"), 3, "Letters")) == ["a", "b", "c"]
    assert "Letters" in capsys.readouterr().out
