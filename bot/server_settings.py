"""A server's settings, immutable and validated; exports, imports and the database use the same JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
import regex

from classifiers import EMOJI, NEUTRAL, ModelName
from classifiers.emotions import one_emoji as one_unicode_emoji

CUSTOM_EMOJI = regex.compile(r"<(a?):(\w{2,32}):(\d{15,20})>")
"""A server's own emoji as Discord writes it in a message."""

WEEKLY_MINIMUM = 50
"""The fewest messages in a week for its picture to be posted."""

_MAX_CHANNELS = 500
_MAX_EMOTIONS = 500
_LONGEST_LABEL = 100
_LONGEST_FAULT = 300
_FIELD = regex.compile(r"^(?:muted|emoji|time_zone)(?=[.:])|(?<=unknown field `).+(?=`$)|(?<= - at `\$\.)\w+")
"""Finds the invalid field in the message of a ValidationError, whether ours or msgspec's."""


class InvalidSettingsError(Exception):
    """Settings that cannot be used; the text, which is for the log, says what is wrong.

    Attributes:
        field: the first invalid field; None if the text is not settings at all.
    """

    def __init__(self, fault: str, field: str | None = None) -> None:
        """Take what is wrong, and in which field."""
        super().__init__(fault)
        self.field = field


class Liveliness(StrEnum):
    """How readily the bot reacts."""

    QUIET = "quiet"
    NORMAL = "normal"
    LIVELY = "lively"


Day: TypeAlias = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Language: TypeAlias = Literal["en-US", "de", "es-ES", "fr", "pt-BR", "tr", "ja"]
"""One of Discord's locales for each language that the bot speaks."""


def one_emoji(text: str) -> str | None:
    """Return a text that is exactly one custom emoji or one Unicode emoji, in its usual form; None if it is neither."""
    return text if CUSTOM_EMOJI.fullmatch(text) else one_unicode_emoji(text)


def _emotion(label: str) -> str:
    """Return a valid label, those of GoEmotions in their original letter case; neutral is not valid."""
    if not 1 <= len(label) <= _LONGEST_LABEL or label.casefold() == NEUTRAL:
        raise ValueError(f"{label[:20]!r} is not an emotion")
    return label.casefold() if label.casefold() in EMOJI else label


def is_time_zone(name: str) -> bool:
    """Return whether a text is the name of a time zone, such as Europe/Berlin."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a valid name, or the name of a folder
        return name == "UTC"  # which needs no database
    return True


def _valid_emoji(text: str) -> str:
    if (emoji := one_emoji(text)) is None:
        raise ValueError(f"{text!r} is not one emoji")
    return emoji


Emotions = Annotated[frozenset[str], msgspec.Meta(max_length=_MAX_EMOTIONS)]
Snowflake = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the bot behaves in one server; without arguments, the defaults.

    Attributes:
        enabled: whether it reacts at all.
        channel_rule: "except": it reacts everywhere except in `channels`; "only": it reacts only there.
        channels: ids of channels and categories. A category's id stands for the channels in it, and a channel's id for
            its threads as well.
        age_restricted: whether it reacts in age-restricted channels.
        liveliness: how readily it reacts.
        model: which model reacts; None for the operator's choice.
        muted: emotions that never get a reaction.
        emoji: replacements for the default emoji of emotions: one Unicode emoji each, or a custom one as Discord writes
            it in messages.
        mood: whether moods are counted for `/mood`.
        time_zone: the time zone of mood charts and of the weekly picture, by its name in the IANA database.
        language: the language of what the bot posts by itself; None for the server's language in Discord.
        weekly_channel: the channel in which the mood of the week is posted; None for none.
        weekly_day: the day on which it is posted.
        weekly_hour: the hour at which it is posted.
    """

    enabled: bool = True
    channel_rule: Literal["except", "only"] = "except"
    channels: Annotated[frozenset[Snowflake], msgspec.Meta(max_length=_MAX_CHANNELS)] = frozenset()
    age_restricted: bool = False
    liveliness: Liveliness = Liveliness.NORMAL
    model: ModelName | None = None
    muted: Emotions = frozenset()
    emoji: Annotated[dict[str, str], msgspec.Meta(max_length=_MAX_EMOTIONS)] = {}
    mood: bool = True
    time_zone: str = "UTC"
    language: Language | None = None
    weekly_channel: Snowflake | None = None
    weekly_day: Day = "monday"
    weekly_hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 9

    def __post_init__(self) -> None:
        """Check the emotions, the emoji and the time zone; restore the letter case of GoEmotions' labels.

        Raises:
            ValueError: a name or an emoji is not allowed.
        """
        with _prefix_errors("time_zone"):
            if not is_time_zone(self.time_zone):
                raise ValueError(f"{self.time_zone[:40]!r} is not a time zone")
        with _prefix_errors("muted"):
            muted = frozenset(map(_emotion, self.muted))
        emoji = {}
        for label, chosen in self.emoji.items():
            with _prefix_errors(f"emoji.{label[:_LONGEST_LABEL]}"):
                emoji[_emotion(label)] = _valid_emoji(chosen)
        msgspec.structs.force_setattr(self, "muted", muted)
        msgspec.structs.force_setattr(self, "emoji", emoji)

    def replace(self, **fields: object) -> Self:
        """Return a validated copy with some fields changed.

        Raises:
            InvalidSettingsError: a value is not allowed.
        """
        try:
            return msgspec.convert(msgspec.structs.asdict(self) | fields, type(self))
        except msgspec.ValidationError as error:
            raise _invalid_settings(error) from None

    def to_json(self, *, indent: int = -1) -> str:
        """Return the settings as JSON, the same for equal settings.

        Args:
            indent: spaces before each field, with one field per line; -1 for everything on one line.
        """
        content = msgspec.json.encode(self, order="deterministic")
        return (content if indent < 0 else msgspec.json.format(content, indent=indent)).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the settings in a JSON text, whether `to_json` or a person has written it.

        Raises:
            InvalidSettingsError: it is not JSON, or not valid settings.
        """
        try:
            return msgspec.json.decode(text, type=cls, strict=False)  # not strict, since ids may be in quotation marks
        except msgspec.ValidationError as error:
            raise _invalid_settings(error) from None
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise InvalidSettingsError(f"Invalid JSON: {error}") from None


@contextmanager
def _prefix_errors(place: str) -> Iterator[None]:
    """Prefix the message of a ValueError in the block with the name of the field."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _invalid_settings(error: msgspec.ValidationError) -> InvalidSettingsError:
    """Return the error for settings that cannot be used, with a text such as "channels[0]: Expected 'int' >= 1".

    The text is one line of bounded length, whatever names the file contains.
    """
    message = "".join(character if character.isprintable() else " " for character in str(error))
    problem, _, place = message.replace("`", "'").removesuffix("'").partition(" - at '$.")
    fault = f"{place}: {problem}" if place else message.replace("`", "'")
    field = _FIELD.search(message)
    return InvalidSettingsError(fault[:_LONGEST_FAULT], field[0] if field else None)
