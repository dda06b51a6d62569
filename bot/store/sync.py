"""Keeps the cache equal to the database, and the bot running while the database is down."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam, delete, insert, make_url, select, union
from sqlalchemy.exc import SQLAlchemyError

from bot.store.async_connection import AsyncConnection
from bot.store.cache import OPT_OUT, SERVER, Cache, Change, MoodKey
from bot.store.engine import LONG_TIMEOUT, TIMEOUT, UNSYNCED_WRITE, describe, is_sqlite, open_engine
from bot.store.failures import NewerDatabaseError, PoolerError, StoreError, reason, refuses_values, shows_pooler
from bot.store.schema import migrate
from bot.store.statements import insert_or_add
from bot.store.tables import ERASURES, MOOD_DAYS, MOODS, OPT_OUTS, SERVERS
from bot.store.watch import FileWatch, NotificationWatch, Watch, notification

log = logging.getLogger(__name__)

# Seconds that a transaction waits for the lock, and may take beyond TIMEOUT. In all that is less than three, in which
# Discord wants an answer.
_LOCK_TIMEOUT = 0.4
_ROWS_PER_STATEMENT = 1000  # few enough for a statement to finish in time
# Mood counts in one transaction. There are not fewer because each connection to SQLite starts a thread, which blocks
# the event loop for some milliseconds on a busy computer.
_SQLITE_TRANSACTION, _POSTGRESQL_TRANSACTION = 1000, 4000
_SQLITE_STATEMENT = 250  # mood counts in one statement: preparing their values blocks the event loop
_Row = TypeVar("_Row")


class DatabaseSync:
    """Fills a cache from a database, applies what other processes change there, and writes mood counts.

    During an outage the bot keeps using the settings and opt-outs that it read last; if it has never read them, it
    reads no messages (`Cache.ready`). Mood counts wait in the cache, and changes to settings and opt-outs raise
    StoreError. After an outage, `refresh` reads everything again. If the database has lost its tables, `refresh`
    creates them and fills them from the cache.
    """

    def __init__(self, url: str, cache: Cache) -> None:
        """Do not connect yet; the first `refresh` does.

        Args:
            url: of the database in SQLAlchemy's form, with an asynchronous driver.
            cache: kept equal to the database.
        """
        self._cache = cache
        self._url = make_url(url)
        self._engine = open_engine(self._url)
        self._notifies = not is_sqlite(self._url)
        # For SQLite both would be the same, so one is enough.
        self._long_timeout_engine = open_engine(self._url, long_timeout=True) if self._notifies else self._engine
        self._watch: Watch = (
            NotificationWatch(self._engine, self._on_notification, lambda why: self._note_failure(StoreError(why)))
            if self._notifies
            else FileWatch(self._engine)
        )
        self._lock = asyncio.Lock()
        self._in_sync = False  # whether the cache is up to date, and the watch will notice changes
        self._failure: Exception | None = None
        self._erasures: int | None = None  # the number of erasures when it was last read
        self._refusal_logged = False
        self._changed: defaultdict[str, set[int]] = defaultdict(set)  # ids of rows to read again, by kind
        self._reader: asyncio.Task[None] | None = None

    @property
    def usable(self) -> bool:
        """Whether the database worked when it was last used, so that the cache is up to date."""
        return self._in_sync

    @property
    def failure(self) -> Exception | None:
        """Why the database could not be used at the last attempt; None if it could."""
        return self._failure

    def check_opened(self) -> None:
        """Make sure that the last `refresh` succeeded, for its error says more than that of a statement afterwards.

        Raises:
            StoreError: why it failed, such as a full disk; it is a PoolerError behind a pooler in transaction mode.
        """
        self._check_usable()
        if self._failure:
            raise StoreError(f"The database {describe(self._url)} failed: {reason(self._failure)}.")

    async def refresh(self) -> None:
        """Connect if necessary, read what other processes have changed, and write the waiting mood counts.

        Does not raise: an outage is logged when it begins and when it ends.
        """
        await self._synchronize(read=True)

    async def write(self) -> None:
        """Write the waiting mood counts, if any; after a failure, recover as `refresh` does."""
        if self._cache.waiting_moods or self._failure:
            await self._synchronize(read=False)

    async def _synchronize(self, *, read: bool) -> None:
        try:
            if read or not self._in_sync:
                async with self._lock:
                    await self._read()
            await self._write_moods()
        except Exception as error:
            self._note_failure(PoolerError() if shows_pooler(error) else error)
        else:
            if self._failure:
                log.info("The database %s is in use again.", describe(self._url))
            self._failure = None
        if self._reader:
            await asyncio.wait([self._reader])  # it may have waited for the lock

    async def close(self) -> None:
        """Write the waiting mood counts and close all connections."""
        if self._cache.waiting_moods:
            await self.refresh()
        if self._cache.waiting_moods:
            log.warning("%d mood counts could not be written and are lost.", len(self._cache.waiting_moods))
        await self._watch.stop()
        if self._reader:
            await asyncio.wait([self._reader])
        await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self, *, long_timeout: bool = False) -> AsyncIterator[tuple[AsyncConnection, list[Change]]]:
        """Run the block in a transaction; only one runs at a time, so that the cache gets changes in the same order.

        Args:
            long_timeout: whether it may take up to `LONG_TIMEOUT`, as it does for all data of a large server.

        Yields:
            The connection, and a list to which the block adds each change that the cache must apply.

        Raises:
            StoreError: the database failed, did not answer in time or must not be used; nothing was changed.
        """
        self._check_usable()
        engine = self._long_timeout_engine if long_timeout else self._engine
        lock_timeout, timeout = (LONG_TIMEOUT, LONG_TIMEOUT) if long_timeout else (_LOCK_TIMEOUT, TIMEOUT)
        changes: list[Change] = []
        try:
            async with self._hold_lock(lock_timeout):
                async with asyncio.timeout(timeout + _LOCK_TIMEOUT), engine.begin() as connection:
                    yield connection, changes
                    if self._notifies:
                        for change in changes:
                            await connection.execute(notification(change.kind, change.identity))
                for change in changes:
                    self._cache.apply(change)
        except (SQLAlchemyError, OSError) as error:
            self._in_sync = False
            raise StoreError(f"The database {describe(self._url)} failed: {reason(error)}.") from error

    def _check_usable(self) -> None:
        """Raise a StoreError if the database must not be used, even if it works."""
        if isinstance(self._failure, PoolerError):
            raise self._failure
        if isinstance(self._failure, NewerDatabaseError):
            raise StoreError(f"The database {describe(self._url)} must not be used: {self._failure}.")

    @asynccontextmanager
    async def _hold_lock(self, seconds: float) -> AsyncIterator[None]:
        """Hold the lock during the block; raise TimeoutError if it is not free within this time."""
        async with asyncio.timeout(seconds):
            await self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    async def _read(self) -> None:
        """Make the cache equal to the database."""
        loss_reason = await self._watch.loss_reason() if self._in_sync else None
        if loss_reason:
            self._note_failure(StoreError(loss_reason))
        if not self._in_sync:
            await self._watch.stop()
            if await migrate(self._long_timeout_engine, self._fill) and self._cache.ready:
                log.warning("The database %s was empty: the bot restored settings and opt-outs.", describe(self._url))
        if await self._watch.has_changed():
            await self._read_all()
        self._in_sync = True

    def _note_failure(self, error: Exception) -> None:
        # Only an operator can fix these, so log them even if an outage has been logged already.
        lasting = isinstance(error, NewerDatabaseError | PoolerError) and type(error) is not type(self._failure)
        if lasting or not self._failure:
            effect = "keeps the settings it read last" if self._cache.ready else "reads no messages until it works"
            log.warning("The database %s cannot be used (%s): the bot %s.", describe(self._url), reason(error), effect)
        self._failure = error
        self._in_sync = False

    async def _fill(self, connection: AsyncConnection) -> None:
        """Write settings and opt-outs from the cache into new tables, in case the old ones were lost."""
        rows: dict[Table, list[dict[str, Any]]] = {
            SERVERS: [
                {"guild_id": guild_id, "settings": text} for guild_id, text in self._cache.settings_as_stored().items()
            ],
            OPT_OUTS: [{"user_id": user_id} for user_id in self._cache.opt_outs()],
        }
        for table, all_rows in rows.items():
            for batch in _batches(all_rows):
                await connection.execute(insert(table), batch)

    async def _read_all(self) -> None:
        async with self._engine.connect() as connection:
            servers = (await connection.execute(select(SERVERS.c.guild_id, SERVERS.c.settings))).all()
            opt_outs = await connection.scalars(select(OPT_OUTS.c.user_id))
            await self._drop_erased(connection)
        self._cache.replace({guild_id: text for guild_id, text in servers if text is not None}, opt_outs)

    def _on_notification(self, kind: str, identity: int) -> None:
        """Read a row again because some process, perhaps this one, has changed it."""
        self._changed[kind].add(identity)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.get_running_loop().create_task(self._read_changed())

    async def _read_changed(self) -> None:
        """Read the changed rows, all that are known at a time, until none is left."""
        while any(self._changed.values()):
            async with self._lock:
                changed, self._changed = self._changed, defaultdict(set)
                try:
                    await self._read_rows(changed[SERVER], changed[OPT_OUT])
                except Exception:
                    self._in_sync = False  # so that `refresh` reads everything, or logs why it cannot

    async def _read_rows(self, guild_ids: Collection[int], user_ids: Collection[int]) -> None:
        """Update the cache with the rows of these servers and people."""
        servers = select(SERVERS.c.guild_id, SERVERS.c.settings).where(SERVERS.c.guild_id.in_(guild_ids))
        opt_outs = select(OPT_OUTS.c.user_id, OPT_OUTS.c.user_id).where(OPT_OUTS.c.user_id.in_(user_ids))
        async with self._engine.connect() as connection:
            for kind, ids, query in ((SERVER, guild_ids, servers), (OPT_OUT, user_ids, opt_outs)):
                values: dict[int, Any] = dict((await connection.execute(query)).all())
                for identity in ids:
                    self._cache.apply(Change(kind, identity, values.get(identity)))

    async def _write_moods(self) -> None:
        """Write the mood counts that are waiting now, in batches, releasing the lock after each."""
        batch = _POSTGRESQL_TRANSACTION if self._notifies else _SQLITE_TRANSACTION
        for keys in _batches(list(self._cache.waiting_moods), batch):
            async with self._lock:
                waiting = self._cache.waiting_moods
                # Sorted: with the same order in all processes, two cannot wait for each other's rows.
                await self._write(sorted((key, waiting[key]) for key in keys if key in waiting))

    async def _write(self, counts: Sequence[tuple[MoodKey, int]]) -> None:
        """Write mood counts in one transaction; if the database refuses a count's values, find and skip that one."""
        if not counts:
            return
        try:
            async with self._engine.execution_options(begin=UNSYNCED_WRITE).begin() as connection:
                await self._drop_erased(connection, lock=True)
                counts = [(key, n) for key, n in counts if key in self._cache.waiting_moods]
                for batch in _batches(counts, _POSTGRESQL_TRANSACTION if self._notifies else _SQLITE_STATEMENT):
                    rows = [{**key._asdict(), "messages": n} for key, n in batch]
                    await insert_or_add(connection, MOODS, "messages", rows)
                if reduced := [key._asdict() for key, n in counts if n < 0]:
                    await connection.execute(_DELETE_IF_ZERO, reduced)
        except Exception as error:
            if not refuses_values(error):
                raise
            if len(counts) > 1:
                middle = len(counts) // 2
                await self._write(counts[:middle])
                await self._write(counts[middle:])
                return
            self._log_refusal(error)
        self._cache.subtract_moods(counts)

    async def _drop_erased(self, connection: AsyncConnection, *, lock: bool = False) -> None:
        """Drop the waiting mood counts of servers that another process has erased since this was last called.

        The database does not say which servers those are, since it keeps nothing about them. So if any was erased, this
        drops the counts of every server that has none in the database. A new server may lose those of a few seconds.

        Args:
            connection: to the database.
            lock: whether to prevent erasures until the end of the transaction.
        """
        number = await connection.scalar(_ERASURE_NUMBER.with_for_update(read=True) if lock else _ERASURE_NUMBER)
        if self._erasures is not None and number != self._erasures:
            waiting = sorted({key.guild_id for key in self._cache.waiting_moods})
            for guild_ids in _batches(waiting):
                columns = (MOODS.c.guild_id, MOOD_DAYS.c.guild_id)
                known = union(*(select(kept).where(kept.in_(guild_ids)) for kept in columns))
                self._cache.drop_moods(set(guild_ids) - set(await connection.scalars(known)))
        self._erasures = number

    def _log_refusal(self, error: Exception) -> None:
        """Log that the database refused a count, but only the first time, since many counts may be refused."""
        if not self._refusal_logged:
            log.warning("The database %s refused a mood count (%s), which is lost.", describe(self._url), reason(error))
        self._refusal_logged = True


_ERASURE_NUMBER = select(ERASURES.c.number)
_DELETE_IF_ZERO = delete(MOODS).where(
    MOODS.c.messages <= 0, *(MOODS.c[name] == bindparam(name) for name in MoodKey._fields)
)


def _batches(rows: Sequence[_Row], size: int = _ROWS_PER_STATEMENT) -> Iterator[Sequence[_Row]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
