"""What is known without asking the database: settings, opt-outs, and counts of moods that wait to be written."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from bot.server_settings import InvalidSettingsError, ServerSettings

log = logging.getLogger(__name__)

MAX_WAITING = 100_000
"""How many counts of moods wait at most while the database takes none."""

SERVER, OPT_OUT = "server", "opt-out"
_DEFAULTS = ServerSettings()


class Change(NamedTuple):
    """What the database has for a server's settings or a person's opt-out from now on.

    Attributes:
        kind: `SERVER` or `OPT_OUT`.
        identity: the id of the server or the person.
        value: the settings as JSON, or the id of who has opted out; None if there is nothing any more.
    """

    kind: str
    identity: int
    value: str | int | None


class MoodKey(NamedTuple):
    """What moods are counted by, named as the columns of `bot.store.tables.Mood`."""

    guild_id: int
    channel_id: int
    hour: datetime
    emotion: str


@dataclass(slots=True)
class _Stored:
    """Settings as they are stored, and as they are read once somebody asks for them."""

    text: str
    settings: ServerSettings | None = None


class Memory:
    """Answers at once, for every message."""

    def __init__(self) -> None:
        self._servers: dict[int, _Stored] = {}
        self._opt_outs: set[int] = set()
        self._waiting: dict[MoodKey, int] = {}
        self._overflowing = False

    def settings(self, guild_id: int | None) -> ServerSettings:
        """The settings of a server; the defaults if there are none, or none that this version can read.

        Args:
            guild_id: the server; None for direct messages, which have the defaults.
        """
        stored = None if guild_id is None else self._servers.get(guild_id)
        if stored is None:
            return _DEFAULTS
        if stored.settings is None:
            try:
                stored.settings = ServerSettings.from_json(stored.text)
            except InvalidSettingsError as error:
                log.warning("The settings of server %d cannot be read, so it gets the defaults: %s", guild_id, error)
                stored.settings = _DEFAULTS
        return stored.settings

    def is_configured(self, guild_id: int) -> bool:
        """Whether settings of a server were ever saved."""
        return guild_id in self._servers

    def has_opted_out(self, user_id: int) -> bool:
        """Whether a person's messages are not to be read."""
        return user_id in self._opt_outs

    def count_mood(self, guild_id: int, channel_id: int, when: datetime, emotion: str, messages: int = 1) -> None:
        """Count messages of a channel with an emotion, -1 to take one back; it waits until `Store.refresh`."""
        hour = when.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        key = MoodKey(guild_id, channel_id, hour, emotion)
        if key in self._waiting or len(self._waiting) < MAX_WAITING:
            self._wait(key, messages)
        elif not self._overflowing:
            log.warning("%d counts of moods wait for the database: no others are taken until it works.", MAX_WAITING)
            self._overflowing = True

    def _wait(self, key: MoodKey, messages: int) -> None:
        self._waiting[key] = self._waiting.get(key, 0) + messages
        if not self._waiting[key]:
            del self._waiting[key]

    def _learn(self, change: Change) -> None:
        if change.kind == OPT_OUT:
            (self._opt_outs.discard if change.value is None else self._opt_outs.add)(change.identity)
        elif isinstance(change.value, str):
            self._servers[change.identity] = _Stored(change.value)
        else:  # the server was erased, so nothing of it may come back
            self._servers.pop(change.identity, None)
            self._drop({change.identity})

    def _drop(self, guild_ids: Collection[int]) -> None:
        """Forget the counts of these servers that wait."""
        self._waiting = {key: n for key, n in self._waiting.items() if key.guild_id not in guild_ids}

    def _learn_all(self, settings: Mapping[int, str], opt_outs: Iterable[int]) -> None:
        """Take over all that the database has, but do not read again what is the same."""
        known, self._servers = self._servers, {}
        for guild_id, text in settings.items():
            stored = known.get(guild_id)
            self._servers[guild_id] = stored if stored and stored.text == text else _Stored(text)
        self._opt_outs = set(opt_outs)
