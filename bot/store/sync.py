"""Keeps the cache and the database the same, and goes on with what is known during an outage of the database."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam, delete, insert, make_url, select, union
from sqlalchemy.exc import SQLAlchemyError

from bot.store.awaited import AwaitedConnection
from bot.store.cache import OPT_OUT, SERVER, Cache, Change, MoodKey
from bot.store.engine import LIGHT_WRITE, LONG_PATIENCE, PATIENCE, describe, is_sqlite, open_engine
from bot.store.failures import NewerDatabaseError, PoolerError, StoreError, reason, refuses_values, shows_pooler
from bot.store.schema import migrate
from bot.store.statements import add_up
from bot.store.tables import ERASURES, MOOD_DAYS, MOODS, OPT_OUTS, SERVERS
from bot.store.watch import FileWatch, NotificationWatch, Watch, notification

log = logging.getLogger(__name__)

# Seconds that a transaction waits for its turn, and also the slack on top of PATIENCE: all in all under three.
_TURN = 0.4
_BATCH = 1000  # rows in one statement, so that each is done in time
# Counts of moods in one transaction. Each connection to SQLite has a thread of its own, and the event loop stands still
# until that has started, which takes some milliseconds on a busy computer.
_PIECE, _PIECE_OF_ARRAYS = 1000, 4000
_ROWS_AT_ONCE = 250  # in SQLite: the event loop stands still while their values are prepared
_Row = TypeVar("_Row")


class DatabaseSync:
    """Fills a cache from a database, follows what other processes change there, and writes the counts that wait.

    During an outage the bot keeps using the settings and opt-outs that were read last. A bot that has never read them
    reads no messages (`Cache.ready`). Counts of moods wait in the cache; changes of settings and opt-outs raise
    StoreError. `refresh` recovers: it reads everything again, or fills a database that has lost its tables from the
    cache.
    """

    def __init__(self, url: str, cache: Cache) -> None:
        """Open nothing yet; `refresh` does.

        Args:
            url: of the database as SQLAlchemy has it, with an asynchronous driver.
            cache: what to keep the same as the database.
        """
        self._cache = cache
        self._url = make_url(url)
        self._engine = open_engine(self._url)
        self._patient_engine = open_engine(self._url, patient=True)
        self._notifies = not is_sqlite(self._url)
        self._watch: Watch = (
            NotificationWatch(self._engine, self._notified, lambda why: self._fail(StoreError(why)))
            if self._notifies
            else FileWatch(self._engine)
        )
        self._turn = asyncio.Lock()
        self._in_sync = False  # whether the cache equals the database, and the watch tells when it no longer does
        self._failure: Exception | None = None
        self._erasures: int | None = None  # the number of erasures at the last look, None before the first one
        self._refusing = False  # whether the database ever refused a count
        self._changed: defaultdict[str, set[int]] = defaultdict(set)  # ids of rows to read again, by kind
        self._reader: asyncio.Task[None] | None = None

    @property
    def usable(self) -> bool:
        """Whether the database answered when it was last asked, so that the cache is known to equal it."""
        return self._in_sync

    @property
    def failure(self) -> Exception | None:
        """Why the database could not be used when it was last asked, if so."""
        return self._failure

    def require_opened(self) -> None:
        """Make sure that the last `refresh` found the database in order.

        Raises:
            StoreError: why it did not, such as a full disk, of which what follows would tell no more than a lack of
                tables; PoolerError, which is one, if there is a pooler in between.
        """
        self._check_usable()
        if self._failure:
            raise StoreError(f"The database {describe(self._url)} failed: {reason(self._failure)}.")

    async def refresh(self) -> None:
        """Open the database if necessary, take over what others changed, and write the counts that wait.

        Never raises: a failure is logged when it begins and when it is over.
        """
        await self._synchronize(read=True)

    async def write(self) -> None:
        """Write the counts that wait, if any; after a failure recover as `refresh` does."""
        if self._cache.waiting_moods or self._failure:
            await self._synchronize(read=False)

    async def _synchronize(self, *, read: bool) -> None:
        try:
            if read or not self._in_sync:
                async with self._turn:
                    await self._read()
            await self._write_moods()
        except Exception as error:
            self._fail(PoolerError() if shows_pooler(error) else error)
        else:
            if self._failure:
                log.info("The database %s is in use again.", describe(self._url))
            self._failure = None
        if self._reader:
            await asyncio.wait([self._reader])  # it may have waited for its turn

    async def close(self) -> None:
        """Write the counts that wait and close all connections."""
        if self._cache.waiting_moods:
            await self.refresh()
        if self._cache.waiting_moods:
            log.warning("%d counts of moods could not be written and are lost.", len(self._cache.waiting_moods))
        await self._watch.stop()
        if self._reader:
            await asyncio.wait([self._reader])
        await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self, *, patient: bool = False) -> AsyncIterator[tuple[AwaitedConnection, list[Change]]]:
        """Run a transaction, one at a time, so that the cache takes over changes in their order.

        Args:
            patient: whether it may take long, as for everything of a large server.

        Yields:
            The connection, and a list to which to add each change that the cache has to take over.

        Raises:
            StoreError: the database failed or did not answer in time, or must not be used; nothing was changed.
        """
        self._check_usable()
        engine = self._patient_engine if patient else self._engine
        turn, patience = (LONG_PATIENCE, LONG_PATIENCE) if patient else (_TURN, PATIENCE)
        changes: list[Change] = []
        try:
            async with self._turn_within(turn):
                async with asyncio.timeout(patience + _TURN), engine.begin() as connection:
                    yield connection, changes
                    for change in changes if self._notifies else ():
                        await connection.execute(notification(change.kind, change.identity))
                for change in changes:
                    self._cache.apply(change)
        except (SQLAlchemyError, OSError) as error:
            self._in_sync = False
            raise StoreError(f"The database {describe(self._url)} failed: {reason(error)}.") from error

    def _check_usable(self) -> None:
        """Raise a StoreError if the database must not be used, whether it would answer or not."""
        if isinstance(self._failure, PoolerError):
            raise self._failure
        if isinstance(self._failure, NewerDatabaseError):
            raise StoreError(f"The database {describe(self._url)} is left alone: {self._failure}.")

    @asynccontextmanager
    async def _turn_within(self, seconds: float) -> AsyncIterator[None]:
        """Take the turn for the block; raise TimeoutError if it does not come within so many seconds."""
        async with asyncio.timeout(seconds):
            await self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    async def _read(self) -> None:
        """Make the cache equal to the database."""
        lost = await self._watch.lost() if self._in_sync else None
        if lost:
            self._fail(StoreError(lost))
        if not self._in_sync:
            await self._watch.stop()
            if await migrate(self._patient_engine, self._fill) and self._cache.ready:
                log.warning("The database %s was empty: it has the settings and opt-outs again.", describe(self._url))
        if await self._watch.changed():
            await self._read_all()
        self._in_sync = True

    def _fail(self, error: Exception) -> None:
        # An operator has to mend these, so they are logged even if an outage came first.
        lasting = isinstance(error, NewerDatabaseError | PoolerError) and type(error) is not type(self._failure)
        if lasting or not self._failure:
            known = (
                "goes on with the settings known last" if self._cache.ready else "knows no settings and opt-outs yet"
            )
            log.warning("The database %s cannot be used (%s): the bot %s.", describe(self._url), reason(error), known)
        self._failure = error
        self._in_sync = False

    async def _fill(self, connection: AwaitedConnection) -> None:
        """Write settings and opt-outs of the cache into new tables: the old ones were lost while the bot ran."""
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

    def _notified(self, kind: str, identity: int) -> None:
        """Read a row again that some process, perhaps this one, has changed."""
        self._changed[kind].add(identity)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.get_running_loop().create_task(self._read_changed())

    async def _read_changed(self) -> None:
        """Read the changed rows, many together if there are many, until no more are reported."""
        while any(self._changed.values()):
            async with self._turn:
                changed, self._changed = self._changed, defaultdict(set)
                try:
                    await self._read_rows(changed[SERVER], changed[OPT_OUT])
                except Exception:
                    self._in_sync = False  # so that `refresh` reads everything, or says why it cannot

    async def _read_rows(self, guild_ids: Collection[int], user_ids: Collection[int]) -> None:
        """Let the cache take over what the database now has of these servers and people."""
        servers = select(SERVERS.c.guild_id, SERVERS.c.settings).where(SERVERS.c.guild_id.in_(guild_ids))
        opt_outs = select(OPT_OUTS.c.user_id, OPT_OUTS.c.user_id).where(OPT_OUTS.c.user_id.in_(user_ids))
        async with self._engine.connect() as connection:
            for kind, ids, query in ((SERVER, guild_ids, servers), (OPT_OUT, user_ids, opt_outs)):
                values: dict[int, Any] = dict((await connection.execute(query)).all())
                for identity in ids:
                    self._cache.apply(Change(kind, identity, values.get(identity)))

    async def _write_moods(self) -> None:
        """Write the counts that wait by now, in pieces, after each of which others have their turn."""
        piece = _PIECE_OF_ARRAYS if self._notifies else _PIECE
        for keys in _batches(list(self._cache.waiting_moods), piece):
            async with self._turn:
                waiting = self._cache.waiting_moods
                # In one order, lest two processes wait for each other's rows.
                await self._write(sorted((key, waiting[key]) for key in keys if key in waiting))

    async def _write(self, counts: Sequence[tuple[MoodKey, int]]) -> None:
        """Write counts, all or nothing, unless the database refuses what one of them holds: that one is left out."""
        if not counts:
            return
        try:
            async with self._engine.execution_options(begin=LIGHT_WRITE).begin() as connection:
                await self._drop_erased(connection, lock=True)
                counts = [(key, n) for key, n in counts if key in self._cache.waiting_moods]
                for some in _batches(counts, _PIECE_OF_ARRAYS if self._notifies else _ROWS_AT_ONCE):
                    await add_up(connection, MOODS, "messages", [{**key._asdict(), "messages": n} for key, n in some])
                if taken_back := [key._asdict() for key, n in counts if n < 0]:
                    await connection.execute(_DELETE_IF_NONE, taken_back)
        except Exception as error:
            if not refuses_values(error):
                raise
            if len(counts) > 1:
                middle = len(counts) // 2
                await self._write(counts[:middle])
                await self._write(counts[middle:])
                return
            self._leave_out(error)
        self._cache.moods_written(counts)

    async def _drop_erased(self, connection: AwaitedConnection, *, lock: bool = False) -> None:
        """Drop the waiting counts of servers that another process has erased since the last look.

        The database does not tell which servers those are, since it keeps nothing of them. So, if any was erased, this
        drops the waiting counts of every server without any in the database; a new server may thus lose those of a few
        seconds.

        Args:
            connection: to the database.
            lock: whether to lock out erasures until the end of the transaction.
        """
        number = await connection.scalar(_NUMBER.with_for_update(read=True) if lock else _NUMBER)
        if self._erasures is not None and number != self._erasures:
            waiting = sorted({key.guild_id for key in self._cache.waiting_moods})
            for guild_ids in _batches(waiting):
                columns = (MOODS.c.guild_id, MOOD_DAYS.c.guild_id)
                known = union(*(select(kept).where(kept.in_(guild_ids)) for kept in columns))
                self._cache.drop_moods(set(guild_ids) - set(await connection.scalars(known)))
        self._erasures = number

    def _leave_out(self, error: Exception) -> None:
        """Log only once that the database refuses a count, since it may refuse the same one again and again."""
        if not self._refusing:
            name = describe(self._url)
            log.warning("The database %s refused a count of moods (%s): such are left out.", name, reason(error))
        self._refusing = True


_NUMBER = select(ERASURES.c.number)
_DELETE_IF_NONE = delete(MOODS).where(
    MOODS.c.messages <= 0, *(MOODS.c[name] == bindparam(name) for name in MoodKey._fields)
)


def _batches(rows: Sequence[_Row], size: int = _BATCH) -> Iterator[Sequence[_Row]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
