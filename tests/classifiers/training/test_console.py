import re

import pytest

from classifiers.training.console import ConsoleReporter
from classifiers.training.history import Epoch
from tests.closed_output import closed_standard_output


def test_lines_are_printed_whole_and_without_markup(capsys: pytest.CaptureFixture[str]) -> None:
    line = "[red]ours:smile: " * 20
    ConsoleReporter().say(line)
    assert capsys.readouterr().out == f"{line}\n"


@pytest.mark.parametrize("dev_name", ["dev", "train"])
def test_bar_ends_with_the_last_loss_and_score(dev_name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleReporter().bar("BiLSTM", epochs=2, steps=2, dev_name=dev_name) as bar:
        for number in (1, 2):
            for loss in (0.5, 0.25):
                bar.on_batch(number, loss / number)
            bar.on_epoch(Epoch(number, 0.1, 0.1, 0.75, 1.0))
    shown = " ".join(capsys.readouterr().out.split())
    assert "BiLSTM epoch 2/2" in shown
    assert f"loss 0.1250, {dev_name} macro-F1 0.750" in shown


def test_bar_does_not_cut_times_at_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with ConsoleReporter().bar("BiLSTM", epochs=40, steps=1, dev_name="train") as bar:
        for number in range(1, 41):
            bar.on_batch(number, 0.0052)
            bar.on_epoch(Epoch(number, 0.0052, 0.1, 1.0, 1.0))
    assert re.search(
        r"BiLSTM epoch 40/40 ━+ loss 0.0052, train macro-F1 1.000 \d:\d\d:\d\d left \d:\d\d:\d\d *\n",
        capsys.readouterr().out,
    )


def test_bar_of_a_run_that_never_begins_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleReporter().bar("BiLSTM", epochs=2, steps=2, dev_name="dev"):
        pass
    assert capsys.readouterr().out.strip() == ""


def test_track_returns_all_items(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(ConsoleReporter().track(iter("abc"), 3, "Letters")) == ["a", "b", "c"]
    assert "Letters" in capsys.readouterr().out


def test_training_continues_with_closed_output() -> None:
    with closed_standard_output():
        reporter = ConsoleReporter()
        for line in ("one", "two"):
            reporter.say(line)
        with reporter.bar("BiLSTM", epochs=1, steps=1, dev_name="dev") as bar:
            bar.on_batch(1, 0.5)
        assert list(reporter.track(iter("abc"), 3, "Letters")) == ["a", "b", "c"]
