from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import logs
from bot.errors import log_failure
from bot.logs import LogFormat
from tests.bot.support import World

WORDS = "thanks for the secret recipe"


@pytest.fixture
def log_format() -> LogFormat:
    """The format of the log; tests override it."""
    return "text"


@pytest.fixture
def stream(request: pytest.FixtureRequest, log_format: LogFormat) -> Iterator[io.StringIO]:
    """The log at the level of the test's parameter, DEBUG if it has none."""
    root, own = logging.getLogger(), [logging.getLogger(name) for name in logs.OWN_LOGGERS]
    handlers, levels = list(root.handlers), [logger.level for logger in (root, *own)]
    stream = io.StringIO()
    logs.set_up(getattr(request, "param", "DEBUG"), log_format, stream)
    yield stream
    root.handlers[:] = handlers
    for logger, level in zip((root, *own), levels, strict=True):
        logger.setLevel(level)


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_log_contains_neither_ids_nor_words_of_people(world: World, stream: io.StringIO) -> None:
    alice, bob = world.alice, world.guild.add_member(world.env.create_user("robert"))
    message = await alice.send(world.channel, WORDS)
    await alice.edit(message, f"{WORDS}, happy")
    await bob.context_menu(world.channel, "Was this right?", message)
    panel = (await bob.context_menu(world.channel, "Compare emotions", message)).response
    assert panel
    await bob.click(panel, label="Heat map")
    await alice.slash(world.channel, "compare", text=WORDS)
    await alice.react(message, "❌")
    for label in ("Opt out", "What is kept about me", "Opt in", "Opt out"):
        privacy = (await alice.slash(world.channel, "privacy")).response
        assert privacy
        await alice.click(privacy, label=label)
    assert world.bot.store.has_opted_out(alice.id)
    await alice.send(world.channel, WORDS)
    await world.bot.store.erase_user(alice.id)
    await alice.delete(message)
    await world.bot.store.close()
    logged = stream.getvalue()
    assert "opted out" in logged  # what each message led to
    for private in ("secret", "recipe", "robert", "alice", str(alice.id), str(bob.id)):
        assert private not in logged
    assert "aiosqlite" not in logged


@pytest.mark.parametrize(
    ("stream", "own", "others"),
    [("DEBUG", 10, 20), ("INFO", 20, 20), ("WARNING", 30, 30), ("ERROR", 40, 40)],
    indirect=["stream"],
)
def test_libraries_log_nothing_below_info(stream: io.StringIO, own: int, others: int) -> None:
    lowest = {
        **dict.fromkeys(("bot.store.sync", "classifiers.text"), own),
        **dict.fromkeys(("aiosqlite", "discord.gateway", "bottle", "root"), others),
    }
    for name in lowest:
        for level in (10, 20, 30, 40):
            logging.getLogger(name).log(level, "from %s at %d", name, level)
    shown = re.findall(r"from (\S+) at (\d+)", stream.getvalue())
    assert {name: min(int(level) for other, level in shown if other == name) for name in lowest} == lowest


def test_failure_logged_by_a_library_identifies_nobody(stream: io.StringIO) -> None:
    log = logging.getLogger("discord.ui.view")
    try:
        raise ValueError(f"cannot read {WORDS!r}")
    except ValueError:
        log.exception("Ignoring exception in %r", "<Button custom_id='compare:heat:123456789012345678'>")
    log.warning("", exc_info=(None, None, None))
    logged = stream.getvalue()
    assert "Ignoring exception in \"<Button custom_id='compare:heat:…'>\": ValueError at\n" in logged
    assert f"{__file__}" in logged
    assert "secret" not in logged
    assert "123456789012345678" not in logged


def test_log_of_the_bot_may_name_messages_and_channels(stream: io.StringIO) -> None:
    logging.getLogger("bot.reactions.cog").debug("Message %d: %s.", 123456789012345678, "neutral")
    assert stream.getvalue().endswith("Message 123456789012345678: neutral.\n")


@pytest.mark.parametrize(("error", "lines"), [(ConnectionResetError("secret"), 1), (ValueError("secret"), 4)])
def test_lost_connection_is_logged_in_one_line(stream: io.StringIO, error: Exception, lines: int) -> None:
    try:
        raise error
    except type(error):
        logging.getLogger("discord.shard").exception("Attempting a reconnect in %.2fs", 2.0)
    logged = stream.getvalue()
    assert logged.count("\n") == lines
    assert f"Attempting a reconnect in 2.00s: {type(error).__name__}" in logged
    assert "secret" not in logged


def test_exception_is_logged_with_its_place_but_without_its_message(stream: io.StringIO) -> None:
    try:
        raise ConnectionResetError(f"cannot read {WORDS!r}")
    except ConnectionResetError as error:
        log_failure("on_message", error)
    logged = stream.getvalue()
    assert "on_message failed: ConnectionResetError at\n" in logged
    assert f"{__file__}" in logged
    assert "secret" not in logged


class TestJson:
    @pytest.fixture
    def log_format(self) -> LogFormat:
        return "json"

    def test_each_record_is_one_line_of_json(self, stream: io.StringIO) -> None:
        logging.getLogger("bot.client").info("Ready as %s in %d servers.", "Emobot\n#1", 3)
        logging.getLogger("discord.http").warning("Rate limited in %s", "123456789012345678")
        [ready, limited] = objects(stream)
        assert list(ready) == ["time", "level", "logger", "message"]
        assert ready["message"] == "Ready as Emobot\n#1 in 3 servers."
        assert (limited["level"], limited["logger"]) == ("WARNING", "discord.http")
        assert limited["message"] == "Rate limited in …"

    def test_the_time_is_that_of_the_record_in_utc(self, stream: io.StringIO) -> None:
        log = logging.getLogger("bot.client")
        record = log.makeRecord(log.name, logging.INFO, __file__, 1, "Ready.", (), None)
        record.created = datetime(2026, 11, 27, 20, 15, 30, 250_000, UTC).timestamp()
        log.handle(record)
        [entry] = objects(stream)
        assert entry["time"] == "2026-11-27T20:15:30.250000Z"

    def test_exception_has_type_and_place_but_no_message(self, stream: io.StringIO) -> None:
        try:
            raise ValueError(f"cannot read {WORDS!r}")
        except ValueError as error:
            log_failure("on_message", error)
            logging.getLogger("discord.client").exception("Ignoring exception in %s", "on_message")
        assert "secret" not in stream.getvalue()
        for entry, message in zip(
            objects(stream), ("on_message failed", "Ignoring exception in on_message"), strict=True
        ):
            assert (entry["message"], entry["exception"]) == (message, "ValueError")
            assert f"{__file__}" in entry["traceback"]

    def test_lost_connection_has_a_type_but_no_place(self, stream: io.StringIO) -> None:
        try:
            raise ConnectionResetError("secret")
        except ConnectionResetError:
            logging.getLogger("discord.shard").exception("Attempting a reconnect in %.2fs", 2.0)
        [entry] = objects(stream)
        assert entry["exception"] == "ConnectionResetError"
        assert "traceback" not in entry
        assert "secret" not in stream.getvalue()


def objects(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return the JSON of each line of the log."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]
