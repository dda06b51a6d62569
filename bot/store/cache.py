"""Settings and opt-outs in memory, and the mood counts that have not been written to the database yet."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from bot.server_settings import InvalidSettingsError, ServerSettings

log = logging.getLogger(__name__)

MAX_WAITING = 100_000
"""The most mood counts to keep in memory while the database cannot be written to."""

SERVER, OPT_OUT = "server", "opt-out"
_DEFAULTS = ServerSettings()

_SILENT = ServerSettings(enabled=False, mood=False)
"""Used when a server's settings cannot be parsed: with the defaults, the bot might read channels it must not."""


class Change(NamedTuple):
    """A change to a server's settings or a person's opt-out in the database.

    Attributes:
        kind: `SERVER` or `OPT_OUT`.
        identity: the id of the server or the person.
        value: the settings as JSON, or the id of the person who opted out; None if the row was deleted.
    """

    kind: str
    identity: int
    value: str | int | None


class MoodKey(NamedTuple):
    """The key of a mood count; the fields are named like the columns of `bot.store.tables.MOODS`."""

    guild_id: int
    channel_id: int
    hour: datetime
    emotion: str


@dataclass(slots=True)
class _Stored:
    """A server's settings as JSON, parsed when they are first needed."""

    text: str
    settings: ServerSettings | None = None


class Cache:
    """Settings, opt-outs and unwritten mood counts in memory, so that no message has to wait for the database.

    `DatabaseSync` fills it. During an outage it keeps the settings and opt-outs that were read last.

    Attributes:
        ready: whether settings and opt-outs have been read at least once. Until then the bot does not know who has
            opted out, so it must not read any message.
    """

    def __init__(self) -> None:
        self.ready = False
        self._servers: dict[int, _Stored] = {}
        self._opt_outs: set[int] = set()
        self._moods: dict[MoodKey, int] = {}
        self._overflowing = False

    # Settings and opt-outs

    def settings(self, guild_id: int | None) -> ServerSettings:
        """Return a server's settings: the defaults if none were saved, `_SILENT` if they cannot be parsed.

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
                log.warning("The settings of server %d cannot be read, so the bot is silent there: %s", guild_id, error)
                stored.settings = _SILENT
        return stored.settings

    def unreadable_settings(self, guild_id: int) -> str | None:
        """Return a server's settings as stored if they cannot be parsed, else None."""
        return self._servers[guild_id].text if self.settings(guild_id) is _SILENT else None

    def is_configured(self, guild_id: int) -> bool:
        """Return whether the server has saved settings."""
        return guild_id in self._servers

    def has_opted_out(self, user_id: int) -> bool:
        """Return whether a person's messages must not be read."""
        return user_id in self._opt_outs

    def settings_as_stored(self) -> dict[int, str]:
        """Return the settings of all servers as JSON, by server."""
        return {guild_id: stored.text for guild_id, stored in self._servers.items()}

    def opt_outs(self) -> frozenset[int]:
        """Return the ids of all who have opted out."""
        return frozenset(self._opt_outs)

    def sizes(self) -> Mapping[str, int]:
        """Return the number of settings, opt-outs and unwritten mood counts in memory, by name."""
        return {"settings": len(self._servers), "opt-outs": len(self._opt_outs), "moods": len(self._moods)}

    def apply(self, change: Change) -> None:
        """Apply a change that was made in the database; for an erased server, drop its unwritten mood counts too."""
        if change.kind == OPT_OUT and change.value is None:
            self._opt_outs.discard(change.identity)
        elif change.kind == OPT_OUT:
            self._opt_outs.add(change.identity)
        elif isinstance(change.value, str):
            self._servers[change.identity] = _Stored(change.value)
        else:
            self._servers.pop(change.identity, None)
            self.drop_moods({change.identity})

    def replace(self, settings: Mapping[int, str], opt_outs: Iterable[int]) -> None:
        """Replace all settings and opt-outs with those in the database; unchanged settings are not parsed again."""
        known, self._servers = self._servers, {}
        for guild_id, text in settings.items():
            stored = known.get(guild_id)
            self._servers[guild_id] = stored if stored and stored.text == text else _Stored(text)
        self._opt_outs = set(opt_outs)
        self.ready = True

    # Unwritten mood counts

    def count_mood(self, guild_id: int, channel_id: int, when: datetime, emotion: str, messages: int = 1) -> None:
        """Count messages with an emotion in a channel (a negative number undoes it), for `DatabaseSync` to write."""
        hour = when.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        key = MoodKey(guild_id, channel_id, hour, emotion)
        if key in self._moods or len(self._moods) < MAX_WAITING:
            self._add(key, messages)
        elif not self._overflowing:
            log.warning("%d mood counts wait for the database: new ones are lost until it works again.", MAX_WAITING)
            self._overflowing = True

    @property
    def waiting_moods(self) -> Mapping[MoodKey, int]:
        """A live view of the unwritten counts; copy what you need to keep."""
        return MappingProxyType(self._moods)

    def subtract_moods(self, counts: Iterable[tuple[MoodKey, int]]) -> None:
        """Subtract counts that have been written; what was counted in the meantime remains."""
        for key, messages in counts:
            self._add(key, -messages)
        self._overflowing = False

    def drop_moods(self, guild_ids: Collection[int]) -> None:
        """Drop the unwritten counts of these servers."""
        self._moods = {key: n for key, n in self._moods.items() if key.guild_id not in guild_ids}

    def _add(self, key: MoodKey, messages: int) -> None:
        self._moods[key] = self._moods.get(key, 0) + messages
        if not self._moods[key]:
            del self._moods[key]
