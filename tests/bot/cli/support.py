"""What the tests of the command line share."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


class Terminal(io.StringIO):
    """Standard input at which somebody sits."""

    def isatty(self) -> bool:
        return True


def environment(**variables: str) -> dict[str, str]:
    """The environment of a process of its own, without settings but those given."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables}


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence on standard error."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err.rstrip("\n")
