"""How a message can end: with a reaction, or without one for a named reason."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How a message ended, in the words that the counts and the log at debug level use."""

    REACTED = "reacted"
    """The bot reacted."""

    # Who wrote it
    ITSELF = "itself"
    """The bot wrote the message itself."""
    WEBHOOK = "webhook"
    """A webhook wrote the message."""
    BOT = "bot"
    """Another bot wrote the message."""
    SYSTEM = "system"
    """Discord wrote the message, for example when somebody joins."""

    # Whether its author and its server allow it
    NOT_READY = "not ready"
    """Opt-outs and settings have not been read from the database yet."""
    OPTED_OUT = "opted out"
    """The author has opted out."""
    SWITCHED_OFF = "switched off"
    """The server has switched the bot off."""
    LEFT_OUT = "channel left out"
    """The server's settings exclude the channel."""
    AGE_RESTRICTED = "age-restricted"
    """The channel is age-restricted, and the server has not allowed such channels."""
    NOT_PERMITTED = "not permitted"
    """The bot lacks a permission that a reaction needs in the channel."""

    # What it says
    EMPTY = "empty"
    """The message has no text."""
    MARKUP = "markup"
    """The text has no words besides links, mentions, code and custom emoji."""
    NOT_UNDERSTOOD = "not understood"
    """The model knows too few of the words, as in another language."""
    NEUTRAL = "neutral"
    """The strongest emotion is neutral."""
    NO_EMOJI = "no emoji"
    """The emotion of the reaction has no emoji."""
    MUTED = "muted"
    """The server has muted the emotion."""
    UNSURE = "unsure"
    """The model is not certain enough."""
    DELICATE = "delicate"
    """The emoji is cheerful, but there is grief, fear or sadness in the message."""
    GRAVE = "grave"
    """The message speaks of self-harm, death or grave illness."""
    IRONIC = "ironic"
    """The emotion is a pleasant one, but a set phrase shows irony."""

    # Whether the model answered
    OVERLOADED = "overloaded"
    """Too many texts were waiting for the model, or the bot was shutting down."""
    TOO_SLOW = "too slow"
    """The model did not answer in time."""

    # The limits on reactions
    COOLING_DOWN = "cooling down"
    """The last reaction in the channel was too recent."""
    ENOUGH = "enough"
    """The channel has had its share of reactions for now."""
    STALE = "stale"
    """The message is too old for a reaction."""
    CROWDED = "crowded"
    """Too many reactions to messages of the channel are already in flight."""
    BACKING_OFF = "backing off"
    """Discord has refused a reaction in the channel or its server, and the pause after that is not over."""
    HELD_BACK = "held back"
    """Requests to Discord are paused, this one would be too late, or an earlier reaction could not be removed."""

    # What Discord answered
    RATE_LIMITED = "rate limited"
    """Discord's rate limit lasts too long to wait for."""
    FORBIDDEN = "forbidden"
    """Discord said that a permission is missing."""
    NO_ACCESS = "no access"
    """Discord said that the bot has no access to the channel."""
    MESSAGE_GONE = "message gone"
    """The message was deleted in the meantime."""
    UNKNOWN_EMOJI = "unknown emoji"
    """Discord does not know the emoji."""
    TOO_MANY_REACTIONS = "too many reactions"
    """The message already has as many reactions as Discord allows."""
    BLOCKED = "blocked by the author"
    """The author has blocked the bot."""
    REFUSED = "refused"
    """Discord refused the reaction for another reason."""
    DISCORD_FAILED = "Discord failed"
    """Discord gave no answer, or answered with an error of its own."""
    TAKEN_BACK = "taken back"
    """Somebody removed the reaction, or the message may no longer be read."""
