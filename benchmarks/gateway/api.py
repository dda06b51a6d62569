"""Serve the REST API: apply faults, check the token, the request and the rate limits, and record each request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple

from aiohttp import web

from benchmarks.gateway.buckets import Buckets, GlobalLimit, Limit
from benchmarks.gateway.contract import Contract
from benchmarks.gateway.faults import Fault, limit_exceeded, refusal
from benchmarks.gateway.rest import CALLBACK, FOLLOWUP, MESSAGES, ORIGINAL, REACTION, Routes, payload_of

PREFIX = "/api/v10"
"""The beginning of each route's path."""

LIMITS = {
    REACTION: Limit(1, 0.25),
    MESSAGES: Limit(5, 5.0),
    FOLLOWUP: Limit(5, 2.0),
    ORIGINAL: Limit(5, 2.0),
}
"""The rate limits of routes as observed, since Discord does not document them."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_OTHER_LIMIT = Limit(30, 10.0)

_WITHOUT_TOKEN = (CALLBACK, FOLLOWUP, ORIGINAL)
"""Routes with their own token in the path instead of the bot's; they do not count towards the global limit."""

_MAJOR_PARAMETERS = ("channel_id", "guild_id", "webhook_id", "webhook_token")
"""The parts of a path for each value of which Discord has its own bucket."""


class ApiRequest(NamedTuple):
    """A request, and how it was answered.

    Attributes:
        method, path: the method, and the path without the common prefix.
        status: the HTTP status of the answer.
        at: when it arrived, by the clock of the loopback Discord.
        scope: the scope of the rate limit that it exceeded, in Discord's terms; None if there was none.
    """

    method: str
    path: str
    status: int
    at: float
    scope: str | None = None


class Api:
    """Discord's REST API.

    Attributes:
        fault: answers instead of the routes; None for no fault.
        requests: all answered requests, in the order of the answers.
        violations: how requests violated Discord's API description; such requests were refused with 400.
        limit: the limit on all requests together.
    """

    def __init__(
        self,
        routes: Routes,
        token: str,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        contract: Contract | None,
    ) -> None:
        """Start with no request.

        Args:
            routes: the routes.
            token: of the bot.
            clock: seconds.
            now: Discord's time.
            contract: against which requests are checked; None to accept anything that the routes understand.
        """
        self.fault: Fault | None = None
        self.requests: list[ApiRequest] = []
        self.violations: list[str] = []
        self.limit = GlobalLimit(clock)
        self._buckets = Buckets(lambda: now().timestamp())
        self._handlers = routes.handlers()
        self._token = token
        self._clock = clock
        self._contract = contract

    def refused(self) -> list[ApiRequest]:
        """Return the requests refused with 401, 403 or 429.

        Discord bans an address after 10,000 of them in ten minutes, among which it does not count shared limits.
        """
        return [request for request in self.requests if request.status in (401, 403, 429)]

    def reactions(self, status: int | None = None) -> list[ApiRequest]:
        """Return the requests to add a reaction, only those answered with this status if one is given."""
        return [
            request
            for request in self.requests
            if request.method == "PUT" and "/reactions/" in request.path and status in (None, request.status)
        ]

    def app(self) -> web.Application:
        """Return the web application with all routes."""
        app = web.Application(middlewares=[self._answer], client_max_size=1 << 25)
        for (method, path), handler in self._handlers.items():
            app.router.add_route(method, PREFIX + path, handler)
        return app

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        at = self._clock()
        response = (await self.fault(request) if self.fault else None) or await self._admit(request, handler)
        scope = response.headers.get("X-RateLimit-Scope")
        self.requests.append(ApiRequest(request.method, request.path.removeprefix(PREFIX), response.status, at, scope))
        return response

    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, after checking the route, the token, the request itself and the rate limits."""
        resource = request.match_info.route.resource
        if resource is None:
            self.violations.append(f"{request.method} {request.path} is not among the routes of the loopback Discord")
            return refusal(404, 0, "404: Not Found")
        route = resource.canonical.removeprefix(PREFIX)
        own_token = route in _WITHOUT_TOKEN
        if not own_token and request.headers.get("Authorization") != f"Bot {self._token}":
            return refusal(401, 0, "401: Unauthorized")
        if errors := await self._errors(request, route):
            self.violations += errors
            return refusal(400, 50035, "Invalid Form Body")
        if not own_token and (wait := self.limit.take()):
            return limit_exceeded("global", wait)
        place = "+".join(request.match_info[name] for name in _MAJOR_PARAMETERS if name in request.match_info)
        bucket = route if route == REACTION else f"{request.method} {route}"
        admission = self._buckets.take(bucket, place, LIMITS.get(route, _OTHER_LIMIT))
        if admission.retry_after:
            return limit_exceeded("user", admission.retry_after, admission.headers)
        response = await handler(request)
        response.headers.update(admission.headers)
        return response

    async def _errors(self, request: web.Request, route: str) -> list[str]:
        if self._contract is None:
            return []
        return [
            *self._contract.parameter_errors(request.method, route, request.match_info, request.query),
            *self._contract.errors(request.method, route, await payload_of(request)),
        ]
