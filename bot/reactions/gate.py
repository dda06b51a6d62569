"""The gate before every reading of a message: who wrote it, and whether its author and its server let it be read."""

from __future__ import annotations

import discord

from bot.i18n import mark
from bot.reactions.policy import Silence, ineligible, unwelcome
from bot.store import Store

NO_WORDS = mark("There are no words in it that I could read.")
NOT_A_PERSON = mark("I read only what people write.")
NOT_HERE = mark("I am switched off in this channel, so I read no messages here.")
NOT_READY = mark("I cannot look up just now who wants to be read; please try again in a moment.")
NOT_TO_BE_READ = mark("The author of that message has asked me not to read along.")

SENTENCES = {
    **dict.fromkeys((Silence.ITSELF, Silence.WEBHOOK, Silence.BOT, Silence.SYSTEM), NOT_A_PERSON),
    **dict.fromkeys((Silence.SWITCHED_OFF, Silence.LEFT_OUT, Silence.AGE_RESTRICTED), NOT_HERE),
    **dict.fromkeys((Silence.EMPTY, Silence.MARKUP), NO_WORDS),
    Silence.NOT_READY: NOT_READY,
    Silence.OPTED_OUT: NOT_TO_BE_READ,
}
"""What somebody who asks to have a message read is told when it may not be."""


def text_of(message: discord.Message) -> str:
    """Return what somebody who asks about a message means by it: its own text, or the one that it forwards."""
    return message.content or "\n".join(snapshot.content for snapshot in message.message_snapshots)


def refusal(message: discord.Message, store: Store, me: discord.abc.Snowflake | None) -> Silence | None:
    """Return why a message is not read, None if it may be; its text is not looked at.

    Args:
        message: the message.
        store: what is known of opt-outs and settings, which change at any moment: ask again after a while.
        me: the bot's own user.
    """
    return ineligible(
        itself=message.author == me,
        webhook=message.webhook_id is not None,
        bot=message.author.bot,
        system=message.is_system() or message.author.system,
    ) or objection(message.author.id, message.guild.id if message.guild else None, message.channel, store)


def objection(author_id: int, guild_id: int | None, channel: object, store: Store) -> Silence | None:
    """Return why the author of a text or the server does not want it to be read, None if they do not mind.

    Args:
        author_id: who wrote the text.
        guild_id: the server it was written in, None if in a direct message.
        channel: the channel it was written in.
        store: what is known of opt-outs and settings.
    """
    if not store.ready:
        return Silence.NOT_READY
    if store.has_opted_out(author_id):
        return Silence.OPTED_OUT
    if guild_id is not None and not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return Silence.LEFT_OUT  # a thread that the bot has not been told of, and so nor whether it is left out
    return unwelcome(store.settings(guild_id), *_places(channel), age_restricted=_is_age_restricted(channel))


def _places(channel: object) -> tuple[int | None, ...]:
    """The ids by which a server may have named a channel: its own, its parent's if it is a thread, its category's."""
    if isinstance(channel, discord.Thread):  # whose parent is unknown where it is hidden from the bot
        return channel.id, channel.parent_id, channel.parent.category_id if channel.parent else None
    return getattr(channel, "id", None), getattr(channel, "category_id", None)


def _is_age_restricted(channel: object) -> bool:
    kinds = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
    return isinstance(channel, kinds) and channel.is_nsfw()
