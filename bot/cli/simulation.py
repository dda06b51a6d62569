"""The very same bot in a simulated Discord, opened to the browser; no token and no network."""

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
from bot.client import Emobot, create_bot
from bot.configuration import Configuration
from bot.i18n import ENGLISH, Translate
from bot.maintenance.cog import Maintenance
from bot.reactions.history import WINDOW
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

WELCOME = """\
## Welcome to the living room 👋
I am **Emobot**. I read along, and when a message has a clear emotion I answer with its emoji.
- **Write something** below, with feeling: *I can't believe we won, this is amazing!*
- **Type `/compare`** to see how my two models, an RNN and a BiLSTM, read the same text.
- **Type `/mood`** for the mood of this channel (the week before you came is made up), `/settings` for what a \
server's owner can change, `/privacy` for what I keep.

Everything happens on this computer, and nothing you write is kept."""

CONVERSATION = (
    (58, "Maya", "I got the job!! I'm so happy right now"),
    (57, "Jonas", "Congratulations, you totally deserve this, amazing work"),
    (49, "Maya", "Thank you so much for all your help with the interview"),
    (31, "Priya", "The meeting is at ten on Thursday."),
    (12, "Jonas", "I'm so sorry, I completely forgot about it"),
    (4, "Priya", "haha no worries, that dog video still makes me laugh"),
)
"""Minutes before the visitor comes, who writes, and what."""

PEOPLE = {"You": "#5865f2", "Maya": "#c2410c", "Jonas": "#15803d", "Priya": "#a21caf"}
"""All people, the visitor first, with the colours of their portraits."""

SETTLES_WITHIN = 12.0
"""Real seconds that SimCord waits for the bot to come to rest before it calls the outcome of an action uncertain.

Its own 5 are too few for a slow computer. It stays below the 15 after which the bot takes a message to be stale.
"""


class _Clock:
    """The real clock, since the simulated one stands still between two actions; it can be put forward."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.perf_counter() + self._ahead

    def put_forward(self, seconds: float) -> None:
        """Put the clock forward."""
        self._ahead += seconds


async def run(configuration: Configuration, port: int, open_browser: Callable[[str], object] | None = None) -> None:
    """Serve the demo until it is ended in the browser or this task is cancelled.

    Args:
        configuration: what the bot is built from, but for the database, which is forgotten afterwards.
        port: of the local page, 0 for any that is free.
        open_browser: is called with the address once the page is there.

    Raises:
        demo_page.PortTakenError: another program listens there.
        MissingExtraError: the demo extra is installed in part only.
        ConfigurationError, ModelDirectoryError: the bot cannot be built.
    """
    async with opened(configuration) as preview, demo_page.served(preview.url, port) as url:
        print(f"Emobot is waiting for you at {url}\nPress Ctrl-C to end.", flush=True)  # noqa: T201 - for who started it
        if open_browser:
            await asyncio.to_thread(open_browser, url)
        await preview.wait_closed()


@asynccontextmanager
async def opened(
    configuration: Configuration, *, models: Mapping[str, Classifier] | None = None
) -> AsyncIterator[simcord.Preview]:
    """Open a server with people, a conversation and the bot, and SimCord's page of it; raises as `run` does."""
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder:
        forgotten = f"sqlite+aiosqlite:///{folder}/demo.db"
        bot = create_bot(replace(configuration, database_url=forgotten), models=models, clock=clock)
        async with bot, simcord.run(bot, check_errors=False, settle_timeout=SETTLES_WITHIN) as env:
            lounge, viewers = await _furnish(env, bot, clock)
            # The first pictures load what draws, for which a visitor's first /mood should not have to wait.
            portraits = await asyncio.to_thread(_portraits, viewers)
            preview = env.preview(lounge, viewers=viewers, layout="channel", assets=portraits)
            try:
                await preview.__aenter__()
            except simcord.SetupError as error:
                raise MissingExtraError("The demo", "demo") from error
            try:
                yield preview
            finally:
                await preview.close()


async def _furnish(
    env: simcord.Env, bot: Emobot, clock: _Clock
) -> tuple[simcord.ChannelHandle, list[simcord.MemberActor]]:
    """Fill the server; return the channel to show and the people as whom it can be seen, the visitor first."""
    # The simulation begins at a date of its own and its page shows UTC, so local time is passed off as that. What
    # the bot does every minute would be done for each minute of the months between, so it rests meanwhile.
    now = datetime.now().astimezone().replace(tzinfo=UTC)
    await bot.remove_cog("Maintenance")
    await _wait_until(env, now - timedelta(hours=1))
    await bot.http.edit_profile({"username": "Emobot"})
    guild = env.create_guild("The living room")
    lounge = guild.create_text_channel("lounge", topic="Say how you feel, or type /compare")
    guild.create_text_channel("memes", topic="For what makes you laugh")
    host = guild.create_role("host", permissions=discord.Permissions(manage_guild=True, manage_messages=True))
    people = {
        name: guild.add_member(
            env.create_user(name.lower(), global_name=name, avatar=name), roles=[host] if name == "You" else []
        )
        for name in PEOPLE
    }
    await bot.store.save_settings(guild.id, ServerSettings(liveliness=Liveliness.LIVELY))
    _remember_a_week(bot, guild.id, lounge.id, now)
    for minutes, name, text in CONVERSATION:
        await _wait_until(env, now - timedelta(minutes=minutes))
        await people[name].send(lounge, text)
        clock.put_forward(20)
    await _wait_until(env, now)
    await bot.add_cog(Maintenance(bot, bot.store, bot.requests.time))
    clock.put_forward(WINDOW)  # or the visitor's first words might come to one reaction too many
    # Last, since the page opens at the bot's latest message.
    await bot.get_partial_messageable(lounge.id).send(WELCOME)
    return lounge, list(people.values())


def _portraits(people: Iterable[simcord.MemberActor]) -> dict[str, tuple[str, bytes]]:
    """Return the picture of each person's initial, by the address from which SimCord would have it."""
    return {
        f"{CDN_BASE}/avatars/{person.id}/{name}.png": (f"{name}.png", _portrait(name[0], colour))
        for person, (name, colour) in zip(people, PEOPLE.items(), strict=True)
    }


def _portrait(initial: str, colour: str) -> bytes:
    def fill(figure: Figure, font: FontProperties, _: Translate) -> None:
        figure.set_layout_engine("none")
        figure.set_facecolor(colour)
        figure.text(0.5, 0.48, initial, ha="center", va="center", font=font, size=14, color="white")

    return draw_card((0.4, 0.4), fill, (), ENGLISH)


async def _wait_until(env: simcord.Env, moment: datetime) -> None:
    """Let the simulated time pass until `moment`, unless it is later already."""
    await env.advance_time(max(0.0, (moment - env.now()).total_seconds()))


def _remember_a_week(bot: Emobot, guild_id: int, channel_id: int, now: datetime) -> None:
    """Make up moods, so that there is something to see: a bad Wednesday, a good weekend, quiet nights."""
    rng = random.Random(0)  # noqa: S311 - decoration, not secrecy
    for hours in range(1, 7 * 24):
        hour = now - timedelta(hours=hours)
        awake = max(0.0, math.sin((hour.hour - 7) / 17 * math.pi))
        bad, good = hour.weekday() == 2, hour.weekday() >= 4
        weights = {
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
        for emotion in rng.choices(list(weights), list(weights.values()), k=round(awake * rng.uniform(4, 12))):
            bot.store.count_mood(guild_id, channel_id, hour, emotion)
