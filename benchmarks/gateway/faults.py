"""Define every way in which the loopback Discord can fail.

Faults of the gateway are methods and attributes of `Gateway`; `Garbage` names kinds of broken frames. Faults of the API
are functions that answer instead of it: `discord.api.fault = status(503)`. They can be combined:
`only("/reactions/", limited("shared", 0.5))` limits only reactions, and `times(2, hanging())` lets only the next two
requests hang.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

from aiohttp import web

from benchmarks.gateway.buckets import whole_seconds

Fault = Callable[[web.Request], Awaitable[web.Response | None]]
"""Answers a request instead of the API, or returns None to let the API answer."""

VIA = {"Via": "1.1 google"}
"""The header by which discord.py distinguishes Discord's own rate limits from Cloudflare's."""

_FOREVER = 1e6  # seconds


class Garbage(StrEnum):
    """Kinds of broken frames."""

    NO_STREAM = "no compressed stream"
    NO_JSON = "no JSON in the stream"
    NO_OBJECT = "no object in the JSON"
    NO_MESSAGE = "no message in the object"


UNREADABLE: dict[Garbage, str | bytes] = {
    Garbage.NO_STREAM: b"garbage\x00\x00\xff\xff",
    Garbage.NO_JSON: "garbage",
    Garbage.NO_OBJECT: "[]",
}
"""The frame of each kind except the last, which is an event. Bytes are sent as they are, strings are compressed."""


def status(
    code: int, body: bytes = b"", content_type: str = "text/html", headers: Mapping[str, str] | None = None
) -> Fault:
    """Answer with an HTTP status and no body, as a proxy does when Discord is down, or with the given body."""
    return _answering(lambda: web.Response(status=code, body=body, content_type=content_type, headers=headers))


def garbled(code: int = 200) -> Fault:
    """Answer with a body that claims to be JSON but is not."""
    return status(code, b'{"broken', "application/json")


def no_text(code: int = 200) -> Fault:
    """Answer with a body that claims to be JSON but is not even text."""
    return status(code, b"\xff\xfe", "application/json")


def refused(code: int, reason: int = 0) -> Fault:
    """Refuse requests as Discord does.

    Args:
        code: the HTTP status: 401, 403 or 404.
        reason: Discord's own error code, such as 50013 for a missing permission or 10008 for an unknown message.
    """
    return _answering(lambda: refusal(code, reason, "refused"))


def limited(scope: str, retry_after: float) -> Fault:
    """Answer 429 as Discord does.

    Args:
        scope: `global`, `user` for the bot's own limit for a route, or `shared` for one that it shares with others.
        retry_after: seconds.
    """
    return _answering(lambda: limit_exceeded(scope, retry_after))


def cloudflare() -> Fault:
    """Answer 429 as Cloudflare does, which says neither whose limit it is nor how long it lasts."""
    return status(429, b"<html>You are being rate limited</html>")


def hanging() -> Fault:
    """Never answer, but keep the connection open."""

    async def fault(_: web.Request) -> None:
        await asyncio.sleep(_FOREVER)  # not a bare future: a task that nothing will wake is garbage-collected

    return fault


def only(part: str, fault: Fault) -> Fault:
    """Apply a fault only to requests whose path contains this part."""

    async def some(request: web.Request) -> web.Response | None:
        return await fault(request) if part in request.path else None

    return some


def times(number: int, fault: Fault) -> Fault:
    """Apply a fault only to this many requests."""
    left = number

    async def some(request: web.Request) -> web.Response | None:
        nonlocal left
        if not left:
            return None
        left -= 1
        return await fault(request)

    return some


def refusal(code: int, reason: int, message: str) -> web.Response:
    """Return an error in Discord's form."""
    return json_answer({"code": reason, "message": message}, code)


def limit_exceeded(scope: str, retry_after: float, headers: dict[str, str] | None = None) -> web.Response:
    """Return the answer to a request that exceeds a rate limit; see `limited`."""
    body = {"message": "You are being rate limited.", "retry_after": retry_after, "global": scope == "global"}
    about_limit = {**VIA, "Retry-After": whole_seconds(retry_after), "X-RateLimit-Scope": scope}
    if scope == "global":
        about_limit["X-RateLimit-Global"] = "true"
    return json_answer(body, 429, {**(headers or {}), **about_limit})


def json_answer(body: object, code: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return a JSON answer, without a charset in its content type, as Discord sends it."""
    return web.Response(body=json.dumps(body).encode(), status=code, headers=headers, content_type="application/json")


def _answering(answer: Callable[[], web.Response]) -> Fault:
    async def fault(_: web.Request) -> web.Response:
        return answer()

    return fault
