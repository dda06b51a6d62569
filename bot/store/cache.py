"""What is known without asking the database: settings, opt-outs, and counts of moods that wait to be written."""

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
"""How many counts of moods wait at most while the database cannot be written to."""

SERVER, OPT_OUT = "server", "opt-out"
_DEFAULTS = ServerSettings()

_SILENT = ServerSettings(enabled=False, mood=False)
"""Used where those of a server cannot be parsed: with the defaults, the bot might read channels it was kept out of."""


class Change(NamedTuple):
    """A change in the database of a server's settings or of a person's opt-out.

    Attributes:
        kind: `SERVER` or `OPT_OUT`.
        identity: the id of the server or the person.
        value: the settings as JSON, or the id of the person who has opted out; None if the row was deleted.
    """

    kind: str
    identity: int
    value: str | int | None


class MoodKey(NamedTuple):
    """What moods are counted by, named as the columns of `bot.store.tables.MOODS`."""

    guild_id: int
    channel_id: int
    hour: datetime
    emotion: str


@dataclass(slots=True)
class _Stored:
    """Settings as JSON, and parsed once they are first asked for."""

    text: str
    settings: ServerSettings | None = None


class Cache:
    """Settings, opt-outs and waiting counts in memory, so that no message has to wait for the database.

    `DatabaseSync` fills it. During an outage it is not cleared: settings and opt-outs stay as they were last read.

    Attributes:
        ready: whether settings and opt-outs have been read from the database at least once. Until then nobody is
            known to have opted out, so no message may be read.
    """

    def __init__(self) -> None:
        self.ready = False
        self._servers: dict[int, _Stored] = {}
        self._opt_outs: set[int] = set()
        self._moods: dict[MoodKey, int] = {}
        self._overflowing = False

    # Settings and opt-outs

    def settings(self, guild_id: int | None) -> ServerSettings:
        """Return the settings of a server: the defaults if there are none, silence if this version cannot parse them.

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

    def is_configured(self, guild_id: int) -> bool:
        """Return whether settings of a server were ever saved."""
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
        """Return how many settings, opt-outs and waiting counts are in memory, each by its name."""
        return {"settings": len(self._servers), "opt-outs": len(self._opt_outs), "moods": len(self._moods)}

    def apply(self, change: Change) -> None:
        """Take over a change of the database. A server that was erased loses its waiting counts too."""
        if change.kind == OPT_OUT:
            (self._opt_outs.discard if change.value is None else self._opt_outs.add)(change.identity)
        elif isinstance(change.value, str):
            self._servers[change.identity] = _Stored(change.value)
        else:
            self._servers.pop(change.identity, None)
            self.drop_moods({change.identity})

    def replace(self, settings: Mapping[int, str], opt_outs: Iterable[int]) -> None:
        """Replace all settings and opt-outs by those of the database; what is the same is not parsed again."""
        known, self._servers = self._servers, {}
        for guild_id, text in settings.items():
            stored = known.get(guild_id)
            self._servers[guild_id] = stored if stored and stored.text == text else _Stored(text)
        self._opt_outs = set(opt_outs)
        self.ready = True

    # Counts of moods that wait to be written

    def count_mood(self, guild_id: int, channel_id: int, when: datetime, emotion: str, messages: int = 1) -> None:
        """Count messages of a channel with an emotion, -1 to take one back; `DatabaseSync` writes the count later."""
        hour = when.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        key = MoodKey(guild_id, channel_id, hour, emotion)
        if key in self._moods or len(self._moods) < MAX_WAITING:
            self._add(key, messages)
        elif not self._overflowing:
            log.warning("%d counts of moods wait for the database: no others are taken until it works.", MAX_WAITING)
            self._overflowing = True

    @property
    def waiting_moods(self) -> Mapping[MoodKey, int]:
        """The counts that wait to be written, to be looked at but not kept: they change at any moment."""
        return MappingProxyType(self._moods)

    def moods_written(self, counts: Iterable[tuple[MoodKey, int]]) -> None:
        """Subtract counts that the database has now; what was counted in the meantime goes on waiting."""
        for key, messages in counts:
            self._add(key, -messages)
        self._overflowing = False

    def drop_moods(self, guild_ids: Collection[int]) -> None:
        """Forget the waiting counts of these servers."""
        self._moods = {key: n for key, n in self._moods.items() if key.guild_id not in guild_ids}

    def _add(self, key: MoodKey, messages: int) -> None:
        self._moods[key] = self._moods.get(key, 0) + messages
        if not self._moods[key]:
            del self._moods[key]
