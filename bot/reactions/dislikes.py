"""Remove reactions that people dislike, by ❌ or the message menu; the bot then reacts less there for a day."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.connection.requests import DiscordRequests
from bot.i18n import mark, translator
from bot.reactions.gate import permissions_of
from bot.reactions.history import History
from bot.reactions.sending import ReactionSender
from classifiers.emotions import VARIATION_SELECTOR

DISLIKE = "❌"
"""The emoji with which a message's author, or somebody who may manage messages, removes the bot's reaction."""

TAKEN_BACK = mark("Reaction removed. I will hold back a little in this channel for a day.")
NOT_TAKEN_BACK = mark("I couldn't remove my reaction just now; please try again in a moment.")
NOTHING_TO_TAKE_BACK = mark("I have not reacted to that message.")
NOT_YOURS = mark("Only the author of the message, or someone who can manage messages, can remove my reaction.")


class Dislikes(commands.Cog):
    """Removes reactions that people dislike, and counts dislikes.

    It keeps nothing itself. `ChannelHistory` counts one dislike per person in a channel for a day. During that time the
    policy (`required_certainty`) demands more certainty there, and the pace (`profile_for`) allows fewer reactions.
    """

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        history: History,
        requests: DiscordRequests,
        sender: ReactionSender,
    ) -> None:
        self._bot = bot
        self._history = history
        self._requests = requests
        self._sender = sender
        self._menu = app_commands.ContextMenu(name="Take the reaction back", callback=self.take_back)

    async def cog_load(self) -> None:
        """Add the message menu, which a cog does not add by itself."""
        self._bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Remove the message menu."""
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)

    # Events

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Remove the reaction when the author, or somebody who may manage messages, reacts with `DISLIKE`."""
        if not _is_same(payload.emoji, DISLIKE) or (self._bot.user and payload.user_id == self._bot.user.id):
            return
        where = self._bot.get_partial_messageable(payload.channel_id, guild_id=payload.guild_id)
        message = where.get_partial_message(payload.message_id)
        if self._manages(payload) or payload.user_id == await self._author_id(payload, message):
            await self.withdraw(message, payload.user_id)

    @commands.Cog.listener()
    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        """Count a dislike when someone removes the bot's reaction."""
        if self._bot.user and payload.user_id == self._bot.user.id:
            self._count_removed(payload.channel_id, payload.message_id, payload.emoji)

    @commands.Cog.listener()
    async def on_raw_reaction_clear_emoji(self, payload: discord.RawReactionClearEmojiEvent) -> None:
        """Count a dislike when a moderator removes all reactions with the bot's emoji."""
        self._count_removed(payload.channel_id, payload.message_id, payload.emoji)

    @commands.Cog.listener()
    async def on_raw_reaction_clear(self, payload: discord.RawReactionClearEvent) -> None:
        """Count a dislike when a moderator removes all reactions."""
        self._count_removed(payload.channel_id, payload.message_id)

    async def take_back(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Remove the reaction when someone uses the message menu, as with `DISLIKE`."""
        translate = translator(interaction.locale)
        if interaction.user != message.author and not interaction.permissions.manage_messages:
            await interaction.response.send_message(translate(NOT_YOURS), ephemeral=True)
            return
        await interaction.response.defer(ephemeral=True)  # the removal may take longer than Discord waits for an answer
        where = self._bot.get_partial_messageable(message.channel.id, guild_id=interaction.guild_id)
        sentence = await self.withdraw(where.get_partial_message(message.id), interaction.user.id)
        await interaction.followup.send(translate(sentence), ephemeral=True)

    # Taking back

    async def withdraw(self, message: discord.PartialMessage, person: int) -> str:
        """Remove the bot's reactions from a message and count a dislike; return a sentence that says if that was done.

        Args:
            message: the message.
            person: the id of the user who asks for it.
        """
        record = self._history.messages.get(message.id)
        try:
            if record and record.emoji:
                found, record.emoji = [record.emoji], None
            else:  # the message is too old to have a record, or an edit of it is just replacing the reaction
                fetched = await self._requests.ask(message.fetch())
                found = [str(reaction.emoji) for reaction in fetched.reactions if reaction.me]
        except (discord.NotFound, discord.Forbidden):
            return NOTHING_TO_TAKE_BACK
        except discord.DiscordException:
            return NOT_TAKEN_BACK
        if record:
            if record.emoji and not found:  # added while the message was fetched
                found = [record.emoji]
            if found or record.busy.locked():  # an edit may be about to add another reaction
                record.emoji, record.unwanted = None, True
        if not found:
            return NOTHING_TO_TAKE_BACK
        left = [emoji for emoji in found if not await self._sender.remove(message, emoji)]
        if record and left:
            record.emoji = left[0]
        self._history.channels.count_dislike(message.channel.id, person)
        return NOT_TAKEN_BACK if left else TAKEN_BACK

    def _count_removed(self, channel_id: int, message_id: int, emoji: discord.PartialEmoji | None = None) -> None:
        """Count a dislike if the bot's recent reaction was removed: that with this emoji, or any if it is None."""
        record = self._history.messages.get(message_id)
        if record and record.emoji and (emoji is None or _is_same(emoji, record.emoji)):
            record.emoji, record.unwanted = None, True
            self._history.channels.count_dislike(channel_id, None)

    async def _author_id(self, payload: discord.RawReactionActionEvent, message: discord.PartialMessage) -> int | None:
        """Return the id of a message's author, which Discord usually sends with the reaction; None if it is unknown."""
        if payload.message_author_id:
            return payload.message_author_id
        try:
            return (await self._requests.ask(message.fetch())).author.id
        except discord.DiscordException:
            return None

    def _manages(self, payload: discord.RawReactionActionEvent) -> bool:
        """Return whether the person who reacted may manage messages in the channel."""
        channel = self._bot.get_channel(payload.channel_id)
        if payload.member is None or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
            return False
        return permissions_of(channel, payload.member).manage_messages


def _is_same(emoji: discord.PartialEmoji, ours: str) -> bool:
    """Return whether Discord means our emoji, which may come with or without a variation selector."""
    if emoji.id is None and emoji.name:
        return emoji.name.replace(VARIATION_SELECTOR, "") == ours.replace(VARIATION_SELECTOR, "")
    return emoji == discord.PartialEmoji.from_str(ours)
