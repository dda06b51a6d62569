"""Which messages may be read, and where the bot may react.

Whether a message may be read depends on its author, opt-outs, the server's settings, and whether it has words.
"""

from __future__ import annotations

import discord

from bot.i18n import mark
from bot.reactions.outcomes import Outcome
from bot.server_settings import ServerSettings
from bot.store import Store
from classifiers.markup import has_words

NO_WORDS = mark("It contains no words that I can read.")
NOT_A_PERSON = mark("I read only what people write.")
NOT_HERE = mark("I am turned off in this channel, so I read no messages here.")
NOT_READY = mark("I can't check right now who has opted out; please try again in a moment.")
NOT_TO_BE_READ = mark("The author of that message has opted out of being read.")

SENTENCES = {
    **dict.fromkeys((Outcome.ITSELF, Outcome.WEBHOOK, Outcome.BOT, Outcome.SYSTEM), NOT_A_PERSON),
    **dict.fromkeys((Outcome.SWITCHED_OFF, Outcome.LEFT_OUT, Outcome.AGE_RESTRICTED), NOT_HERE),
    **dict.fromkeys((Outcome.EMPTY, Outcome.MARKUP), NO_WORDS),
    Outcome.NOT_READY: NOT_READY,
    Outcome.OPTED_OUT: NOT_TO_BE_READ,
}
"""What users are told when they ask the bot to read a message that it may not read."""

_SERVER_CHANNELS = (discord.abc.GuildChannel, discord.Thread)
_MAY_BE_AGE_RESTRICTED = (discord.TextChannel, discord.VoiceChannel, discord.StageChannel, discord.Thread)


def text_of(message: discord.Message) -> str:
    """Return the text of a message, or of the message that it forwards."""
    return message.content or "\n".join(snapshot.content for snapshot in message.message_snapshots)


def why_unreadable(message: discord.Message, store: Store, me: discord.abc.Snowflake | None) -> Outcome | None:
    """Return why a message may not be read, or None if it may be; its text is not examined.

    Args:
        message: the message.
        store: knows opt-outs and settings, which may change at any moment, so ask again after each wait.
        me: the bot's own user.
    """
    return author_kind_reason(
        itself=message.author == me,
        webhook=message.webhook_id is not None,
        bot=message.author.bot,
        system=message.is_system() or message.author.system,
    ) or author_or_server_objection(
        message.author.id, message.guild.id if message.guild else None, message.channel, store
    )


def author_or_server_objection(author_id: int, guild_id: int | None, channel: object, store: Store) -> Outcome | None:
    """Return why the author of a text or the server does not want it to be read, or None if neither objects.

    Args:
        author_id: who wrote the text.
        guild_id: the server in which it was written; None for a direct message.
        channel: the channel it was written in.
        store: knows opt-outs and settings.
    """
    if not store.ready:
        return Outcome.NOT_READY
    if store.has_opted_out(author_id):
        return Outcome.OPTED_OUT
    if guild_id is not None and not isinstance(channel, _SERVER_CHANNELS):
        return Outcome.LEFT_OUT  # an unknown thread, which may be excluded
    return settings_reason(store.settings(guild_id), *_channel_ids(channel), age_restricted=_is_age_restricted(channel))


def author_kind_reason(
    *, itself: bool = False, webhook: bool = False, bot: bool = False, system: bool = False
) -> Outcome | None:
    """Return why the messages of an author may not be read, or None if they may be.

    Args:
        itself: this very bot wrote it.
        webhook: a webhook wrote it.
        bot: another bot wrote it.
        system: Discord wrote it, for example because somebody joined.
    """
    if itself:
        return Outcome.ITSELF
    if webhook:
        return Outcome.WEBHOOK
    if bot:
        return Outcome.BOT
    return Outcome.SYSTEM if system else None


def no_words_reason(text: str) -> Outcome | None:
    """Return why a text has no words to read, or None if it has some."""
    if has_words(text):
        return None
    return Outcome.MARKUP if text.strip() else Outcome.EMPTY


def settings_reason(settings: ServerSettings, *channel_ids: int | None, age_restricted: bool) -> Outcome | None:
    """Return why no messages of a channel may be read, or None if the server allows it.

    Args:
        settings: the server's settings.
        channel_ids: the id of the channel, of its parent if it is a thread, and of its category.
        age_restricted: whether the channel is age-restricted.
    """
    if not settings.enabled:
        return Outcome.SWITCHED_OFF
    listed = not settings.channels.isdisjoint(channel_ids)
    if listed == (settings.channel_rule == "except"):
        return Outcome.LEFT_OUT
    if age_restricted and not settings.age_restricted:
        return Outcome.AGE_RESTRICTED
    return None


def may_react(message: discord.Message) -> bool:
    """Return whether the bot has the permissions to react, to avoid requests that Discord would refuse."""
    channel = message.channel
    if message.guild is None or not isinstance(channel, _SERVER_CHANNELS):
        return True
    granted = permissions_of(channel, message.guild.me)
    return granted.view_channel and granted.read_message_history and granted.add_reactions


def permissions_of(channel: discord.abc.GuildChannel | discord.Thread, member: discord.Member) -> discord.Permissions:
    """Return what a member may do in a channel."""
    try:
        return channel.permissions_for(member)
    except discord.ClientException:  # a thread whose channel is hidden from the bot
        return discord.Permissions.none()


def _channel_ids(channel: object) -> tuple[int | None, ...]:
    """Return the ids by which settings may name a channel: its own, its parent's if it is a thread, its category's."""
    if isinstance(channel, discord.Thread):  # its parent is unknown if the bot cannot see it
        return channel.id, channel.parent_id, channel.parent.category_id if channel.parent else None
    return getattr(channel, "id", None), getattr(channel, "category_id", None)


def _is_age_restricted(channel: object) -> bool:
    return isinstance(channel, _MAY_BE_AGE_RESTRICTED) and channel.is_nsfw()
