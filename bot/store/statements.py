"""Statements that differ between SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Table, bindparam, func, select
from sqlalchemy.dialects import sqlite

from bot.store.async_connection import AsyncConnection

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def insert_into(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT in the database's own dialect, with the methods `on_conflict_do_...`."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)

    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 3 MB that SQLite does not need

    return postgresql.insert(table)


def upsert(
    connection: AsyncConnection, table: Table, merged: Callable[[Any], dict[str, Any]]
) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that updates a row if it already exists.

    Args:
        connection: to the database.
        table: the table.
        merged: returns the values to update, given the columns of the new row.
    """
    row = insert_into(connection, table)
    return row.on_conflict_do_update(index_elements=list(table.primary_key), set_=merged(row.excluded))


async def insert_or_add(
    connection: AsyncConnection, table: Table, sum_: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows; where a row already exists, add the new value of the column `sum_` to it.

    In PostgreSQL this is one statement with an array for each column, which is faster than one statement for each row.
    """

    def sum_of_both(new: Any) -> dict[str, Any]:
        return {sum_: table.c[sum_] + new[sum_]}

    if connection.dialect.name == "sqlite":
        await connection.execute(upsert(connection, table, sum_of_both), rows)
        return
    names = [column.name for column in table.c]
    arrays = [bindparam(column.name, type_=ARRAY(column.type)) for column in table.c]
    unnested = select("*").select_from(func.unnest(*arrays).table_valued(*names))
    new = insert_into(connection, table).from_select(names, unnested)
    statement = new.on_conflict_do_update(index_elements=list(table.primary_key), set_=sum_of_both(new.excluded))
    await connection.execute(statement, {name: [row[name] for row in rows] for name in names})
