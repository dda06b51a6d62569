"""A small Discord on the loopback address: its gateway and the routes that the bot uses, over real sockets.

SimCord is the place for what users see. This is for what a simulation within the process cannot play: limits, refusals,
broken answers and lost connections. The bot under test is as it always is; only the address is another one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, NamedTuple

import discord
import pytest
import yarl
from aiohttp import WSMsgType, web
from discord.gateway import DiscordWebSocket

from bot import Emobot

BOT, APPLICATION, ALICE, GUILD = 1, 2, 3, 10_000
_DISPATCH, _HEARTBEAT, _IDENTIFY, _RESUME, _HELLO, _ACKNOWLEDGED = 0, 1, 2, 6, 10, 11

Fault = Callable[[web.Request], web.Response | None]
"""Answers a request in Discord's place, or leaves it to go its way by returning None."""


class Asked(NamedTuple):
    """A request, and the HTTP status that it was answered with."""

    method: str
    path: str
    status: int


class Loopback:
    """Servers with channels, one user, and a bot.

    Attributes:
        url: where the REST routes are.
        asked: all requests so far.
        fault: what answers in Discord's place.
        most_per_second: the global limit; more requests are answered with 429.
        close_code: with which the gateway closes in place of letting the bot in.
        ahead: how far Discord's clock is ahead of this computer's.
        replay: what a connection that is resumed is sent in place of what it missed.
        identified, resumed: how often the bot began a session, and how often it went on with one.
        commands: those that the bot has made known, by server, None for everywhere.
    """

    def __init__(self, channels: int = 1, servers: int = 1) -> None:
        self.url = yarl.URL()
        self.asked: list[Asked] = []
        self.fault: Fault | None = None
        self.most_per_second = 50
        self.close_code: int | None = None
        self.application_flags = discord.ApplicationFlags(gateway_message_content_limited=True).value
        self.ahead = timedelta()
        self.identified = self.resumed = 0
        self.commands: dict[int | None, list[dict[str, Any]]] = {}
        self.channels = {10**6 + number: GUILD + number % servers for number in range(channels)}
        self.replay: str | bytes | None = None
        self._epoch = datetime.now(UTC) - timedelta(seconds=asyncio.get_running_loop().time())
        self._moments: list[float] = []
        self._ids = 0
        self._events: list[dict[str, Any]] = []
        self._socket: web.WebSocketResponse | None = None

    def now(self) -> datetime:
        """Return Discord's time, which goes on with the event loop's."""
        return self._epoch + self.ahead + timedelta(seconds=asyncio.get_running_loop().time())

    def reactions(self, status: int | None = None) -> list[Asked]:
        """Return the reactions that were asked for, those that were answered with a status if one is given."""
        return [
            asked
            for asked in self.asked
            if asked.method == "PUT" and "/reactions/" in asked.path and status in (None, asked.status)
        ]

    def refused(self) -> list[Asked]:
        """Return the requests that count towards a ban."""
        return [asked for asked in self.asked if asked.status in (401, 403, 429)]

    # ------------------------------------------------------------ what happens in the server

    async def say(self, text: str, channel: int = 0, age: float = 0.0) -> int:
        """Let alice write a message, or have written it so many seconds ago, and return its id."""
        written = self.now() - timedelta(seconds=age)
        channel_id, guild_id = list(self.channels.items())[channel]
        self._ids += 1
        message_id = discord.utils.time_snowflake(written) + self._ids
        await self.dispatch(
            "MESSAGE_CREATE",
            {
                **{"id": str(message_id), "channel_id": str(channel_id), "guild_id": str(guild_id)},
                **{"author": _user(ALICE, "alice"), "content": text, "timestamp": written.isoformat(), "type": 0},
                **{"edited_timestamp": None, "tts": False, "mention_everyone": False, "pinned": False},
                **{"mentions": [], "mention_roles": [], "attachments": [], "embeds": []},
            },
        )
        return message_id

    async def dispatch(self, event: str, data: Any) -> None:
        """Send an event, and remember it for a connection that is resumed."""
        self._events.append({"op": _DISPATCH, "t": event, "s": len(self._events) + 1, "d": data})
        await self.send(self._events[-1])

    async def send(self, frame: Any) -> None:
        """Send a frame: bytes and strings as they are, anything else as JSON."""
        if self._socket is None or self._socket.closed:
            return
        if isinstance(frame, bytes):
            await self._socket.send_bytes(frame)
        else:
            await self._socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    # ------------------------------------------------------------ the gateway

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        self._socket = socket = web.WebSocketResponse()
        socket.headers["Date"] = self._date()
        await socket.prepare(request)
        await self.send({"op": _HELLO, "d": {"heartbeat_interval": 40_000}})
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._hear(socket, message.json())
        return socket

    async def _hear(self, socket: web.WebSocketResponse, frame: dict[str, Any]) -> None:
        if frame["op"] == _HEARTBEAT:
            await self.send({"op": _ACKNOWLEDGED})
        elif frame["op"] == _IDENTIFY and self.close_code:
            await socket.close(code=self.close_code)
        elif frame["op"] == _IDENTIFY:
            self.identified += 1
            self._events.clear()
            guilds = sorted(set(self.channels.values()))
            ready = {
                **{"v": 10, "user": _user(BOT, "Emobot", bot=True), "shard": frame["d"]["shard"]},
                **{"session_id": f"session {self.identified}", "resume_gateway_url": str(self._gateway_url())},
                **{"application": {"id": str(APPLICATION), "flags": 0}},
                "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in guilds],
            }
            await self.dispatch("READY", ready)
            for guild_id in guilds:
                await self.dispatch("GUILD_CREATE", self._guild(guild_id))
        elif frame["op"] == _RESUME:
            self.resumed += 1
            if self.replay:
                await self.send(self.replay)
                return
            for event in [event for event in self._events if event["s"] > frame["d"]["seq"]]:
                await self.send(event)
            await self.dispatch("RESUMED", {})

    def _gateway_url(self) -> yarl.URL:
        return self.url.with_scheme("ws") / "gateway"

    def _guild(self, guild_id: int) -> dict[str, Any]:
        granted = discord.Permissions(view_channel=True, read_message_history=True, add_reactions=True)
        everyone = {"id": str(guild_id), "name": "@everyone", "permissions": str(granted.value), "position": 0}
        return {
            **{"id": str(guild_id), "name": "home", "owner_id": str(ALICE), "member_count": 2, "unavailable": False},
            "roles": [{**everyone, "color": 0, "hoist": False, "managed": False, "mentionable": False, "flags": 0}],
            "channels": [
                {
                    "id": str(channel),
                    "type": 0,
                    "name": f"channel {channel}",
                    "position": 0,
                    "permission_overwrites": [],
                }
                for channel in self.channels
            ],
            "members": [{"user": _user(BOT, "Emobot", bot=True), "roles": [], "joined_at": None, "flags": 0}],
            **{"threads": [], "emojis": [], "stickers": [], "features": [], "voice_states": [], "presences": []},
            **{"verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0},
            **{"mfa_level": 0, "nsfw_level": 0, "premium_tier": 0, "system_channel_flags": 0, "afk_timeout": 0},
            **{
                "preferred_locale": "en-US",
                "stage_instances": [],
                "guild_scheduled_events": [],
                "soundboard_sounds": [],
            },
        }

    # ------------------------------------------------------------ the routes

    async def _route(self, request: web.Request) -> web.Response:
        response = (self.fault and self.fault(request)) or self._limit() or await self._answer(request)
        response.headers["Date"] = self._date()
        self.asked.append(Asked(request.method, request.path, response.status))
        return response

    def _limit(self) -> web.Response | None:
        """Refuse what is more than the global limit, counted over the last second."""
        now = asyncio.get_running_loop().time()
        self._moments = [moment for moment in self._moments if moment > now - 1] + [now]
        return limited(0.5) if len(self._moments) > self.most_per_second else None

    async def _answer(self, request: web.Request) -> web.Response:  # noqa: PLR0911 - one for each route
        match request.method, request.path.strip("/").split("/"):
            case "PUT" | "DELETE", ["channels", _, "messages", _, "reactions", *_]:
                return web.Response(status=204)
            case "GET", ["users", "@me"]:
                return answer(_user(BOT, "Emobot", bot=True))
            case "GET", ["users", "@me", "guilds"]:
                return answer([{"id": str(GUILD), "name": "home", "owner": False, "permissions": "0"}])
            case "GET", ["oauth2", "applications", "@me"]:
                return answer(
                    {
                        **{"id": str(APPLICATION), "name": "Emobot", "description": "", "icon": None},
                        **{"bot_public": True, "bot_require_code_grant": False, "verify_key": ""},
                        **{"flags": self.application_flags, "owner": _user(ALICE, "alice")},
                    }
                )
            case "GET", ["gateway", "bot"]:
                limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
                return answer({"url": str(self._gateway_url()), "shards": 1, "session_start_limit": limit})
            case method, ["applications", _, *place, "commands"]:
                guild_id = int(place[1]) if place else None
                if method == "PUT":
                    self.commands[guild_id] = [
                        {
                            "description": "",
                            **command,
                            "id": str(number),
                            "application_id": str(APPLICATION),
                            "version": "1",
                        }
                        for number, command in enumerate(await request.json(), 1)
                    ]
                return answer(self.commands.get(guild_id, []))
        return answer({"code": 0, "message": "404: Not Found"}, status=404)

    def _date(self) -> str:
        return format_datetime(self.now(), usegmt=True)

    def app(self) -> web.Application:
        """Return what serves both."""
        app = web.Application()
        app.router.add_get("/gateway/", self._gateway)
        app.router.add_get("/gateway", self._gateway)
        app.router.add_route("*", "/{path:.*}", self._route)
        return app


@asynccontextmanager
async def serving(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Serve it, and let discord.py take it for Discord."""
    runner = web.AppRunner(loopback.app(), access_log=None)  # what it logs would stand among the words of the bot
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    loopback.url = yarl.URL(f"http://127.0.0.1:{runner.addresses[0][1]}")
    monkeypatch.setattr(discord.http.Route, "BASE", str(loopback.url))
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", loopback.url.with_scheme("ws") / "gateway")
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(bot: Emobot) -> AsyncIterator[asyncio.Task[None]]:
    """Start the bot and wait until it is in the server; what is yielded ends with it."""
    async with bot:
        running = asyncio.create_task(bot.start("token"))
        try:
            await until(lambda: running.done() or (bot.guilds and not any(guild.unavailable for guild in bot.guilds)))
            if running.done():
                await running
            yield running
        finally:
            await bot.close()
            await asyncio.wait([running])


async def until(happened: Callable[[], object]) -> None:
    """Wait until something has happened; what never happens fails the test after a long while."""
    for _ in range(30_000):
        if happened():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("It did not happen.")


class Skipper:
    """Sets the clocks of an event loop and of this computer forward, so that whoever sleeps wakes at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        real, wall = loop.time, discord.utils.utcnow
        self._ahead = 0.0
        monkeypatch.setattr(loop, "time", lambda: real() + self._ahead)
        monkeypatch.setattr(discord.utils, "utcnow", lambda: wall() + timedelta(seconds=self._ahead))

    def skip(self, seconds: float) -> None:
        """Let seconds go by."""
        self._ahead += seconds


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an answer in JSON, without a charset as Discord sends it."""
    return web.Response(body=json.dumps(body).encode(), status=status, headers=headers, content_type="application/json")


def refusal(status: int, code: int = 0) -> web.Response:
    """Return an error as Discord words it."""
    return answer({"code": code, "message": "refused"}, status=status)


def limited(retry_after: float, scope: str = "global") -> web.Response:
    """Return the answer to a request that exceeds a rate limit."""
    headers = {"Retry-After": str(retry_after), "X-RateLimit-Scope": scope, "Via": "1.1 google"}
    body = {"message": "You are being rate limited.", "retry_after": retry_after, "global": scope == "global"}
    return answer(body, status=429, headers=headers)


def _user(user_id: int, name: str, *, bot: bool = False) -> dict[str, Any]:
    return {"id": str(user_id), "username": name, "discriminator": "0", "avatar": None, "bot": bot}
