"""What a server's owner can set; immutable, validated, and the very JSON that is exported, imported and stored."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

import regex
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_serializer

from classifiers import EMOJI, NEUTRAL, ModelName
from classifiers.emotions import is_emoji as is_unicode_emoji

CUSTOM_EMOJI = regex.compile(r"<(a?):(\w{2,32}):(\d{15,20})>")
"""A server's own emoji as Discord writes it in a message."""

_MAX_CHANNELS = 500
_MAX_EMOTIONS = 500
_LONGEST_LABEL = 100


class InvalidSettingsError(Exception):
    """Imported settings that cannot be used; its text names the first field at fault."""


class Liveliness(StrEnum):
    """How readily the bot reacts."""

    QUIET = "quiet"
    NORMAL = "normal"
    LIVELY = "lively"


def is_emoji(text: str) -> bool:
    """Return whether a text is exactly one Unicode emoji or one custom emoji, as Discord takes it for a reaction."""
    return bool(CUSTOM_EMOJI.fullmatch(text) or is_unicode_emoji(text))


def _emotion(label: str) -> str:
    """Return a valid label, one of GoEmotions in its letter case; neutral is not valid."""
    if not 1 <= len(label) <= _LONGEST_LABEL or label.casefold() == NEUTRAL:
        raise ValueError(f"{label[:20]!r} is no emotion")
    return label.casefold() if label.casefold() in EMOJI else label


def _one_emoji(text: str) -> str:
    if not is_emoji(text):
        raise ValueError(f"{text!r} is not one emoji")
    return text


Emotion = Annotated[str, AfterValidator(_emotion)]
Emoji = Annotated[str, AfterValidator(_one_emoji)]
Snowflake = Annotated[int, Field(gt=0, lt=2**63)]


class ServerSettings(BaseModel):
    """How the bot behaves in one server; as it stands, the defaults.

    Attributes:
        enabled: whether it reacts at all.
        channel_rule: whether `channels` are left out, or are the only ones in which it reacts. The id of a
            category stands for the channels in it, that of a channel for its threads as well.
        channels: ids of channels and categories.
        age_restricted: whether it reacts in age-restricted channels.
        liveliness: how readily it reacts.
        model: which model reacts; None for what the operator of the bot has chosen.
        muted: emotions that never get a reaction.
        emoji: what stands in for the default emoji of an emotion: one Unicode emoji, or a custom one in the form
            in which Discord writes it in messages.
        mood: whether moods are counted for `/mood`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    channel_rule: Literal["except", "only"] = "except"
    channels: frozenset[Snowflake] = Field(default=frozenset(), max_length=_MAX_CHANNELS)
    age_restricted: bool = False
    liveliness: Liveliness = Liveliness.NORMAL
    model: ModelName | None = None
    muted: frozenset[Emotion] = Field(default=frozenset(), max_length=_MAX_EMOTIONS)
    emoji: dict[Emotion, Emoji] = Field(default={}, max_length=_MAX_EMOTIONS)
    mood: bool = True

    @field_serializer("channels", "muted")
    def _in_order(self, values: frozenset[int] | frozenset[str]) -> list[int | str]:
        return sorted(values)

    def covers(self, *channel_ids: int | None) -> bool:
        """Return whether to react in a channel with these ids: its own, its parent's and its category's."""
        return self.channels.isdisjoint(channel_ids) == (self.channel_rule == "except")

    def changed(self, **fields: object) -> Self:
        """Return a validated copy with some fields changed.

        Raises:
            InvalidSettingsError: a value is not allowed.
        """
        return self._validated(self.model_dump() | fields)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the settings that `model_dump_json`, or somebody by hand, has written.

        Raises:
            InvalidSettingsError: it is no JSON, or not of these settings.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise InvalidSettingsError(_first_fault(error)) from None

    @classmethod
    def _validated(cls, fields: dict[str, object]) -> Self:
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise InvalidSettingsError(_first_fault(error)) from None


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
