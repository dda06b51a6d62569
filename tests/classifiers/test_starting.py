import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from classifiers.starting import delay_ctrl_c, run_main

COMMAND = """
import signal

signal.raise_signal(signal.SIGINT)
whole = True


def main(status):
    return status
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the name of a module during whose import somebody presses Ctrl-C."""
    (tmp_path / "interrupted_command.py").write_text(COMMAND)
    monkeypatch.syspath_prepend(tmp_path)
    yield "interrupted_command"
    sys.modules.pop("interrupted_command", None)


@pytest.fixture(autouse=True)
def _handled_by_python() -> Iterator[None]:
    """Handle interrupts as usual, even if the tests run in the background, where shells make processes ignore them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_interrupt_during_the_import_ends_with_130(command: str) -> None:
    assert run_main(command, status=0) == 130
    assert sys.modules[command].whole
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_command_that_ignores_interrupts_runs_on(command: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert run_main(command, status=3) == 3


def test_import_in_another_thread_is_unaffected() -> None:
    done = []

    def imports() -> None:
        with delay_ctrl_c():
            done.append(signal.getsignal(signal.SIGINT) is signal.default_int_handler)

    thread = Thread(target=imports)
    thread.start()
    thread.join()
    assert done == [True]


def test_interrupts_are_handled_before_most_modules_are_imported() -> None:
    program = "import sys, classifiers.starting; sys.exit(bool({'numpy', 'click'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("entry", ["classifiers/__main__.py", "bot/__main__.py", "train.py"])
def test_each_command_line_handles_interrupts_while_it_is_imported(entry: str) -> None:
    program = (
        "import runpy, signal, sys\n"
        "from types import SimpleNamespace\n"
        "from classifiers import starting\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def imported(_):\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    return SimpleNamespace(main=None)\n"
        "starting.importlib.import_module = imported\n"
        "runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    ended = subprocess.run([sys.executable, "-c", program, entry], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, b"")


LOSING_CTRL_C = """
import signal
import time


class Resource:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def main(losses):
    for _ in range(losses):
        Resource()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        pass
    return 0
"""


def test_ctrl_c_in_a_destructor_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "losing_ctrl_c.py").write_text(LOSING_CTRL_C)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("sys.unraisablehook", sys.unraisablehook)
    assert run_main("losing_ctrl_c", losses=1) == 130
    assert capsys.readouterr().err == ""


def test_other_exceptions_in_a_destructor_are_printed(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Resource:
        def __del__(self) -> None:
            raise ValueError("closed twice")

    monkeypatch.setattr("sys.unraisablehook", sys.unraisablehook)
    run_main(command, status=0)
    Resource()
    assert "ValueError: closed twice" in capsys.readouterr().err
