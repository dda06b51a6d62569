import argparse
import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from classifiers.command_line import finish, require, whole_number, writable
from classifiers.errors import ClassifiersError, MissingExtraError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("text", "number"), [("2", 2), ("10", 10), (" 7 ", 7)])
def test_whole_numbers(text: str, number: int) -> None:
    assert whole_number(2, 10)(text) == number


@pytest.mark.parametrize("text", ["1", "11", "-3", "2.5", "", "many", "nan", "9" * 10_000])
def test_what_is_no_whole_number_in_range(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"^'.{0,40}' is not a whole number from 2 to 10$"):
        whole_number(2, 10)(text)


def test_large_bounds_are_readable() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"from 0 to 4,294,967,295$"):
        whole_number(0, 2**32 - 1)("4294967296")


def test_a_missing_module_is_named_by_its_extra() -> None:
    require("Reading", "train", "json", "numpy")
    with pytest.raises(MissingExtraError, match=r"^Reading needs more packages: run `pip install '\.\[train\]'`"):
        require("Reading", "train", "json", "no_such_module")


def test_a_text_with_undecodable_bytes_becomes_writable() -> None:
    assert writable("joy\udcff ü 😀") == "joy\\xff ü 😀"


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
            "Something could not be read or written: No space left on device.",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "models/a.json"),
            1,
            "models/a.json cannot be used: Permission denied.",
        ),
    ],
)
def test_failures_are_told_in_one_sentence(
    error: BaseException, status: int, sentence: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert finish(raising(error)) == status
    assert capsys.readouterr().err == (f"{sentence}\n" if sentence else "")


def test_the_status_of_the_work_is_returned() -> None:
    assert finish(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):  # a mistake of ours is no sentence
        finish(raising(ZeroDivisionError()))


PROGRAM = """
import sys
from classifiers.command_line import finish
sys.exit(finish(lambda: print("\\N{BLACK HEART SUIT}") or 5))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="run `wsl python3 -m pytest`")
@pytest.mark.parametrize(
    ("redirection", "status", "out", "err"),
    [
        ("", 5, "\N{BLACK HEART SUIT}\n", ""),
        (">&-", 5, "", ""),
        ("2>&- <&-", 5, "\N{BLACK HEART SUIT}\n", ""),
        pytest.param(
            ">/dev/full",
            1,
            "",
            "Something could not be read or written: No space left on device.\n",
            marks=pytest.mark.skipif(
                not Path("/dev/full").exists(),
                reason="run it in Linux: `docker run -it python bash`",
            ),
        ),
    ],
)
def test_any_kind_of_output_will_do(redirection: str, status: int, out: str, err: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {redirection}', sys.executable, PROGRAM],  # noqa: S607 - whatever shell there is
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (status, out, err)
