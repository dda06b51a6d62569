"""Fixtures of the tests of the command line."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.logs import OWN_LOGGERS
from tests.bot.cli.support import TOKEN
from tests.bot.conftest import BLANK
from tests.bot.support import PREDICTIONS, StubClassifier
from tests.loopback import description, loopback, skipper, world  # noqa: F401 - fixtures


@pytest.fixture
def stub_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use stub models in place of those of the model directory."""
    models = {"rnn": StubClassifier(PREDICTIONS), "bilstm": StubClassifier(PREDICTIONS)}
    monkeypatch.setattr("bot.analysis.models.load_models", lambda _directory: models)


@pytest.fixture
def avatars() -> None:
    """Let the demo draw its people's avatars, which takes longer than most of what is tested."""


@pytest.fixture
def quick_demo(request: pytest.FixtureRequest, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each demo with the tables in its database, and with blank avatars unless the test requests `avatars`.

    The tests that run the demo in a process of its own check that it can create both itself.
    """

    def folder_with_tables() -> tempfile.TemporaryDirectory[str]:
        folder = tempfile.TemporaryDirectory()
        shutil.copy(migrated, Path(folder.name, "demo.db"))
        return folder

    monkeypatch.setattr("bot.cli.simulation.tempfile", SimpleNamespace(TemporaryDirectory=folder_with_tables))
    if "avatars" not in request.fixturenames:
        monkeypatch.setattr("bot.cli.simulation.draw_card", lambda *_: BLANK)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("", *OWN_LOGGERS)]
    handlers, levels = list(loggers[0].handlers), [logger.level for logger in loggers]
    yield
    loggers[0].handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def loopback_options(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A token that no output may contain and that is in the environment already."""
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    return {"token": TOKEN}
