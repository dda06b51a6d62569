"""What the command lines share: options within bounds, and an end in one sentence where something is not in order."""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from classifiers.errors import ClassifiersError, MissingExtraError


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a type for argparse: whole numbers from `least` to `most`."""

    def parse(text: str) -> int:
        with suppress(ValueError):
            number = int(text)
            if least <= number <= most:
                return number
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from {least} to {most:,}")

    return parse


def require(purpose: str, extra: str, *modules: str) -> None:
    """Make sure that modules are installed, without loading them.

    Raises:
        MissingExtraError: one of them is not; `purpose` and `extra` are what its sentence names.
    """
    if any(importlib.util.find_spec(module) is None for module in modules):
        raise MissingExtraError(purpose, extra)


def writable(text: str) -> str:
    """Return a text that any file takes, with escapes for the bytes in names of files that are no characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def finish(work: Callable[[], int]) -> int:
    """Do the work of a command and return the exit status.

    That is what `work` returns, or 2 after a mistake of the user's, 1 where the machine gave out, and 130 after Ctrl-C.
    All but the last are told in one sentence on standard error. Output that nobody reads to its end is no failure.
    """
    _set_up_streams()
    try:
        status = work()
        sys.stdout.flush()
    except ClassifiersError as error:
        return _tell(str(error), 2)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough, as in `... | head`
        _discard_output()
        return 0
    except MemoryError:
        return _tell("There is not enough memory for this: try something smaller.", 1)
    except OSError as error:
        _discard_output()
        what = f"{error.filename} cannot be used" if error.filename else "Something could not be read or written"
        return _tell(f"{what}: {error.strerror or error}.", 1)
    return status


def _tell(sentence: str, status: int) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201 - for who runs the command
    return status


def _set_up_streams() -> None:
    """Let output take all characters, whatever the locale, and streams that were closed be empty."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - until the process ends
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _discard_output() -> None:
    """Send what standard output still holds to nowhere, or its end would fail once more."""
    with suppress(OSError):  # in tests it is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
