"""`/mood`: a picture of the mood of a channel or the server over time."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Collection, Iterable
from datetime import datetime

import discord
from discord import app_commands
from discord.ext import commands

from bot.analysis.analyzer import Analyzer
from bot.connection.clock import DiscordTime
from bot.i18n import Translate, mark, translator
from bot.local_time import moment_of, wall_clock
from bot.mood.chart import draw
from bot.mood.over_time import MIN_MESSAGES, PERIODS, MoodOverTime, Period
from bot.mood.readers import readable_channels
from bot.mood.words import alternative_text, caption, what_is_kept
from bot.store import MoodCount, Store
from bot.ui.emotions import emotions_of
from classifiers import EMOJI

DEFER_AFTER = 1.0
"""Seconds after which the user sees that a picture is being drawn; Discord waits for three."""

_PLACES = {"channel": mark("This channel"), "server": mark("The whole server")}


class Mood(commands.Cog):
    """Shows moods, which are counted by channel and hour and never by person; keeps nothing itself."""

    def __init__(self, analyzer: Analyzer, store: Store, time: DiscordTime) -> None:
        self._emoji = {**EMOJI, **emotions_of(analyzer.models)}  # for what other models have counted, too
        self._store = store
        self._time = time
        self._drawing = asyncio.Lock()  # one at a time, so that pictures never take all of the processor

    @app_commands.command(name="mood", description="See a picture of the mood here over time")
    @app_commands.describe(
        where="Whose mood to show (default: this channel's)",
        period="How far to look back (default: 7 days)",
    )
    @app_commands.choices(
        where=[app_commands.Choice(name=name, value=place) for place, name in _PLACES.items()],
        period=[app_commands.Choice(name=period.name, value=value) for value, period in PERIODS.items()],
    )
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def mood(self, interaction: discord.Interaction, where: str = "channel", period: str = "week") -> None:
        """Answer with the picture or, privately, with the reason why there is none."""
        member, channel = interaction.user, interaction.channel
        if not isinstance(member, discord.Member) or channel is None:
            raise app_commands.NoPrivateMessage
        translate = translator(interaction.locale)
        settings = self._store.settings(member.guild.id)
        if not settings.mood:
            refusal = translate(
                "Moods are not counted in this server. Those who manage it can change that with /settings."
            )
            await interaction.response.send_message(refusal, ephemeral=True)
            return
        channel_id = channel.parent_id if isinstance(channel, discord.Thread) else channel.id
        private = where == "server"  # since it sums up channels that not everybody here can see
        channel_ids = readable_channels(member) if private else [channel_id]
        loading = asyncio.create_task(
            self._load_and_draw(member.guild.id, channel_ids, PERIODS[period], settings.time_zone, translate)
        )
        await asyncio.wait({loading}, timeout=DEFER_AFTER)
        if not loading.done():
            await interaction.response.defer(ephemeral=private)
        mood, picture = await loading
        answer = interaction.followup.send if interaction.response.is_done() else interaction.response.send_message
        if picture is None:
            await answer(_too_few(mood.messages, translate), ephemeral=True)
            return
        place = translate(_PLACES[where])
        lines = [
            f"### {place if private else f'<#{channel_id}>'} · {translate(mood.period.name)}",
            caption(mood, self._emoji, translate),
            "-# " + self._about_the_counts(where, translate),
        ]
        file = discord.File(io.BytesIO(picture), "mood.png", description=alternative_text(mood, place, translate))
        await answer("\n".join(lines), file=file, ephemeral=private)

    def _about_the_counts(self, where: str, translate: Translate) -> str:
        """Return a note on what is kept, and for how long."""
        kept = what_is_kept(self._store.mood_days, translate)
        if where == "channel":
            return kept
        return kept + " " + translate("Only channels that you can see are counted.")

    async def _load_and_draw(
        self, guild_id: int, channel_ids: Collection[int], period: Period, zone: str, translate: Translate
    ) -> tuple[MoodOverTime, bytes | None]:
        now = self._time.now()  # Discord's time, which was also used to count the messages
        since = moment_of(period.since(wall_clock(now, zone)), zone)
        counts = await self._store.moods(guild_id, since, channel_ids)
        async with self._drawing:
            return await asyncio.to_thread(_sum_and_draw, counts, period, now, zone, translate)


def _sum_and_draw(
    counts: Iterable[MoodCount], period: Period, now: datetime, zone: str, translate: Translate
) -> tuple[MoodOverTime, bytes | None]:
    """Return the mood, and its picture if there are enough messages."""
    mood = MoodOverTime(period, now, ((count.hour, count.emotion, count.messages) for count in counts), zone)
    return mood, draw(mood, translate) if mood.messages >= MIN_MESSAGES else None


def _too_few(messages: int, translate: Translate) -> str:
    """Return a sentence that says why so few messages make no picture."""
    return translate.plural(
        "I counted {count} message in that time; for a picture I need {minimum}. Please ask again later.",
        "I counted {count} messages in that time; for a picture I need {minimum}. Please ask again later.",
        messages,
    ).format(minimum=MIN_MESSAGES)
