"""Run the bot in a simulated Discord that is shown in the browser; this needs no token and no network."""

from __future__ import annotations

import asyncio
import math
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import discord

from bot.cli import demo_page
from bot.cli.demo_content import CHANNELS, PEOPLE, WELCOME
from bot.cli.demo_visits import Demo
from bot.client import Emobot, create_bot
from bot.configuration import Configuration
from bot.i18n import ENGLISH, Translate
from bot.maintenance.cog import Maintenance
from bot.mood.weekly import WeeklyMood
from bot.reactions.dislikes import DISLIKE
from bot.server_settings import Liveliness, ServerSettings
from bot.ui.card import draw_card
from classifiers import Classifier, MissingExtraError

try:
    import simcord
    from simcord.backend.cdn import CDN_BASE
except ImportError as error:
    raise MissingExtraError("The demo", "demo") from error

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

SETTLE_TIMEOUT = 12.0
"""Real seconds that SimCord waits for the bot to finish before it calls the outcome of an action uncertain.

SimCord's default of 5 is too short for a slow computer. It must stay below 15, after which a message is stale.
"""


class _Clock:
    """Monotonic seconds: simulated while the past messages are written, then real.

    The simulated clock stands still between two actions, so with it alone no pause after a reaction would ever end.
    """

    def __init__(self) -> None:
        self._simulated = 0.0
        self._real_since: float | None = None

    def __call__(self) -> float:
        return self._simulated + (0.0 if self._real_since is None else time.perf_counter() - self._real_since)

    def advance(self, seconds: float) -> None:
        """Advance the clock by this many seconds."""
        self._simulated += seconds

    def run(self) -> None:
        """Let the clock run in real time from now on."""
        self._real_since = time.perf_counter()


async def run(configuration: Configuration, port: int, open_browser: Callable[[str], object] | None = None) -> None:
    """Serve the demo until it is ended in the browser or this task is cancelled.

    Args:
        configuration: the bot's; the demo ignores its database, Discord's addresses, its shards and its server for
            development.
        port: of the local page; 0 for any free port.
        open_browser: called with the address once the page is served.

    Raises:
        demo_page.PortError: another program listens there.
        MissingExtraError: the demo extra is only partly installed.
        ConfigurationError, ModelDirectoryError: the bot cannot be built.
    """
    async with open_demo(configuration) as demo, demo_page.serve(demo, port) as url:
        print(f"Emobot is waiting for you at {url}\nPress Ctrl-C to end.", flush=True)  # noqa: T201 - for who started it
        if open_browser:
            await asyncio.to_thread(open_browser, url)
        await demo.preview.wait_closed()


@asynccontextmanager
async def open_demo(
    configuration: Configuration, *, models: Mapping[str, Classifier] | None = None
) -> AsyncIterator[Demo]:
    """Open a server with people, conversations and the bot, and SimCord's page of it; raises the same as `run`."""
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder:
        database_url = f"sqlite+aiosqlite:///{folder}/demo.db"
        bot = create_bot(_demo_configuration(configuration, database_url), models=models, clock=clock)
        bot.analyzer.batch_delay = 0.0  # to SimCord, a text that waits for others would look like work that never ends
        async with bot, simcord.run(bot, check_errors=False, settle_timeout=SETTLE_TIMEOUT) as env:
            channels, viewers = await _populate(env, bot, clock)
            # The first picture loads Matplotlib, which the visitor's first /mood should not have to wait for.
            avatars = await asyncio.to_thread(_avatars, viewers)
            preview = env.preview(channels[0], viewers=viewers, layout="channel", assets=avatars)
            try:
                await preview.__aenter__()
            except simcord.SetupError as error:
                raise MissingExtraError("The demo", "demo") from error
            clock.run()
            try:
                yield Demo(preview, bot, channels)
            finally:
                await preview.close()


def _demo_configuration(configuration: Configuration, database_url: str) -> Configuration:
    """Return the configuration with the demo's database, and without Discord's addresses, shards and a test server."""
    return replace(
        configuration,
        database_url=database_url,
        api_base=None,
        gateway_url=None,
        shard_count=None,
        shard_ids=None,
        dev_guild=None,
    )


async def _populate(
    env: simcord.Env, bot: Emobot, clock: _Clock
) -> tuple[tuple[simcord.ChannelHandle, ...], list[simcord.MemberActor]]:
    """Fill the server; return its channels, and the people as whom it can be seen, the visitor first."""
    # The simulated clock starts months ago and its page shows UTC, so the clock is set to the local time as if it were
    # UTC. The bot's loops are removed first, since they would run for every few minutes of those months.
    now = datetime.now().astimezone().replace(tzinfo=UTC)
    for cog in ("Maintenance", "WeeklyMood"):
        await bot.remove_cog(cog)
    await _wait_until(now - timedelta(hours=1), env, clock)
    await bot.http.edit_profile({"username": "Emobot"})
    guild = env.create_guild("The living room")
    channels = {channel: guild.create_text_channel(channel.name, topic=channel.topic) for channel in CHANNELS}
    host = guild.create_role("host", permissions=discord.Permissions(manage_guild=True, manage_messages=True))
    people = {
        name: guild.add_member(
            env.create_user(name.lower(), global_name=name, avatar=name), roles=[host] if name == "You" else []
        )
        for name in PEOPLE
    }
    await bot.store.save_settings(guild.id, ServerSettings(liveliness=Liveliness.LIVELY))
    for handle in channels.values():
        _invent_moods(bot, guild.id, handle.id, now)
    past = [(line, handle) for channel, handle in channels.items() for line in channel.messages]
    for line, handle in sorted(past, key=lambda said: -said[0].minutes):
        await _wait_until(now - timedelta(minutes=line.minutes), env, clock)
        message = await people[line.author].send(handle, line.text)
        if line.disliked:
            await people[line.author].react(message, DISLIKE)
    await _wait_until(now, env, clock)
    await bot.add_cog(Maintenance(bot, bot.store, bot.requests.time))
    await bot.add_cog(WeeklyMood(bot, bot.analyzer, bot.store, bot.requests))
    # Last, since the page opens at the bot's latest message.
    lounge, *others = channels.values()
    await bot.get_partial_messageable(lounge.id).send(WELCOME)
    return (lounge, *others), list(people.values())


def _avatars(people: Iterable[simcord.MemberActor]) -> dict[str, tuple[str, bytes]]:
    """Return an avatar with each person's initial, by the address from which SimCord would load it."""
    return {
        f"{CDN_BASE}/avatars/{person.id}/{name}.png": (f"{name}.png", _avatar(name[0], colour))
        for person, (name, colour) in zip(people, PEOPLE.items(), strict=True)
    }


def _avatar(initial: str, colour: str) -> bytes:
    def fill(figure: Figure, font: FontProperties, _: Translate) -> None:
        figure.set_layout_engine("none")
        figure.set_facecolor(colour)
        figure.text(0.5, 0.48, initial, ha="center", va="center", font=font, size=14, color="white")

    return draw_card((0.4, 0.4), fill, (), ENGLISH)


async def _wait_until(moment: datetime, env: simcord.Env, clock: _Clock) -> None:
    """Let the simulated time pass until `moment`, unless it is already later."""
    seconds = max(0.0, (moment - env.now()).total_seconds())
    await env.advance_time(seconds)
    clock.advance(seconds)


def _invent_moods(bot: Emobot, guild_id: int, channel_id: int, now: datetime) -> None:
    """Store invented moods, so that there is something to see: a bad Wednesday, a good weekend, quiet nights.

    They use the GoEmotions labels that the reacting model knows, or all of its labels if it knows none of those.
    """
    labels = bot.analyzer.models[bot.analyzer.default_model].labels
    rng = random.Random(0)  # noqa: S311 - decoration, not secrecy
    for hours in range(1, 7 * 24):
        hour = now - timedelta(hours=hours)
        awake = max(0.0, math.sin((hour.hour - 7) / 17 * math.pi))
        bad, good = hour.weekday() == 2, hour.weekday() >= 4
        made_up = {
            "neutral": 5.0,
            "joy": 1.5 + 2 * good,
            "amusement": 1.5 + good,
            "gratitude": 1.0,
            "curiosity": 1.0,
            "surprise": 0.5,
            "sadness": 0.5 + bad,
            "disappointment": 0.5 + 2 * bad,
            "annoyance": 0.7 + 3 * bad,
            "nervousness": 0.3,
        }
        weights = {label: weight for label, weight in made_up.items() if label in labels} or dict.fromkeys(labels, 1.0)
        for emotion in rng.choices(list(weights), list(weights.values()), k=round(awake * rng.uniform(4, 12))):
            bot.store.count_mood(guild_id, channel_id, hour, emotion)
