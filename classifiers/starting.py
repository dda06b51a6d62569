"""Start a command line so that Ctrl-C ends it as usual, also while its modules are still being imported."""

import _thread
import importlib
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_REPEAT_AFTER = 0.01  # seconds


def run_main(module: str, **arguments: Any) -> int:
    """Import a module, call its `main` and return the exit status; 130 if Ctrl-C comes before `main` handles it.

    This module and `classifiers` itself import almost nothing, since until they are loaded Ctrl-C leads to a traceback.
    """
    sys.unraisablehook = _repeat_lost_ctrl_c
    try:
        with delay_ctrl_c():
            main = importlib.import_module(module).main
        status: int = main(**arguments)
    except KeyboardInterrupt:
        return 130
    return status


@contextmanager
def delay_ctrl_c() -> Iterator[None]:
    """Delay Ctrl-C until the end of a block with slow imports.

    C extensions turn a KeyboardInterrupt in the middle of their import into other errors.

    Raises:
        KeyboardInterrupt: Ctrl-C came within the block.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = threading.Event()
    signal.signal(signal.SIGINT, lambda _number, _frame: heard.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if heard.is_set():
        raise KeyboardInterrupt


def _repeat_lost_ctrl_c(lost: "sys.UnraisableHookArgs") -> None:
    """Repeat a Ctrl-C that came in a `__del__`, from which no exception gets out, when that has returned.

    Other exceptions there are printed as usual.
    """
    if lost.exc_type is KeyboardInterrupt:
        threading.Timer(_REPEAT_AFTER, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(lost)
