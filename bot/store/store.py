"""The store: features call it to save, read, export and erase data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, Table, Update, delete, func, null, or_, select, tuple_, union, union_all, update

from bot.server_settings import ServerSettings
from bot.store.async_connection import AsyncConnection
from bot.store.cache import OPT_OUT, SERVER, Cache, Change, MoodKey
from bot.store.failures import StoreError, UnreadableSettingsError
from bot.store.packing import StoredCounts, day_of, pack
from bot.store.statements import insert_into, upsert
from bot.store.sync import DatabaseSync
from bot.store.tables import CORRECTIONS, DUELS, ERASURES, JOBS, MOOD_DAYS, MOODS, OPT_OUTS, SERVERS

GRACE_PERIOD = timedelta(days=7)
"""How long a server's data is kept after the bot has left the server."""

_ERASE_BATCH = 20_000  # rows in one transaction: others can run in between
_PACK_BATCH = 2000  # counts in one transaction: packing them blocks the event loop for about 20 ms


@dataclass(frozen=True, slots=True)
class MoodCount:
    """The number of messages with an emotion in the hour that begins at `hour`."""

    hour: datetime
    emotion: str
    messages: int


class Store:
    """Keeps data of servers and people in one database, which several processes may share.

    Methods that are not asynchronous use the cache and always work; `bot.store.sync` explains what happens during an
    outage. Asynchronous methods use the database. If it fails they raise StoreError and change nothing, except that
    `refresh`, `write` and `close` log the failure, and that `purge` keeps what it has erased before.

    Attributes:
        cache: settings, opt-outs and unwritten mood counts in memory.
        sync: keeps the cache equal to the database.
        mood_days: for how many days mood counts are kept.
    """

    def __init__(self, url: str, mood_days: int = 90) -> None:
        """Do not connect yet; the first `refresh` does.

        Args:
            url: of the database in SQLAlchemy's form, with an asynchronous driver.
            mood_days: for how many days mood counts are kept.
        """
        self.cache = Cache()
        self.sync = DatabaseSync(url, self.cache)
        self.mood_days = mood_days

    @property
    def ready(self) -> bool:
        """Whether settings and opt-outs have been read from the database at least once."""
        return self.cache.ready

    @property
    def usable(self) -> bool:
        """Whether the database worked when it was last used, so that the cache is up to date."""
        return self.sync.usable

    def settings(self, guild_id: int | None) -> ServerSettings:
        """Return a server's settings, or the defaults for None; see `Cache.settings`."""
        return self.cache.settings(guild_id)

    def unreadable_settings(self, guild_id: int) -> str | None:
        """Return a server's settings as stored if they cannot be parsed, else None."""
        return self.cache.unreadable_settings(guild_id)

    def is_configured(self, guild_id: int) -> bool:
        """Return whether the server has saved settings."""
        return self.cache.is_configured(guild_id)

    def has_opted_out(self, user_id: int) -> bool:
        """Return whether a person's messages must not be read."""
        return self.cache.has_opted_out(user_id)

    def count_mood(self, guild_id: int, channel_id: int, when: datetime, emotion: str, messages: int = 1) -> None:
        """Count messages with an emotion in a channel, or undo it with a negative number; it is written later."""
        self.cache.count_mood(guild_id, channel_id, when, emotion, messages)

    async def refresh(self) -> None:
        """Connect if necessary, read what other processes have changed, and write the waiting mood counts."""
        await self.sync.refresh()

    async def write(self) -> None:
        """Write the waiting mood counts."""
        await self.sync.write()

    async def close(self) -> None:
        """Write the waiting mood counts and close all connections."""
        await self.sync.close()

    async def save_settings(self, guild_id: int, settings: ServerSettings) -> None:
        """Save the settings of a server in place of its current ones, even if those cannot be parsed.

        Raises:
            StoreError: as in `change_settings`.
        """
        await self.change_settings(guild_id, lambda _old: (settings, None), replaces=True)

    async def change_settings(
        self,
        guild_id: int,
        change: Callable[[ServerSettings], tuple[ServerSettings, str | None]],
        *,
        replaces: bool = False,
    ) -> None:
        """Change the current settings of a server, so that concurrent changes are not lost.

        Args:
            guild_id: the server.
            change: takes the current settings and returns the new ones, and a week whose picture must not be posted any
                more, in the form of `claim_week`, or None.
            replaces: whether nothing of the current settings is kept, so that it does not matter if they can be parsed.

        Raises:
            UnreadableSettingsError: the current settings cannot be parsed.
            StoreError: the database failed or has not been read yet, and the old settings still apply; or another
                process has erased the old settings, from which the new ones were made, and the defaults apply.
        """
        async with self.sync.transaction() as (connection, changes):
            if not self.ready:
                raise StoreError("The settings have not been read from the database yet.")
            if not replaces and self.unreadable_settings(guild_id) is not None:
                raise UnreadableSettingsError(f"The settings of server {guild_id} cannot be read.")
            settings, skipped_week = change(self.settings(guild_id))
            text = settings.to_json()
            if self.is_configured(guild_id):
                old = update(SERVERS).where(SERVERS.c.guild_id == guild_id, SERVERS.c.settings.is_not(None))
                if not (await connection.execute(old.values(settings=text))).rowcount:
                    self.cache.apply(Change(SERVER, guild_id, None))
                    raise StoreError(f"The settings of server {guild_id} have been erased in the meantime.")
            else:
                row = upsert(connection, SERVERS, lambda new: {"settings": new.settings})
                await connection.execute(row, {"guild_id": guild_id, "settings": text})
            if skipped_week:
                await connection.execute(_claim_statement(guild_id, skipped_week))
            changes.append(Change(SERVER, guild_id, text))

    async def claim_week(self, guild_id: int, week: str) -> bool:
        """Claim a server's picture of the week for this process; return False if it has been claimed already.

        After that, no process can claim this week or an earlier one again, unless `release_week` is called.

        Args:
            guild_id: a server with saved settings.
            week: the ISO week, such as "2026-W48".
        """
        async with self.sync.transaction() as (connection, _):
            return bool((await connection.execute(_claim_statement(guild_id, week))).rowcount)

    async def release_week(self, guild_id: int, week: str) -> None:
        """Undo `claim_week` after the picture could not be posted, so that it can be claimed again."""
        claimed = (SERVERS.c.guild_id == guild_id, SERVERS.c.posted_week == week)
        async with self.sync.transaction() as (connection, _):
            await connection.execute(update(SERVERS).where(*claimed).values(posted_week=None))

    async def opt_out(self, user_id: int) -> None:
        """Save that a person's messages must not be read."""
        async with self.sync.transaction() as (connection, changes):
            await connection.execute(insert_into(connection, OPT_OUTS).on_conflict_do_nothing(), {"user_id": user_id})
            changes.append(Change(OPT_OUT, user_id, user_id))

    async def opt_in(self, user_id: int) -> None:
        """Delete a person's opt-out."""
        async with self.sync.transaction() as (connection, changes):
            await connection.execute(delete(OPT_OUTS).where(OPT_OUTS.c.user_id == user_id))
            changes.append(Change(OPT_OUT, user_id, None))

    async def moods(
        self, guild_id: int, since: datetime, channel_ids: Collection[int] | None = None
    ) -> list[MoodCount]:
        """Return a server's mood counts by hour and emotion, in order, including those not written yet.

        Args:
            guild_id: the server.
            since: the earliest hour to include.
            channel_ids: the channels to sum over; None for all of them.
        """
        async with self.sync.transaction() as (connection, _):
            counts = await self._counts(connection, guild_id, since, channel_ids)
        sums = await asyncio.to_thread(counts.sums, since, by_channel=False)
        return [MoodCount(hour, emotion, messages) for (hour, emotion), messages in sums]

    async def add_correction(self, guild_id: int, heard: str, meant: str) -> None:
        """Count one correction: the emotion that the bot heard, and the one that was meant, which may be the same."""
        async with self.sync.transaction() as (connection, _):
            row = upsert(connection, CORRECTIONS, lambda new: {"times": CORRECTIONS.c.times + new.times})
            await connection.execute(row, {"guild_id": guild_id, "heard": heard, "meant": meant, "times": 1})

    async def corrections(self, guild_id: int | None = None) -> dict[tuple[str, str], int]:
        """Return the number of corrections by heard and meant emotion, in one server or in all."""
        pair = (CORRECTIONS.c.heard, CORRECTIONS.c.meant)
        query = select(*pair, func.sum(CORRECTIONS.c.times)).group_by(*pair).order_by(*pair)
        if guild_id is not None:
            query = query.where(CORRECTIONS.c.guild_id == guild_id)
        async with self.sync.transaction() as (connection, _):
            return {(heard, meant): int(times) for heard, meant, times in await connection.execute(query)}

    async def add_verdict(self, guild_id: int, pair: tuple[str, str], verdict: str) -> None:
        """Count one verdict of a blind comparison of two models.

        Args:
            guild_id: the server, 0 for none.
            pair: the names of the models, in either order.
            verdict: the name of the preferred model, "both" or "neither".
        """
        model, rival = sorted(pair)
        counted = {"guild_id": guild_id, "model": model, "rival": rival, "verdict": verdict, "times": 1}
        async with self.sync.transaction() as (connection, _):
            row = upsert(connection, DUELS, lambda new: {"times": DUELS.c.times + new.times})
            await connection.execute(row, counted)

    async def verdicts(self, pair: tuple[str, str], guild_id: int | None = None) -> dict[str, int]:
        """Return the number of verdicts of each kind on two models, in either order, in one server or in all."""
        model, rival = sorted(pair)
        query = select(DUELS.c.verdict, func.sum(DUELS.c.times)).where(DUELS.c.model == model, DUELS.c.rival == rival)
        if guild_id is not None:
            query = query.where(DUELS.c.guild_id == guild_id)
        async with self.sync.transaction() as (connection, _):
            counts = await connection.execute(query.group_by(DUELS.c.verdict))
            return {verdict: int(times) for verdict, times in counts}

    async def mark_left(self, guild_id: int, now: datetime) -> None:
        """Record when the bot left a server, unless an earlier time is recorded already."""
        async with self.sync.transaction() as (connection, _):
            row = upsert(connection, SERVERS, lambda new: {"left_at": func.coalesce(SERVERS.c.left_at, new.left_at)})
            await connection.execute(row, {"guild_id": guild_id, "left_at": now})

    async def mark_present(self, guild_id: int) -> None:
        """Record that the bot is in a server, perhaps again."""
        here = SERVERS.c.guild_id == guild_id
        async with self.sync.transaction() as (connection, _):
            await connection.execute(delete(SERVERS).where(here, SERVERS.c.settings.is_(None)))
            await connection.execute(update(SERVERS).where(here).values(left_at=None))

    async def known_guilds(self) -> dict[int, datetime | None]:
        """Return the servers with any data, each with the time when the bot left it, or None if it did not."""
        kept = union(*(_select_guilds(table) for table in (SERVERS, MOODS, MOOD_DAYS, CORRECTIONS, DUELS)))
        left = select(SERVERS.c.guild_id, SERVERS.c.left_at).where(SERVERS.c.left_at.is_not(None))
        async with self.sync.transaction(long_timeout=True) as (connection, _):
            known = set(await connection.scalars(kept)) | {key.guild_id for key in self.cache.waiting_moods}
            left_at = {row.guild_id: row.left_at for row in await connection.execute(left)}
        return {guild_id: left_at.get(guild_id) for guild_id in known if guild_id}  # 0 stands for direct messages

    async def claim_job(self, job: str, now: datetime, every: timedelta) -> bool:
        """Claim a job that one process does for all; return whether this process must do it now.

        Args:
            job: its name.
            now: the current time by a clock that all processes share.
            every: how long no process begins the job again after one has begun it.
        """
        due = or_(JOBS.c.begun_at <= now - every, JOBS.c.begun_at > now + every)  # the latter if a clock was wrong
        async with self.sync.transaction() as (connection, _):
            row = insert_into(connection, JOBS).values(name=job, begun_at=now)
            claimed = row.on_conflict_do_update(index_elements=[JOBS.c.name], set_={"begun_at": now}, where=due)
            return (await connection.execute(claimed)).rowcount > 0

    async def purge(self, now: datetime) -> bool:
        """Erase all data of servers that the bot left `GRACE_PERIOD` ago, and a batch of mood counts past `mood_days`.

        A packed day is erased as a whole once its first hour is that old.

        Returns:
            Whether there may be more such counts, so that this must be called again.
        """
        async with self.sync.transaction(long_timeout=True) as (connection, changes):
            left = (
                await connection.scalars(select(SERVERS.c.guild_id).where(SERVERS.c.left_at < now - GRACE_PERIOD))
            ).all()
            if left:
                changes += await _erase(connection, left)
        oldest, more = now - timedelta(days=self.mood_days), False
        for table, due in ((MOODS, MOODS.c.hour < oldest), (MOOD_DAYS, MOOD_DAYS.c.day < oldest)):
            key = tuple_(*table.primary_key)
            some = delete(table).where(key.in_(select(*key.clauses).where(due).limit(_ERASE_BATCH)))
            async with self.sync.transaction(long_timeout=True) as (connection, _):
                more |= (await connection.execute(some)).rowcount == _ERASE_BATCH
        return more

    async def pack_moods(self, now: datetime, after: MoodKey | None = None) -> MoodKey | None:
        """Pack a batch of mood counts from before yesterday, in UTC, since such counts are no longer undone.

        Args:
            now: the current time.
            after: the result of the previous call; None for the first one.

        Returns:
            The key of the last count that was packed; None if none is left.
        """
        key = tuple_(*(MOODS.c[name] for name in MoodKey._fields))
        due = [MOODS.c.hour < day_of(now.astimezone(UTC)) - timedelta(days=1)]
        if after:
            due.append(key > after)
        found = select(*key.clauses, MOODS.c.messages).where(*due).order_by(*key.clauses).limit(_PACK_BATCH)
        async with self.sync.transaction(long_timeout=True) as (connection, _):
            await connection.execute(update(ERASURES).values(number=ERASURES.c.number))  # to lock it, see `ERASURES`
            counts = [(MoodKey(*each), messages) for *each, messages in await connection.execute(found)]
            if not counts:
                return None
            last, _messages = counts[-1]
            row = upsert(connection, MOOD_DAYS, lambda new: {"counts": MOOD_DAYS.c.counts + new.counts})
            await connection.execute(row, pack(counts))
            await connection.execute(delete(MOODS).where(*due, key <= last))
        return last

    async def export_guild(self, guild_id: int) -> dict[str, Any]:
        """Return all data about a server, as JSON can represent it."""
        columns = (SERVERS.c.settings, SERVERS.c.left_at, SERVERS.c.posted_week)
        server = select(*columns).where(SERVERS.c.guild_id == guild_id)
        corrections = (
            select(CORRECTIONS.c.heard, CORRECTIONS.c.meant, CORRECTIONS.c.times)
            .where(CORRECTIONS.c.guild_id == guild_id)
            .order_by(CORRECTIONS.c.heard, CORRECTIONS.c.meant)
        )
        duels = (
            select(DUELS.c.model, DUELS.c.rival, DUELS.c.verdict, DUELS.c.times)
            .where(DUELS.c.guild_id == guild_id)
            .order_by(DUELS.c.model, DUELS.c.rival, DUELS.c.verdict)
        )
        since = datetime.fromtimestamp(0, UTC)
        async with self.sync.transaction(long_timeout=True) as (connection, _):
            settings, left_at, week = (await connection.execute(server)).one_or_none() or (None, None, None)
            counts = await self._counts(connection, guild_id, since)
            pairs = (await connection.execute(corrections)).mappings().all()
            verdicts = (await connection.execute(duels)).mappings().all()
        moods = await asyncio.to_thread(counts.sums, since, by_channel=True)
        return {
            "guild_id": guild_id,
            "settings": settings and _parse_json(settings),
            "left_at": left_at and left_at.isoformat(),
            "posted_week": week,
            "moods": [
                {"channel_id": channel_id, "hour": hour.isoformat(), "emotion": emotion, "messages": messages}
                for (channel_id, hour, emotion), messages in moods
            ],
            "corrections": [dict(pair) for pair in pairs],
            "duels": [dict(verdict) for verdict in verdicts],
        }

    async def erase_guild(self, guild_id: int) -> None:
        """Erase all data about a server; all processes drop its unwritten mood counts."""
        async with self.sync.transaction(long_timeout=True) as (connection, changes):
            changes += await _erase(connection, [guild_id])

    async def export_user(self, user_id: int) -> dict[str, Any]:
        """Return all data about a person, as JSON can represent it."""
        async with self.sync.transaction() as (connection, _):
            found = await connection.scalar(select(OPT_OUTS.c.user_id).where(OPT_OUTS.c.user_id == user_id))
        return {"user_id": user_id, "opted_out": found is not None}

    async def erase_user(self, user_id: int) -> None:
        """Erase all data about a person, which is just the opt-out."""
        await self.opt_in(user_id)

    async def _counts(
        self, connection: AsyncConnection, guild_id: int, since: datetime, channel_ids: Collection[int] | None = None
    ) -> StoredCounts:
        """Return a server's mood counts in the database and in the cache, perhaps with some from before `since`."""
        wanted = [MOODS.c.guild_id == guild_id, MOODS.c.hour >= since]
        of_days = [MOOD_DAYS.c.guild_id == guild_id, MOOD_DAYS.c.day >= day_of(since.astimezone(UTC))]
        if channel_ids is not None:
            wanted.append(MOODS.c.channel_id.in_(channel_ids))
            of_days.append(MOOD_DAYS.c.channel_id.in_(channel_ids))
        single = select(MOODS.c.channel_id, MOODS.c.hour, MOODS.c.emotion, MOODS.c.messages).where(*wanted)
        packed = select(MOOD_DAYS.c.channel_id, MOOD_DAYS.c.day, MOOD_DAYS.c.counts, null()).where(*of_days)
        # One statement: with two, counts might be packed in between, and missed or counted twice.
        found: Sequence[Any] = (await connection.execute(union_all(single, packed))).all()
        waiting = [
            (key.channel_id, key.hour, key.emotion, messages)
            for key, messages in self.cache.waiting_moods.items()
            if key.guild_id == guild_id and (channel_ids is None or key.channel_id in channel_ids)
        ]
        return StoredCounts(
            [(*key, messages) for *key, messages in found if messages is not None] + waiting,
            [(channel_id, day, counts) for channel_id, day, counts, messages in found if messages is None],
        )


def _select_guilds(table: Table) -> Select[int]:
    """Return a query for the distinct servers in a table that reads one index entry for each, instead of all rows."""
    jumps = select(func.min(table.c.guild_id).label("guild_id")).cte(f"guilds_in_{table.name}", recursive=True)
    following = select(func.min(table.c.guild_id)).where(table.c.guild_id > jumps.c.guild_id).scalar_subquery()
    jumps = jumps.union_all(select(following).where(jumps.c.guild_id.is_not(None)))
    return select(jumps.c.guild_id).where(jumps.c.guild_id.is_not(None))


def _claim_statement(guild_id: int, week: str) -> Update:
    """Return the statement that claims a week; it changes a row in only one process, which has claimed the week.

    Processes that run it at the same time wait for the first, and then find the week claimed.
    """
    unclaimed = or_(SERVERS.c.posted_week.is_(None), SERVERS.c.posted_week < week)
    return update(SERVERS).where(SERVERS.c.guild_id == guild_id, unclaimed).values(posted_week=week)


async def _erase(connection: AsyncConnection, guild_ids: Collection[int]) -> list[Change]:
    """Erase all data about servers; other processes then drop their unwritten mood counts of them."""
    row = upsert(connection, ERASURES, lambda _: {"number": ERASURES.c.number + 1})
    await connection.execute(row, {"id": 1, "number": 1})  # first, to wait for processes that are writing counts
    for table in (SERVERS, MOODS, MOOD_DAYS, CORRECTIONS, DUELS):
        await connection.execute(delete(table).where(table.c.guild_id.in_(guild_ids)))
    return [Change(SERVER, guild_id, None) for guild_id in guild_ids]


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # the bot did not write this, but export it all the same
