"""`/mood`: a picture of the mood of a channel or the server over time."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Collection, Iterable
from datetime import datetime

import discord
from discord import app_commands
from discord.ext import commands

from bot.analyzer import Analyzer
from bot.connection.clock import DiscordTime
from bot.i18n import Translate, mark, translator
from bot.mood.chart import MINIMUM, PERIODS, MoodOverTime, Period, alternative_text, caption, draw
from bot.store import MoodCount, Store
from bot.ui.emotions import emotions_of
from classifiers import EMOJI

PATIENCE = 1.0
"""Seconds for which somebody is left without a sign that a picture is on its way; Discord waits for three."""

_PLACES = {"channel": mark("This channel"), "server": mark("The whole server")}


class Mood(commands.Cog):
    """Shows the moods that are counted by channel and hour, never by person; keeps nothing itself."""

    def __init__(self, analyzer: Analyzer, store: Store, time: DiscordTime) -> None:
        self._emoji = {**EMOJI, **emotions_of(analyzer.models)}  # for what other models have counted, too
        self._store = store
        self._time = time
        self._drawing = asyncio.Lock()  # one at a time, so that pictures never take all of the computer

    @app_commands.command(name="mood", description="See a picture of the mood here over time")
    @app_commands.describe(
        where="Whose mood: this channel's, if you say nothing else",
        period="How far to look back: 7 days, if you say nothing else",
    )
    @app_commands.choices(
        where=[app_commands.Choice(name=name, value=place) for place, name in _PLACES.items()],
        period=[app_commands.Choice(name=period.name, value=value) for value, period in PERIODS.items()],
    )
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def mood(self, interaction: discord.Interaction, where: str = "channel", period: str = "week") -> None:
        """Answer with the picture, or only to the one who asked with the reason why there is none."""
        member, channel = interaction.user, interaction.channel
        if not isinstance(member, discord.Member) or channel is None:
            raise app_commands.NoPrivateMessage
        _ = translator(interaction.locale)
        if not self._store.settings(member.guild.id).mood:
            refusal = _("Moods are not counted in this server. Whoever manages it can change that with /settings.")
            await interaction.response.send_message(refusal, ephemeral=True)
            return
        channel_id = channel.parent_id if isinstance(channel, discord.Thread) else channel.id
        channel_ids = _seen_by(member) if where == "server" else [channel_id]
        private = where == "server"  # for it sums up channels that not everybody here can see
        looking = asyncio.create_task(self._look(member.guild.id, channel_ids, PERIODS[period], _))
        await asyncio.wait({looking}, timeout=PATIENCE)
        if not looking.done():
            await interaction.response.defer(ephemeral=private)
        mood, picture = await looking
        answer = interaction.followup.send if interaction.response.is_done() else interaction.response.send_message
        if picture is None:
            sentence = _(
                "Messages counted in that time: {count}. For a picture I need {minimum}; please ask again later."
            ).format(count=mood.messages, minimum=MINIMUM)
            await answer(sentence, ephemeral=True)
            return
        place = _(_PLACES[where])
        lines = [
            f"### {place if where == 'server' else f'<#{channel_id}>'} · {_(mood.period.name)}",
            caption(mood, self._emoji, _),
            "-# " + self._about_the_counts(where, _),
        ]
        file = discord.File(io.BytesIO(picture), "mood.png", description=alternative_text(mood, place, _))
        await answer("\n".join(lines), file=file, ephemeral=private)

    def _about_the_counts(self, where: str, _: Translate) -> str:
        """What is kept, and for how long."""
        kept = _("Only counts by channel and hour are kept, never by person, for {days} days.").format(
            days=self._store.mood_days
        )
        if where == "channel":
            return kept
        return kept + " " + _("Only channels that whoever asked can see are counted.")

    async def _look(
        self, guild_id: int, channel_ids: Collection[int], period: Period, _: Translate
    ) -> tuple[MoodOverTime, bytes | None]:
        now = self._time.now()  # by which the hours were counted
        counts = await self._store.moods(guild_id, period.since(now), channel_ids)
        async with self._drawing:
            return await asyncio.to_thread(_sum_and_draw, counts, period, now, _)


def _seen_by(member: discord.Member) -> list[int]:
    """The ids of the channels whose messages somebody can read."""
    seen = []
    for channel in member.guild.channels:
        granted = channel.permissions_for(member)
        # The chat of a voice channel is open only to those who may join it.
        voice = isinstance(channel, discord.VoiceChannel | discord.StageChannel)
        if granted.view_channel and (granted.connect or not voice):
            seen.append(channel.id)
    return seen


def _sum_and_draw(
    counts: Iterable[MoodCount], period: Period, now: datetime, _: Translate
) -> tuple[MoodOverTime, bytes | None]:
    """The mood, and its picture where there are messages enough for one."""
    mood = MoodOverTime(period, now, ((count.hour, count.emotion, count.messages) for count in counts))
    return mood, draw(mood, _) if mood.messages >= MINIMUM else None
