"""What visitors of the demo can do that SimCord's own page has no control for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import discord

from bot.client import Emobot
from bot.i18n import ENGLISH
from bot.reactions.dislikes import DISLIKE
from bot.reactions.outcomes import Outcome
from bot.ui.emotions import label_name
from bot.why.answer import Finding, format_answer
from bot.why.cog import Why

if TYPE_CHECKING:
    import simcord

REACTIONS = (DISLIKE, "👍", "❤️", "😂")
"""The emoji with which a visitor can react."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A page of the demo in somebody's browser.

    Attributes:
        context: SimCord's name for the page.
        person: the id of the person as whom the visitor sees the server.
        channel: the id of the channel that is shown.
    """

    context: str
    person: int
    channel: int


@dataclass(frozen=True, slots=True)
class Demo:
    """A simulated server with the bot, and the actions of its visitors.

    SimCord does one thing at a time, in the channel of its preview. So the pages take turns, and in a page's turn the
    preview's channel is that of the page.

    Attributes:
        preview: SimCord's pages of the server.
        bot: the bot.
        channels: the channels; a visitor starts in the first.
    """

    preview: simcord.Preview
    bot: Emobot
    channels: tuple[simcord.ChannelHandle, ...]
    _places: dict[str, simcord.ChannelHandle] = field(default_factory=dict, init=False)
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    @property
    def commands(self) -> list[str]:
        """The names of the commands in the menu of a message."""
        return [command.name for command in self.bot.tree.get_commands(type=discord.AppCommandType.message)]

    @asynccontextmanager
    async def turn(self, context: str | None) -> AsyncIterator[None]:
        """Wait until no other page is acting, and keep the others waiting while the context manager is open.

        Args:
            context: the page whose turn it is; None for one that is about to be opened.
        """
        async with self._busy:
            self.preview.channel = self._places.get(context or "", self.channels[0])
            yield

    async def move(self, visit: Visit, channel_id: int) -> None:
        """Move a page to another channel, which it shows the next time it is drawn.

        Raises:
            LookupError: there is no such channel.
        """
        channel = self._channel(channel_id)
        async with self.turn(visit.context):
            self.preview._pages[visit.context].channel_id = channel_id  # SimCord itself never moves a page
            self._places[visit.context] = channel

    async def react(self, visit: Visit, message_id: int, emoji: str) -> None:
        """React to a message as the person as whom the visitor sees the server.

        Raises:
            LookupError: there is no such message, or the emoji is not offered.
        """
        if emoji not in REACTIONS:
            raise LookupError(emoji)
        async with self.turn(visit.context):
            await self._person(visit).react(self._message(visit, message_id), emoji)
            await self.preview.refresh()

    async def use_command(self, visit: Visit, message_id: int, name: str) -> None:
        """Use a command in the menu of a message.

        Raises:
            LookupError: there is no such message or command.
        """
        if name not in self.commands:
            raise LookupError(name)
        async with self.turn(visit.context):
            message = self._message(visit, message_id)
            await self._person(visit).context_menu(self._channel(visit.channel), name, message)
            await self.preview.refresh()

    async def thoughts(self, visit: Visit, message_ids: Collection[int]) -> dict[str, dict[str, object] | None]:
        """Return what the bot thinks of messages by their ids, in the words of the menu *Why?*.

        The value is None for a message that does not exist or that no person wrote.
        """
        thoughts: dict[str, dict[str, object] | None] = dict.fromkeys(map(str, message_ids))
        for message in self._channel(visit.channel).history(viewer=self._person(visit)):
            if message.id in message_ids and not message.author.bot:
                async with self.turn(visit.context):
                    thoughts[str(message.id)] = await self._thought(message)
        return thoughts

    async def _thought(self, message: discord.Message) -> dict[str, object]:
        found = await self._why.find_out(message, datetime.now(UTC))
        thought: dict[str, object] = {
            "author": message.author.display_name,
            "text": message.content,
            "why": format_answer(found, ENGLISH),
        }
        if isinstance(found, Finding) and found.reason != Outcome.NOT_UNDERSTOOD:
            decision = found.decision
            thought |= {
                "emotion": label_name(decision.emotion, ENGLISH),
                "emoji": found.reaction,
                "certainty": decision.certainty,
                "required": None if found.reason == Outcome.NEUTRAL else decision.required,
            }
        return thought

    @property
    def _why(self) -> Why:
        cog = self.bot.get_cog("Why")
        if not isinstance(cog, Why):
            raise TypeError(cog)
        return cog

    def _person(self, visit: Visit) -> simcord.MemberActor:
        people: dict[int, simcord.MemberActor] = {person.id: person for person in self.preview.viewers}
        return people[visit.person]

    def _channel(self, channel_id: int) -> simcord.ChannelHandle:
        """Return a channel; raise LookupError if it is not one of the demo's."""
        return {channel.id: channel for channel in self.channels}[channel_id]

    def _message(self, visit: Visit, message_id: int) -> discord.Message:
        """Return a message that a page shows; raise LookupError if it shows none with this id."""
        shown = self._channel(visit.channel).history(viewer=self._person(visit))
        return {message.id: message for message in shown}[message_id]
