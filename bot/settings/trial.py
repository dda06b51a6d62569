"""*Try it here*: for ten minutes, a server's manager sees what the bot thinks of each message in a channel.

Everything is shown in one message that only this person sees. The bot edits it with the token of the interaction that
started the trial, which Discord accepts for 15 minutes.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import discord
from discord.ext import commands, tasks

from bot.connection.requests import DiscordRequests
from bot.errors import log_failure
from bot.i18n import mark, translator
from bot.reactions.gate import NOT_READY, permissions_of
from bot.reactions.observers import MessageResult, Observers
from bot.reactions.outcomes import Outcome
from bot.settings.permissions import permission_warning
from bot.settings.trial_panel import EndReason, TrialLine, TrialPanel, instructions, trial_line
from bot.store import Store

DURATION = timedelta(minutes=10)

EDIT_INTERVAL = 3.0
"""The fewest seconds between two edits, except before the last; so Discord's limit is not reached, however busy the
channel is."""

MAX_SHOWN = 12
"""How many of the latest messages are shown."""

HIDDEN = mark("I can't see this channel, so I read nothing here.")

_GONE_STATUSES = frozenset({401, 403, 404})  # the token has expired, or the channel or the message was deleted
_STOP_TIMEOUT = 2.0  # seconds for which a bot that is being stopped tries to end its trials


class Trial:
    """Observes a channel, and shows a person what the bot thinks of its messages.

    Until it ends, it remembers what became of the latest messages and who wrote them, but not their texts.

    Attributes:
        interaction: the interaction that started it.
        channel: the channel.
        ends_at: when its time is over, by the clock.
        end_reason: why it has ended; None while it runs.
        changed: whether there is something new to show.
        shown_at: when the message was last edited, by the clock.
        drawing: held while the message is edited.
    """

    def __init__(
        self,
        interaction: discord.Interaction,
        channel: discord.abc.GuildChannel | discord.Thread,
        ends_at: float,
        has_opted_out: Callable[[int], bool],
        update: Callable[[Trial], Awaitable[None]],
    ) -> None:
        """Start without messages; `update` is called with the trial for each message, and by `update_loop`."""
        self.interaction = interaction
        self.channel = channel
        self.ends_at = ends_at
        self.end_reason: EndReason | None = None
        self.changed = False
        self.shown_at = -math.inf
        self.drawing = asyncio.Lock()
        self._has_opted_out = has_opted_out
        self._update = update
        self._lines: dict[int, TrialLine] = {}

    @tasks.loop(seconds=1)
    async def update_loop(self) -> None:
        """Call `update` every second until this is cancelled."""
        await self._update(self)

    async def message_handled(self, message_id: int, author_id: int, result: MessageResult) -> None:
        """Show what became of a message, unless it is the bot's own or the trial has ended in the meantime."""
        if self.end_reason or result.outcome == Outcome.ITSELF:
            return
        self._lines[message_id] = TrialLine(message_id, author_id, result)
        if len(self._lines) > MAX_SHOWN:
            del self._lines[min(self._lines)]
        self.changed = True
        await self._update(self)

    def message_removed(self, message_id: int) -> None:
        """Stop showing a message."""
        if self._lines.pop(message_id, None):
            self.changed = True

    def remove_opted_out(self) -> None:
        """Stop showing messages whose authors have opted out since."""
        for line in list(self._lines.values()):
            if self._has_opted_out(line.author_id):
                self.message_removed(line.message_id)

    def clear(self) -> None:
        """Stop showing all messages."""
        self._lines.clear()
        self.changed = False

    def panel(self) -> TrialPanel:
        """Return the panel as it should look now."""
        translate = translator(self.interaction.locale)
        lines = [
            trial_line(self._lines[message_id], self.channel.guild.id, self.channel.id, translate)
            for message_id in sorted(self._lines)
        ]
        if self.end_reason:
            return TrialPanel(translate, [translate(self.end_reason.value)], lines, runs=False)
        header = [instructions(self.channel.id, self.interaction.created_at + DURATION, translate)]
        if self._has_opted_out(self.interaction.user.id):
            header.append("⚠️ " + translate("You have opted out: I only read what you type into /compare."))
        if text := permission_warning(self.interaction.app_permissions, translate):
            header.append(text)
        return TrialPanel(translate, header, lines, runs=True)


class Trials:
    """The running trials, one for each person and channel."""

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        store: Store,
        requests: DiscordRequests,
        observers: Observers,
        clock: Callable[[], float],
    ) -> None:
        """Start with none.

        Args:
            bot: knows what it can see.
            store: knows who has opted out.
            requests: sends the edits.
            observers: gets each trial as an observer of its channel.
            clock: monotonic seconds.
        """
        self._bot = bot
        self._store = store
        self._requests = requests
        self._observers = observers
        self._clock = clock
        self._running: dict[tuple[int, int], Trial] = {}

    async def start(self, interaction: discord.Interaction, guild: discord.Guild) -> None:
        """Start a trial in the channel of an interaction, and end an earlier one of the same person there."""
        channel = self._visible(guild.id, interaction.channel_id)
        if channel is None or not self._store.ready:
            sentence = HIDDEN if channel is None else NOT_READY
            await interaction.response.send_message(translator(interaction.locale)(sentence), ephemeral=True)
            return
        ends_at = self._clock() + DURATION.total_seconds()
        trial = Trial(interaction, channel, ends_at, self._store.has_opted_out, self._update)
        await interaction.response.send_message(view=trial.panel(), ephemeral=True)
        earlier = self._running.get(_key(trial))
        self._running[_key(trial)] = trial
        self._observers.add(channel.id, trial)
        trial.update_loop.start()
        if earlier:
            await self._end(earlier, EndReason.MOVED)

    async def stop(self, interaction: discord.Interaction) -> None:
        """End the trial whose button was pressed; one from before a restart has already ended."""
        trial = self._running.get((interaction.user.id, interaction.channel_id or 0))
        if trial is None:
            translate = translator(interaction.locale)
            panel = TrialPanel(translate, [translate(EndReason.OVER.value)], [], runs=False)
            await interaction.response.edit_message(view=panel)
            return
        await interaction.response.defer()  # an edit in progress may take longer than Discord waits for an answer
        await self._end(trial, EndReason.STOPPED)

    async def close(self) -> None:
        """End all trials, without waiting long for Discord."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_TIMEOUT):
                await asyncio.gather(*(self._end(trial, EndReason.RESTARTED) for trial in list(self._running.values())))

    async def _update(self, trial: Trial) -> None:
        """Bring a trial up to date; end it if that fails, since a lasting fault would fail again for each message."""
        try:
            await self._refresh(trial)
        except Exception as error:  # a bug: `_refresh` handles the failures of Discord
            log_failure("*Try it here*", error)
            trial.clear()
            with suppress(Exception):  # the same bug
                await self._end(trial, EndReason.FAILED)

    async def _refresh(self, trial: Trial) -> None:
        """Show what is new, unless the trial is over or the last edit was too recent."""
        if trial.end_reason:
            return
        now = self._clock()
        if now >= trial.ends_at:
            await self._end(trial, EndReason.TIME)
            return
        trial.remove_opted_out()
        channel = self._visible(trial.channel.guild.id, trial.channel.id)
        if channel is None:
            await self._end(trial, EndReason.HIDDEN)
        elif trial.changed and now - trial.shown_at >= EDIT_INTERVAL:
            trial.shown_at = now
            allowed = await self._is_allowed(trial.interaction.user.id, channel)
            if allowed is None or trial.end_reason:
                return
            if not allowed:
                trial.clear()
                await self._end(trial, EndReason.NOT_ALLOWED)
            elif not await self._show(trial) and self._stop_observing(trial, EndReason.OVER):
                trial.update_loop.cancel()

    async def _is_allowed(self, user_id: int, channel: discord.abc.GuildChannel | discord.Thread) -> bool | None:
        """Return whether a person may manage the server and see the channel now; None if Discord cannot be asked.

        Discord does not announce changes of members to the bot, so it has to ask.
        """
        try:
            member = await self._requests.ask(channel.guild.fetch_member(user_id), within=EDIT_INTERVAL)
        except discord.NotFound:
            return False
        except discord.DiscordException:
            return None
        permissions = permissions_of(channel, member)
        return permissions.manage_guild and permissions.view_channel

    async def _end(self, trial: Trial, end_reason: EndReason) -> None:
        """End a trial and show why; do nothing if it has already ended."""
        if not self._stop_observing(trial, end_reason):
            return
        try:
            # As before each edit; if Discord does not say what the person may see, nothing new is shown.
            if trial.changed and not await self._is_allowed(trial.interaction.user.id, trial.channel):
                trial.clear()
            await self._show(trial)
        finally:
            trial.update_loop.cancel()

    def _stop_observing(self, trial: Trial, end_reason: EndReason) -> bool:
        """End a trial, which then observes no further messages; return False if it had already ended."""
        if trial.end_reason:
            return False
        trial.end_reason = end_reason
        self._observers.remove(trial.channel.id, trial)
        if self._running.get(_key(trial)) is trial:
            del self._running[_key(trial)]
        return True

    async def _show(self, trial: Trial) -> bool:
        """Edit the message; return False if Discord no longer lets it be edited."""
        async with trial.drawing:
            trial.remove_opted_out()  # again, since the last edit may have taken a while
            trial.changed = False
            try:
                await self._requests.ask(trial.interaction.edit_original_response(view=trial.panel()))
            except discord.HTTPException as error:
                if error.status in _GONE_STATUSES:
                    return False
                trial.changed = True  # the next round tries again
            except discord.DiscordException:
                trial.changed = True
        return True

    def _visible(self, guild_id: int, channel_id: int | None) -> discord.abc.GuildChannel | discord.Thread | None:
        """Return a channel if it exists and the bot may see it, else None."""
        guild = self._bot.get_guild(guild_id)
        channel = guild.get_channel_or_thread(channel_id) if guild and channel_id else None
        return channel if guild and channel and permissions_of(channel, guild.me).view_channel else None


def _key(trial: Trial) -> tuple[int, int]:
    return trial.interaction.user.id, trial.channel.id
