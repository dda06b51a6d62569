"""What can go wrong with the database, and what may be said of it: nothing of the values in a statement."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, StatementError

_NOT_ITS_OWN = ("42P05", "26000")  # SQL's codes for a prepared statement that exists already, or does not


class StoreError(Exception):
    """The database did not answer or refused; nothing was changed."""


class NewerDatabaseError(StoreError):
    """The tables are those of a later version of the bot."""


class PoolerError(StoreError):
    """A pooler is in between that gives each transaction another connection."""

    def __init__(self) -> None:
        super().__init__(
            "a pooler gives each transaction another connection, as PgBouncer does in transaction mode, and so keeps "
            "what other processes change from this one: let DATABASE_URL lead to PostgreSQL itself, or set "
            "pool_mode = session"
        )


def reason(error: Exception) -> str:
    """Return why the database failed, in the driver's words, without the statement and its parameters."""
    cause = _cause(error)
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    words = "" if refuses_values(error) else str(cause)  # which may quote the values
    return words.partition("\n")[0] or type(cause).__name__


def refuses_values(error: Exception) -> bool:
    """Return whether the database or its driver refused the values of a row, so that another row may be accepted."""
    cause = _cause(error)
    if not isinstance(error, DBAPIError):
        return isinstance(cause, ValueError | OverflowError)
    # The classes "data exception" and "integrity constraint violation" of SQL's own codes.
    refused = str(getattr(cause, "sqlstate", "")).startswith(("22", "23"))
    return refused or isinstance(cause, sqlite3.IntegrityError | sqlite3.DataError)


def shows_pooler(error: Exception) -> bool:
    """Return whether statements that a connection had prepared are not its own, as behind a pooler of transactions."""
    return str(getattr(_cause(error), "sqlstate", "")) in _NOT_ITS_OWN


def _cause(error: Exception) -> BaseException:
    """Return the driver's own exception, which SQLAlchemy wraps."""
    if isinstance(error, StatementError) and error.orig:
        return error.orig.__cause__ or error.orig
    return error
