"""Errors of the database, and the reason for each, which never contains the values in a statement."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, StatementError

_PREPARED_STATEMENT_ERRORS = ("42P05", "26000")  # SQLSTATE: a prepared statement already exists, or does not exist


class StoreError(Exception):
    """The database did not answer, or refused a statement; nothing was changed."""


class NewerDatabaseError(StoreError):
    """The tables belong to a later version of the bot."""


class UnreadableSettingsError(StoreError):
    """A server's stored settings cannot be parsed, so they cannot be changed, only replaced."""


class PoolerError(StoreError):
    """A connection pooler stands between the bot and PostgreSQL, and gives each transaction another connection."""

    def __init__(self) -> None:
        super().__init__(
            "a pooler gives each transaction another connection, as PgBouncer does in transaction mode, so that this "
            "process would not be notified of what other processes change: let DATABASE_URL lead to PostgreSQL "
            "itself, or set pool_mode = session"
        )


def reason(error: Exception) -> str:
    """Return the driver's message for an error, without the statement and its values."""
    cause = _cause(error)
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    message = "" if refuses_values(error) else str(cause)  # if values were refused, the message may quote them
    return message.partition("\n")[0] or type(cause).__name__


def refuses_values(error: Exception) -> bool:
    """Return whether the error is about the values in a row, so that another row may be accepted."""
    cause = _cause(error)
    if not isinstance(error, DBAPIError):
        return isinstance(cause, ValueError | OverflowError)
    # The SQLSTATE classes "data exception" and "integrity constraint violation".
    refused = str(getattr(cause, "sqlstate", "")).startswith(("22", "23"))
    return refused or isinstance(cause, sqlite3.IntegrityError | sqlite3.DataError)


def shows_pooler(error: Exception) -> bool:
    """Return whether an error shows that transactions share connections, as behind a pooler in transaction mode."""
    return str(getattr(_cause(error), "sqlstate", "")) in _PREPARED_STATEMENT_ERRORS


def _cause(error: Exception) -> BaseException:
    """Return the driver's exception inside SQLAlchemy's, or the error itself."""
    if isinstance(error, StatementError) and error.orig:
        return error.orig.__cause__ or error.orig
    return error
