from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext

import aiohttp
import discord
import pytest
from discord.http import HTTPClient, Route

from benchmarks.gateway import LoopbackDiscord, status
from benchmarks.gateway.faults import VIA
from bot.connection.strict_answers import UnreadableAnswerError, use_strict_answers


@pytest.fixture
async def http(loopback: LoopbackDiscord) -> AsyncIterator[HTTPClient]:
    """The HTTP client of discord.py, logged in."""
    client = HTTPClient(asyncio.get_running_loop(), http_trace=aiohttp.TraceConfig())
    use_strict_answers(client)
    await client.static_login(loopback.token)
    yield client
    await client.close()


@pytest.mark.parametrize(
    ("code", "body", "headers"),
    [
        (200, b"<html>", {}),
        (200, b"{", {}),
        (200, b"\xff\xfe", {}),
        (403, b'{"message": null}', {}),
        (403, b'{"message": "no", "errors": "none"}', {}),
        (429, b"[]", VIA),
        (429, b"{}", VIA),
    ],
)
async def test_answer_that_discord_would_not_give_raises_unreadable(
    http: HTTPClient, loopback: LoopbackDiscord, code: int, body: bytes, headers: dict[str, str]
) -> None:
    loopback.api.fault = status(code, body, "text/html" if b"<" in body else "application/json", headers)
    with pytest.raises(UnreadableAnswerError):
        await http.request(Route("GET", "/users/@me"))
    loopback.api.fault = None
    assert await http.request(Route("GET", "/users/@me"))


@pytest.mark.parametrize(
    ("method", "code", "body", "readable"),
    [("GET", 200, b"", False), ("PUT", 200, b"<html>", False), ("PUT", 204, b"", True)],
)
async def test_answer_without_json_is_readable_only_if_it_is_empty_and_nothing_was_asked_for(
    http: HTTPClient, loopback: LoopbackDiscord, method: str, code: int, body: bytes, readable: bool
) -> None:
    loopback.api.fault = status(code, body, "text/html", {})
    with nullcontext() if readable else pytest.raises(UnreadableAnswerError):
        assert await http.request(Route(method, "/users/@me")) == ""


async def test_refusal_of_discord_raises_not_found(http: HTTPClient) -> None:
    with pytest.raises(discord.NotFound):
        await http.request(Route("GET", "/channels/{channel_id}", channel_id=1))


async def test_unsendable_request_raises_its_own_error(http: HTTPClient, loopback: LoopbackDiscord) -> None:
    before = len(loopback.api.requests)
    with pytest.raises(TypeError, match="bytes"):
        await http.request(Route("POST", "/users/@me/channels"), json={"recipient_id": b"1"})
    with pytest.raises(TypeError, match="unexpected keyword"):
        await http.request(Route("GET", "/users/@me"), recipient=1)
    assert len(loopback.api.requests) == before
