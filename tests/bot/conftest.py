"""Fixtures of the tests of the bot."""

from __future__ import annotations

import base64
import dataclasses
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import simcord
from sqlalchemy import NullPool, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from bot import Emobot, create_bot
from bot.analysis.analyzer import Analyzer
from bot.configuration import Configuration
from bot.store import Store
from classifiers import Classifier
from tests.bot.store.support import Network
from tests.bot.support import PREDICTIONS, StubClassifier, World, prediction_of

SETTLE_TIMEOUT = 12.0
"""Real seconds that SimCord waits for the bot to come to rest; its own 5 are too few for a busy machine. A sleep or a
timeout that ends sooner counts as work to wait for, so this stays below the 15 after which a message is stale."""

POLL_INTERVAL = 0.002
"""Real seconds after which SimCord looks again whether the bot is at rest. With its own 0.05, most tests would wait for
twice as long as they compute."""

BLANK = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")
"""A picture of one pixel."""


@pytest.fixture(autouse=True)
def _simcord_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give SimCord enough time to settle on a busy machine, without waiting longer than the bot works."""
    defaults: Any = vars(simcord.Env)["__init__"].__kwdefaults__
    monkeypatch.setitem(defaults, "settle_timeout", SETTLE_TIMEOUT)
    monkeypatch.setattr(simcord.Env, "_validate_idle", staticmethod(lambda _: POLL_INTERVAL))
    monkeypatch.setitem(vars(Analyzer)["__init__"].__kwdefaults__, "batch_delay", 0.0)
    # The bot waits for no view and gives none a timeout. For each task SimCord would look for that in all that is in
    # the memory of all forms, which took half of a test's time.
    for question in ("is_view_wait_future", "_view_timeout_task_identity"):
        monkeypatch.setattr(f"simcord._dpy_internals.{question}", lambda *_: False)


@pytest.fixture(autouse=True)
def _no_settings_in_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the environment variables of whoever runs the tests."""
    ours = {field.metadata["variable"] for field in dataclasses.fields(Configuration)}
    for name in list(os.environ):
        if name.upper() in ours or name.upper().startswith("EMOBOT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def new_server() -> None:
    """Make the bot consider the servers of a test as newly joined."""


@pytest.fixture(autouse=True)
def _joined_long_ago(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the bot react at the pace of a server it joined long ago, unless a test requests `new_server`."""
    if "new_server" not in request.fixturenames:
        for cog in ("reactions", "why"):
            monkeypatch.setattr(f"bot.{cog}.cog.seconds_since_joining", lambda _message: None)


@pytest.fixture
def real_pictures() -> None:
    """Let the cogs draw charts and heat maps, which takes longer than the rest of a test."""


@pytest.fixture(autouse=True)
def _blank_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the cogs send blank pictures, unless a test requests `real_pictures`."""
    if "real_pictures" not in request.fixturenames:
        for module in ("mood.cog", "mood.weekly", "compare.cog"):
            monkeypatch.setattr(f"bot.{module}.draw", lambda *_: BLANK)


@pytest.fixture
def bilstm() -> StubClassifier:
    """The reacting model, unless a test says otherwise."""
    return StubClassifier(dict(PREDICTIONS))


@pytest.fixture
def models(bilstm: StubClassifier) -> dict[str, Classifier]:
    """Two models that agree on everything but the word "odd"."""
    return {"rnn": StubClassifier({**PREDICTIONS, "odd": prediction_of(fear=0.7)}), "bilstm": bilstm}


@pytest.fixture
def configuration() -> Configuration:
    """The configuration of the bot; tests override it."""
    return Configuration()


@pytest.fixture
def clock() -> Callable[[], float] | None:
    """The clock for the pace of reactions and for what is forgotten, None for SimCord's; tests override it."""
    return None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the current tables and no rows: creating them takes a fifth of a test's time."""
    file = tmp_path_factory.mktemp("migrated") / "emobot.db"
    store = Store(f"sqlite+aiosqlite:///{file}")
    await store.refresh()
    await store.close()
    return file


@pytest.fixture
async def postgres_url() -> AsyncIterator[str]:
    """A new database on the server that TEST_POSTGRES names."""
    server = os.environ.get("TEST_POSTGRES")
    if not server:
        pytest.skip("run `. .ci/postgres` in bash, or set TEST_POSTGRES to the URL of a PostgreSQL server")
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    name = f"emobot_{secrets.token_hex(8)}"
    async with engine.connect() as connection:
        # The usual way to copy the empty one, by the log, takes twice as long.
        await connection.execute(text(f"CREATE DATABASE {name} STRATEGY FILE_COPY"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    async with engine.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def network(postgres_url: str) -> AsyncIterator[Network]:
    network = Network(postgres_url)
    await network.restore()
    yield network
    await network.refuse_connections()


@pytest.fixture
async def stores(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Store]]:
    """All stores of the test, closed at its end, since SimCord leaves that to whoever made the bot."""
    opened: list[Store] = []
    initialise = Store.__init__

    def remembered(store: Store, *arguments: Any, **options: Any) -> None:
        opened.append(store)
        initialise(store, *arguments, **options)

    monkeypatch.setattr(Store, "__init__", remembered)
    yield opened
    for store in opened:
        await store.close()


@pytest.fixture
def simcord_bot(
    configuration: Configuration,
    models: dict[str, Classifier],
    clock: Callable[[], float] | None,
    stores: list[Store],
    migrated: Path,
) -> Emobot:
    del stores  # so that they are closed after the bot
    shutil.copy(migrated, "emobot.db")
    return create_bot(configuration, models=models, clock=clock)


@pytest.fixture
def world(simcord_env: simcord.Env, simcord_bot: Emobot) -> World:
    guild = simcord_env.create_guild()
    channel = guild.create_text_channel("general")
    return World(simcord_env, simcord_bot, guild, channel, guild.add_member(simcord_env.create_user("alice")))


@pytest.fixture
def bob(world: World) -> simcord.MemberActor:
    """A member beside Alice."""
    return world.guild.add_member(world.env.create_user("bob"))
