"""Statements of which SQLite and PostgreSQL have each their own form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Table, bindparam, func, select
from sqlalchemy.dialects import sqlite

from bot.store.awaited import AwaitedConnection

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def new_row(connection: AwaitedConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT of the database's own dialect, with its methods for the case that the row exists already."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)

    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 3 MB that SQLite does not need

    return postgresql.insert(table)


def upsert(
    connection: AwaitedConnection, table: Table, merged: Callable[[Any], dict[str, Any]]
) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that updates a row which exists already by what `merged` makes of the new row's columns."""
    row = new_row(connection, table)
    return row.on_conflict_do_update(index_elements=list(table.primary_key), set_=merged(row.excluded))


async def add_up(connection: AwaitedConnection, table: Table, sum_: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, and add the column `sum_` to that of a row which exists already.

    PostgreSQL gets one statement, with an array for each column, however many rows there are.
    """

    def added(new: Any) -> dict[str, Any]:
        return {sum_: table.c[sum_] + new[sum_]}

    if connection.dialect.name == "sqlite":
        await connection.execute(upsert(connection, table, added), rows)
        return
    names = [column.name for column in table.c]
    arrays = [bindparam(column.name, type_=ARRAY(column.type)) for column in table.c]
    unnested = select("*").select_from(func.unnest(*arrays).table_valued(*names))
    new = new_row(connection, table).from_select(names, unnested)
    statement = new.on_conflict_do_update(index_elements=list(table.primary_key), set_=added(new.excluded))
    await connection.execute(statement, {name: [row[name] for row in rows] for name in names})
