"""Every way in which the loopback Discord can fail, as switches.

The gateway's are actions and attributes of `Gateway`; `Garbage` names frames that nobody can read. Those of the API are
functions that answer in its place: `discord.api.fault = status(503)`. They may be put together:
`only("/reactions/", limited("shared", 0.5))` limits reactions alone, and `times(2, hanging())` only the next two
requests.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

from aiohttp import web

from benchmarks.gateway.buckets import whole_seconds

Fault = Callable[[web.Request], Awaitable[web.Response | None]]
"""Answers a request in the API's place, or leaves it to go its way by returning None."""

_FOR_EVER = 1e6  # seconds

VIA = {"Via": "1.1 google"}
"""By this header discord.py tells Discord's own limits from those of Cloudflare."""


class Garbage(StrEnum):
    """Frames that nobody can read, by what is wrong with them."""

    NO_STREAM = "no compressed stream"
    NO_JSON = "no JSON in the stream"
    NO_OBJECT = "no object in the JSON"
    NO_MESSAGE = "no message in the object"


UNREADABLE: dict[Garbage, str | bytes] = {
    Garbage.NO_STREAM: b"garbage\x00\x00\xff\xff",
    Garbage.NO_JSON: "garbage",
    Garbage.NO_OBJECT: "[]",
}
"""The frames of all kinds but the last, which is an event: bytes are sent as they are, strings through the stream."""


def status(
    code: int, body: bytes = b"", content_type: str = "text/html", headers: Mapping[str, str] | None = None
) -> Fault:
    """Answer with an HTTP status, as a proxy does when Discord is down, or with garbage if a body is given."""
    return _answering(lambda: web.Response(status=code, body=body, content_type=content_type, headers=headers))


def garbled(code: int = 200) -> Fault:
    """Answer with what claims to be JSON and is none."""
    return status(code, b'{"broken', "application/json")


def no_text(code: int = 200) -> Fault:
    """Answer with what claims to be JSON and is not even text."""
    return status(code, b"\xff\xfe", "application/json")


def refused(code: int, reason: int = 0) -> Fault:
    """Refuse as Discord does.

    Args:
        code: the HTTP status: 401, 403 or 404.
        reason: Discord's own error code, such as 50013 for a missing permission or 10008 for an unknown message.
    """
    return _answering(lambda: refusal(code, reason, "refused"))


def limited(scope: str, retry_after: float) -> Fault:
    """Answer 429 as Discord does.

    Args:
        scope: `global`, `user` for the bot's own limit of a route, or `shared` for one that others use up, too.
        retry_after: seconds.
    """
    return _answering(lambda: limit_exceeded(scope, retry_after))


def cloudflare() -> Fault:
    """Answer 429 as Cloudflare does, which tells neither whose limit it is nor how long it lasts."""
    return status(429, b"<html>You are being rate limited</html>")


def hanging() -> Fault:
    """Never answer; the connection stays open."""

    async def fault(_: web.Request) -> None:
        await asyncio.sleep(_FOR_EVER)  # what waits for nothing at all would be collected as garbage

    return fault


def only(part: str, fault: Fault) -> Fault:
    """Let only requests fail whose path has this part."""

    async def some(request: web.Request) -> web.Response | None:
        return await fault(request) if part in request.path else None

    return some


def times(number: int, fault: Fault) -> Fault:
    """Let only so many requests fail, then none."""
    left = number

    async def some(request: web.Request) -> web.Response | None:
        nonlocal left
        if not left:
            return None
        left -= 1
        return await fault(request)

    return some


def refusal(code: int, reason: int, message: str) -> web.Response:
    """Return an error as Discord words it."""
    return json_answer({"code": reason, "message": message}, code)


def limit_exceeded(scope: str, retry_after: float, headers: dict[str, str] | None = None) -> web.Response:
    """Return the answer to a request that exceeds a limit; see `limited`."""
    body = {"message": "You are being rate limited.", "retry_after": retry_after, "global": scope == "global"}
    told = {**VIA, "Retry-After": whole_seconds(retry_after), "X-RateLimit-Scope": scope}
    if scope == "global":
        told["X-RateLimit-Global"] = "true"
    return json_answer(body, 429, {**(headers or {}), **told})


def json_answer(body: object, code: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return an answer in JSON, without a charset as Discord sends it."""
    return web.Response(body=json.dumps(body).encode(), status=code, headers=headers, content_type="application/json")


def _answering(answer: Callable[[], web.Response]) -> Fault:
    async def fault(_: web.Request) -> web.Response:
        return answer()

    return fault
