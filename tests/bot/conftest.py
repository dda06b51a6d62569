"""Fixtures of the bot's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import simcord

from bot import Emobot, create_bot
from bot.settings import Settings
from classifiers import Classifier
from tests.bot.scripted import SCRIPT, ScriptedClassifier, World, believing


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the settings of whoever runs it."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def bilstm() -> ScriptedClassifier:
    """The model that reacts, unless a test says otherwise."""
    return ScriptedClassifier(dict(SCRIPT))


@pytest.fixture
def models(bilstm: ScriptedClassifier) -> dict[str, Classifier]:
    """Two models that agree on everything but the word "odd"."""
    return {"rnn": ScriptedClassifier({**SCRIPT, "odd": believing(fear=0.7)}), "bilstm": bilstm}


@pytest.fixture
def settings() -> Settings:
    """What the bot is started with; tests override it."""
    return Settings()


@pytest.fixture
def simcord_bot(settings: Settings, models: dict[str, Classifier]) -> Emobot:
    return create_bot(settings, models=models)


@pytest.fixture
def world(simcord_env: simcord.Env, simcord_bot: Emobot) -> World:
    guild = simcord_env.create_guild()
    channel = guild.create_text_channel("general")
    return World(simcord_env, simcord_bot, guild, channel, guild.add_member(simcord_env.create_user("alice")))
