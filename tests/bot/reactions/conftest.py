"""Fixtures of the tests of reactions."""

from __future__ import annotations

import pytest

from bot.reactions.pace import PROFILES, Profile
from bot.server_settings import Liveliness


@pytest.fixture
def no_pace_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off the pause and the highest share, for tests about something else."""
    monkeypatch.setitem(PROFILES, Liveliness.NORMAL, Profile(strictness=0, share=1, free=100, cooldown=0))
