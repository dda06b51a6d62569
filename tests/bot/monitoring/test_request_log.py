from __future__ import annotations

import asyncio
import logging

import pytest

from bot.monitoring.request_log import RequestLog
from bot.monitoring.server import serve_health


async def test_malformed_requests_are_logged_only_at_debug(
    unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serve_health("127.0.0.1", unused_tcp_port):
        for request in (b"GET /healthz HTTP/1.1\r\n\r\n", b"GET " + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
            writer.write(request)
            assert (await reader.read()).startswith(b"HTTP/1.0 400 ")
            writer.close()
    levels = [record.levelno for record in caplog.records if record.name == "aiohttp.server"]
    assert levels == [logging.DEBUG] * 2


def test_faults_of_our_own_are_logged_as_errors(caplog: pytest.LogCaptureFixture) -> None:
    RequestLog().exception("Error handling request", exc_info=ZeroDivisionError())
    assert [record.levelname for record in caplog.records] == ["ERROR"]
