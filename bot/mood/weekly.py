"""Post the mood of the week in each server that wants it: when, whether, and with what text.

A process that finds a picture due claims its week in the database before it posts, so that each picture is posted once,
however many processes there are. If Discord or the database fails, the week is released and tried again every ten
minutes, until a day after it was due. There is no picture that week if Discord refuses it, if there are too few
messages, or if the bot is killed between claim and post; a bot that is being stopped first posts a picture that it has
begun. If permissions are missing, nothing is claimed or requested, and `/settings` says so.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import discord
from discord.ext import commands, tasks

from bot.analysis.analyzer import Analyzer
from bot.connection.requests import DiscordFailedError, DiscordRequests, HeldBackError
from bot.errors import log_failure, loggable_text
from bot.i18n import Translate, translator
from bot.local_time import MAX_DELAY, latest_due, moment_of, wall_clock, week_of
from bot.mood.chart import draw
from bot.mood.over_time import PERIODS, MoodOverTime
from bot.mood.readers import channels_open_to_readers_of
from bot.mood.standouts import Standout, find_standouts
from bot.mood.words import alternative_text, caption, what_is_kept
from bot.server_settings import WEEKLY_MINIMUM, ServerSettings
from bot.store import MoodCount, Store, StoreError
from bot.ui.emotions import NO_EMOJI, emotions_of, label_with_emoji
from bot.ui.permissions import TO_POST, missing_permissions
from classifiers import EMOJI

log = logging.getLogger(__name__)

_COMPARISON_PERIOD = timedelta(weeks=4)
"""The time before the week with which its days are compared."""

_POST_TIMEOUT = 30.0
"""Seconds after which the request to post is no longer sent."""

_STOP_TIMEOUT = 3.0
"""Seconds for which a bot that is being stopped tries to post the picture that it has begun."""

_TRANSIENT_ERRORS = (discord.DiscordServerError, discord.RateLimited, HeldBackError, DiscordFailedError)
"""Failures of Discord or of the network, after which it is worth trying again."""


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted.

    Attributes:
        text: the text.
        picture: the picture, as PNG.
        description: the alternative text of the picture.
    """

    text: str
    picture: bytes
    description: str


class WeeklyMood(commands.Cog):
    """Posts a server's mood once a week if its managers want it; stores only the last week it posted or skipped."""

    def __init__(
        self, bot: commands.AutoShardedBot, analyzer: Analyzer, store: Store, requests: DiscordRequests
    ) -> None:
        self._bot = bot
        self._emoji = {**EMOJI, **emotions_of(analyzer.models)}  # for what other models have counted, too
        self._store = store
        self._requests = requests
        self._claimed: dict[int, str] = {}  # by server, the week that could be neither posted nor released
        self._settled: dict[int, str] = {}  # by server, the last week for which nothing is left to do
        self._busy = asyncio.Lock()  # held while a server's picture is posted

    async def cog_load(self) -> None:
        """Start checking every ten minutes."""
        self.post_due_pictures.start()

    async def cog_unload(self) -> None:
        """Stop checking, if possible after the picture that has been begun: its week would be lost with it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_TIMEOUT):
                await self._busy.acquire()
        self.post_due_pictures.cancel()

    @tasks.loop(minutes=10)
    async def post_due_pictures(self) -> None:
        """Post in each of this process's servers in which a picture is due."""
        if not (self._bot.is_ready() and self._store.ready and self._requests.time.known):
            return
        for guild in list(self._bot.guilds):
            try:
                async with self._busy:
                    await self._post_if_due(guild)
            except StoreError as error:
                log.warning("A picture of the week is delayed: %s", error)
            except Exception as error:  # the other servers get theirs
                log_failure("A picture of the week", error)

    async def _post_if_due(self, guild: discord.Guild) -> None:
        settings = self._store.settings(guild.id)
        channel = guild.get_channel(settings.weekly_channel or 0)
        if not isinstance(channel, discord.TextChannel) or not settings.mood:
            return
        if missing_permissions(channel.permissions_for(guild.me), TO_POST):
            return
        now = self._requests.time.now()
        due = latest_due(now, settings.weekly_day, settings.weekly_hour, settings.time_zone)
        week = week_of(due, settings.time_zone)
        if now - due >= MAX_DELAY or self._settled.get(guild.id) == week:
            return
        if self._claimed.pop(guild.id, None) == week or await self._store.claim_week(guild.id, week):
            try:
                await self._post(channel, due, settings)
            except (StoreError, *_TRANSIENT_ERRORS) as error:
                log.info("The picture of the week in server %d is postponed: %s", guild.id, loggable_text(error))
                self._claimed[guild.id] = week  # stays claimed if the database still fails
                await self._store.release_week(guild.id, week)
                del self._claimed[guild.id]
                return
            except discord.HTTPException as error:
                log.warning("Discord refused the picture of the week in server %d: %s", guild.id, loggable_text(error))
        self._settled[guild.id] = week

    async def _post(self, channel: discord.TextChannel, due: datetime, settings: ServerSettings) -> None:
        """Post the picture of the seven days before its due day, if there were enough messages."""
        zone = settings.time_zone
        end = wall_clock(due, zone).replace(hour=0)
        since = moment_of(end - timedelta(weeks=1) - _COMPARISON_PERIOD, zone)
        counts = await self._store.moods(channel.guild.id, since, channels_open_to_readers_of(channel))
        language = settings.language and discord.Locale(settings.language)
        translate = translator(language or channel.guild.preferred_locale)
        post = await asyncio.to_thread(compose, counts, end.date(), zone, self._emoji, self._store.mood_days, translate)
        if post is None:
            return
        file = discord.File(io.BytesIO(post.picture), "mood.png", description=post.description)
        # The nonce lets Discord recognise a request that is repeated after a lost answer.
        nonce = f"{due:%y%m%d}{channel.id}"[:25]
        await self._requests.ask(channel.send(post.text, file=file, nonce=nonce), _POST_TIMEOUT)


def compose(
    counts: Sequence[MoodCount],
    end: date,
    zone: str,
    emoji: Mapping[str, str | None],
    mood_days: int,
    translate: Translate,
) -> Post | None:
    """Return the picture of the seven days before `end`, with its text; None if there were too few messages.

    Args:
        counts: the counts of the week and of the weeks before it.
        end: the day after the last.
        zone: the time zone in which days start.
        emoji: the emoji of each emotion; None or missing if it has none.
        mood_days: for how many days counts are kept.
        translate: the readers' language.
    """
    last_moment = moment_of(datetime.combine(end, time()), zone) - timedelta(microseconds=1)
    numbers = [(count.hour, count.emotion, count.messages) for count in counts]
    mood = MoodOverTime(PERIODS["week"], last_moment, numbers, zone)
    if mood.messages < WEEKLY_MINIMUM:
        return None
    first, last = end - timedelta(days=7), end - timedelta(days=1)
    title = translate("The mood of the week") + f" · {translate.day_range(first, last)}"
    note = translate("Only channels that everyone in this channel can see are counted.")
    found = find_standouts(*_by_day(counts, first, end, zone))
    lines = [
        f"### {title}",
        caption(mood, emoji, translate),
        *_standout_lines(found, emoji, translate),
        f"-# {note} {what_is_kept(mood_days, translate)}",
    ]
    description = alternative_text(mood, translate("The whole server"), translate)
    return Post("\n".join(lines), draw(mood, translate), description)


def _by_day(
    counts: Sequence[MoodCount], first: date, end: date, zone: str
) -> tuple[dict[date, Counter[str]], list[Counter[str]]]:
    """Return the counts of each day of the week, and those of each day before it."""
    days: defaultdict[date, Counter[str]] = defaultdict(Counter)
    for count in counts:
        day = wall_clock(count.hour, zone).date()
        if day < end and count.messages > 0:
            days[day][count.emotion] += count.messages
    week = {day: emotions for day, emotions in days.items() if day >= first}
    return week, [emotions for day, emotions in days.items() if day < first]


def _standout_lines(
    found: Sequence[Standout] | None, emoji: Mapping[str, str | None], translate: Translate
) -> list[str]:
    """Return a line about each thing that stood out, or a line that nothing did; empty if that cannot be decided."""
    if found is None:
        return []
    if not found:
        return [translate("No day stood out from the weeks before.")]
    sentence = translate("{day}: {emotion} more often than usual, in {share} of the messages (before: {usual})")
    return [
        "- "
        + sentence.format(
            day=translate.weekday_name(each.day),
            emotion=f"{emoji.get(each.emotion) or NO_EMOJI} **{label_with_emoji(each.emotion, None, translate)}**",
            share=translate.percent(each.share),
            usual=translate.percent(each.usual),
        )
        for each in found
    ]
