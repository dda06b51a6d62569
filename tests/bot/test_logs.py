from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

import pytest

from bot import logs
from tests.bot.scripted import World

WORDS = "thanks for the secret recipe"


@pytest.fixture
def stream(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What is logged at the level of the test's parameter, DEBUG if it has none."""
    root, own = logging.getLogger(), [logging.getLogger(name) for name in logs.OWN]
    handlers, levels = list(root.handlers), [logger.level for logger in (root, *own)]
    stream = io.StringIO()
    logs.set_up(getattr(request, "param", "DEBUG"), stream)
    yield stream
    root.handlers[:] = handlers
    for logger, level in zip((root, *own), levels, strict=True):
        logger.setLevel(level)


async def test_nothing_that_people_do_is_logged_with_their_id_or_their_words(world: World, stream: io.StringIO) -> None:
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
def test_libraries_say_nothing_below_info(stream: io.StringIO, own: int, others: int) -> None:
    lowest = {
        **dict.fromkeys(("bot.store.sync", "classifiers.text"), own),
        **dict.fromkeys(("aiosqlite", "discord.gateway", "bottle", "root"), others),
    }
    for name in lowest:
        for level in (10, 20, 30, 40):
            logging.getLogger(name).log(level, "from %s at %d", name, level)
    shown = re.findall(r"from (\S+) at (\d+)", stream.getvalue())
    assert {name: min(int(level) for other, level in shown if other == name) for name in lowest} == lowest


def test_what_a_library_says_of_a_failure_names_nobody(stream: io.StringIO) -> None:
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


def test_the_bot_itself_may_name_messages_and_channels(stream: io.StringIO) -> None:
    logging.getLogger("bot.reactions.cog").debug("Message %d: %s.", 123456789012345678, "neutral")
    assert stream.getvalue().endswith("Message 123456789012345678: neutral.\n")


@pytest.mark.parametrize(("error", "lines"), [(ConnectionResetError("secret"), 1), (ValueError("secret"), 4)])
def test_a_connection_that_is_lost_takes_one_line(stream: io.StringIO, error: Exception, lines: int) -> None:
    try:
        raise error
    except type(error):
        logging.getLogger("discord.shard").exception("Attempting a reconnect in %.2fs", 2.0)
    logged = stream.getvalue()
    assert logged.count("\n") == lines
    assert f"Attempting a reconnect in 2.00s: {type(error).__name__}" in logged
    assert "secret" not in logged
