"""Set up logging so that no library logs what people write, their names or their ids."""

from __future__ import annotations

import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Literal, TextIO

import aiohttp
import discord
import msgspec
from discord.gateway import ReconnectWebSocket

LogFormat = Literal["text", "json"]

OWN_LOGGERS = ("bot", "classifiers")
"""The loggers that get the configured level; libraries log nothing below INFO."""

_CONNECTION_ERRORS = (OSError, TimeoutError, aiohttp.ClientError, discord.DiscordException, ReconnectWebSocket)
"""Failures of a connection after which a library reconnects; their traceback would help nobody."""

FAILURE = "failure"
"""The key in `extra` for the exception that a record is about, in place of `exc_info`.

Only our handler writes it, so the text of the exception, which may quote what somebody wrote, is never logged.
"""

_ID = re.compile(r"\d{15,20}")


def set_up(level: str, form: LogFormat = "text", stream: TextIO | None = None) -> None:
    """Log everything from a level on.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        form: lines for people, or a JSON object per line for programs.
        stream: where to write; standard error if None.
    """
    number = logging.getLevelNamesMapping()[level]
    handler = logging.StreamHandler(stream)
    formatter: logging.Formatter = discord.utils.MISSING  # discord.py's own, which colours lines on a terminal
    if form == "json":
        formatter = _JsonFormatter()
    else:
        handler.addFilter(_redact)
    # At DEBUG discord.py logs whole events, with what people write, and aiosqlite logs every statement with its values.
    discord.utils.setup_logging(handler=handler, formatter=formatter, level=max(number, logging.INFO))
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(number)


class _Entry(msgspec.Struct, omit_defaults=True):
    """What may be logged of a record; the fields are those of the JSON objects, in their order.

    Attributes:
        time: the time in UTC.
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL.
        logger: the module that logs.
        message: the message, without anything about people.
        exception: the type of the exception that the record is about; None if there is none.
        traceback: where it was raised; None for a library's lost connections.
    """

    time: datetime
    level: str
    logger: str
    message: str
    exception: str | None = None
    traceback: str | None = None


def _entry(record: logging.LogRecord) -> _Entry:
    """Return what may be logged of a record, without texts of exceptions and without ids in a library's message."""
    message, own = record.getMessage(), record.name.partition(".")[0] in OWN_LOGGERS
    entry = _Entry(
        time=datetime.fromtimestamp(record.created, UTC),
        level=record.levelname,
        logger=record.name,
        message=message if own else _ID.sub("…", message),
    )
    error = getattr(record, FAILURE, None) or (record.exc_info and record.exc_info[1])
    if isinstance(error, BaseException):
        entry.exception = type(error).__name__
        if own or not isinstance(error, _CONNECTION_ERRORS):
            entry.traceback = "".join(traceback.format_tb(error.__traceback__))
    return entry


class _JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        return msgspec.json.encode(_entry(record)).decode()


def _redact(record: logging.LogRecord) -> bool:
    """Reduce a record to what may be logged, for a formatter that writes lines for people."""
    entry = _entry(record)
    exception = f": {entry.exception}" if entry.exception else ""
    place = f" at\n{entry.traceback}" if entry.traceback else ""
    record.msg, record.args = f"{entry.message}{exception}{place}", None
    record.exc_info = record.exc_text = None
    return True
