"""The log of our web servers."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError


class RequestLog(logging.LoggerAdapter[logging.Logger]):
    """Logs for a web server of aiohttp; malformed requests, which any program can send, at DEBUG only."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger("aiohttp.server"))

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a record; `exc_info` is the exception that it is about."""
        malformed = isinstance(kwargs.get("exc_info"), HttpProcessingError | web.RequestPayloadError)
        super().log(logging.DEBUG if malformed else level, msg, *args, **kwargs)
