import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from classifiers.command_line import (
    GroupedCommand,
    GroupedOption,
    Number,
    WholeNumber,
    finish,
    invoke,
    repeated,
)
from classifiers.errors import ClassifiersError

ROOT = Path(__file__).parents[2]


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (ClassifiersError("Give another folder."), 2, "Give another folder."),
        (KeyboardInterrupt(), 130, None),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 0, None),
        (MemoryError(), 1, "There is not enough memory for this: try something smaller."),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            1,
            "Something could not be read or written: No space left on device, so make room on the disk and try again.",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "models/a.json"),
            1,
            "models/a.json cannot be used: Permission denied.",
        ),
        (ClassifiersError("a\nb\x1b\x85\u2028\udcff 👨‍👩‍👧"), 2, r"a\nb\x1b\x85\u2028\udcff 👨‍👩‍👧"),
    ],
)
def test_failures_are_reported_in_one_sentence(
    error: BaseException, status: int, sentence: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert finish(raising(error)) == status
    assert capsys.readouterr().err == (f"{sentence}\n" if sentence else "")


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a folder in use: run `wsl python3 -m pytest`")
def test_deleted_current_folder_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert finish(lambda: len(str(Path("file").absolute()))) == 1
    assert capsys.readouterr().err == "The current folder no longer exists: change to another one.\n"


def test_status_of_the_work_is_returned() -> None:
    assert finish(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):  # a bug of ours is raised
        finish(raising(ZeroDivisionError()))


PROGRAM = """
import sys
from classifiers.command_line import finish
sys.exit(finish(lambda: print("\\N{BLACK HEART SUIT}\\udcff") or 5))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="run `wsl python3 -m pytest`")
@pytest.mark.parametrize(
    ("redirection", "status", "out", "err"),
    [
        ("", 5, "\N{BLACK HEART SUIT}\\udcff\n", ""),
        (">&-", 5, "", ""),
        ("2>&- <&-", 5, "\N{BLACK HEART SUIT}\\udcff\n", ""),
        pytest.param(
            ">/dev/full",
            1,
            "",
            "Something could not be read or written: No space left on device, so make room on the disk and try "
            "again.\n",
            marks=pytest.mark.skipif(
                not Path("/dev/full").exists(),
                reason="run it in Linux: `docker run -it python bash`",
            ),
        ),
    ],
)
def test_output_may_be_ascii_closed_or_full(redirection: str, status: int, out: str, err: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {redirection}', sys.executable, PROGRAM],  # noqa: S607 - whatever shell there is
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (status, out, err)


@pytest.mark.parametrize(("text", "number"), [("1", 1), (" 7 ", 7), ("1000", 1000)])
def test_whole_numbers_within_bounds_are_accepted(text: str, number: int) -> None:
    assert WholeNumber(1, 1000).convert(text, None, None) == number


@pytest.mark.parametrize("text", ["0", "1001", "-3", "1.5", "many", "nan", "", "9" * 5000])
def test_whole_numbers_out_of_bounds_are_refused_with_the_bounds(text: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        WholeNumber(1, 1000).convert(text, None, None)
    assert caught.value.message == f"{text[:40]!r} is not a whole number from 1 to 1,000."


@pytest.mark.parametrize("text", ["0", "0.5", "0.9"])
def test_numbers_within_bounds_are_accepted(text: str) -> None:
    assert Number(0, 0.9).convert(text, None, None) == float(text)


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        (Number(0, 0.9), "-0.1", "from 0 to 0.9"),
        (Number(0, 0.9), "nan", "from 0 to 0.9"),
        (Number(0, 0.9), "half", "from 0 to 0.9"),
        (Number(0, 10, min_open=True, max_open=True), "0", "above 0 and below 10"),
        (Number(0, 10, min_open=True, max_open=True), "10", "above 0 and below 10"),
        (Number(0, 10, min_open=True, max_open=True), "inf", "above 0 and below 10"),
    ],
)
def test_numbers_out_of_bounds_are_refused_with_the_bounds(kind: Number, text: str, wanted: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        kind.convert(text, None, None)
    assert caught.value.message == f"{text!r} is not a number {wanted}."


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--model rnn gru --resume", "--model rnn --model gru --resume"),
        ("--model rnn --model gru", "--model rnn --model gru"),
        ("--model rnn --out a b", "--model rnn --out a b"),
        ("--model", "--model"),
        ("a b", "a b"),
    ],
)
def test_repeated_puts_the_option_before_each_of_its_values(words: str, expected: str) -> None:
    assert repeated("--model", words.split()) == expected.split()


@click.command(cls=GroupedCommand)
@click.option("--size", type=WholeNumber(1, 5), cls=GroupedOption, group="What")
@click.option("--place", cls=GroupedOption, group="Where", help="anywhere")
@click.pass_obj
def example(words: tuple[str, ...], /, size: int | None, place: str | None) -> int:
    """Print the arguments."""
    click.echo(f"{words} {size} {place}")
    return 3


def test_invoke_returns_the_status_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(example, ["--size", "2"], "example") == 3
    assert capsys.readouterr().out == "('--size', '2') 2 None\n"


def test_invoke_reports_wrong_arguments_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(example, ["--size", "6"], "python example.py") == 2
    assert capsys.readouterr().err == (
        "Invalid value for '--size': '6' is not a whole number from 1 to 5: see `python example.py --help`.\n"
    )


def test_help_shows_options_by_their_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(example, ["--help"], "example") == 0
    shown = capsys.readouterr().out
    assert [line for line in shown.splitlines() if line.endswith(":")] == ["What:", "Where:", "Options:"]
    assert shown.index("Where:") < shown.index("--place TEXT  anywhere") < shown.index("Options:")
