"""Set up logging such that no library logs what people write, their names or their ids."""

from __future__ import annotations

import logging
import re
import traceback
from typing import TextIO

import aiohttp
import discord
from discord.gateway import ReconnectWebSocket

OWN = ("bot", "classifiers")
"""The loggers that are told the level which was asked for; those of libraries say nothing below INFO."""

_EXPECTED = (OSError, TimeoutError, aiohttp.ClientError, discord.DiscordException, ReconnectWebSocket)
"""Failures of a connection, which is made again: where they were raised helps nobody."""

_ID = re.compile(r"\d{15,20}")


def set_up(level: str, stream: TextIO | None = None) -> None:
    """Log everything from a level on.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        stream: where to; standard error if None.
    """
    number = logging.getLevelNamesMapping()[level]
    handler = logging.StreamHandler(stream)
    handler.addFilter(_leave_people_out)
    # At DEBUG discord.py logs whole events, with what people write, and aiosqlite logs every statement with its values.
    discord.utils.setup_logging(handler=handler, level=max(number, logging.INFO))
    for name in OWN:
        logging.getLogger(name).setLevel(number)


def _leave_people_out(record: logging.LogRecord) -> bool:
    """Remove from a record what may be about people: the text of an exception, and ids in a library's message."""
    message = record.getMessage()
    if record.name.partition(".")[0] not in OWN:
        message = _ID.sub("…", message)
    if record.exc_info and record.exc_info[0]:
        kind, _, trace = record.exc_info
        message = f"{message}: {kind.__name__}"
        if not issubclass(kind, _EXPECTED):
            message += f" at\n{''.join(traceback.format_tb(trace))}"
    record.msg, record.args, record.exc_info, record.exc_text = message, None, None, None
    return True
