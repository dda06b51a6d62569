"""What the tests of the command line share."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from benchmarks.gateway import LoopbackDiscord

ROOT = Path(__file__).parents[3]
TOKEN = "MQ.s3cr3t.s3cr3t"  # noqa: S105 - nothing but a loopback Discord accepts it


class Terminal(io.StringIO):
    """Standard input at which somebody sits."""

    def isatty(self) -> bool:
        return True


def environment(**variables: str) -> dict[str, str]:
    """The environment of a process of its own, without settings but those given."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables}


def requests(loopback: LoopbackDiscord) -> list[str]:
    """What Discord was asked for, each as its method and path."""
    return [f"{asked.method} {asked.path}" for asked in loopback.api.requests]


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence on standard error."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err.rstrip("\n")
