"""Helpers shared by the tests of the command line."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from benchmarks.gateway import LoopbackDiscord

ROOT = Path(__file__).parents[3]
TOKEN = "MQ.s3cr3t.s3cr3t"  # noqa: S105 - nothing but a loopback Discord accepts it


class Terminal(io.StringIO):
    """Standard input that is a terminal."""

    def isatty(self) -> bool:
        return True


def environment(**variables: str) -> dict[str, str]:
    """Return the environment of another process, without settings except those given."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables}


def requests(loopback: LoopbackDiscord) -> list[str]:
    """Return the method and path of each request to Discord."""
    return [f"{asked.method} {asked.path}" for asked in loopback.api.requests]


def error_sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one sentence on standard error."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err.rstrip("\n")
