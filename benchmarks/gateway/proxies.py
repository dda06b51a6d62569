"""Run proxies in front of the loopback Discord that imitate real ones, by their documentation and code.

`Nirn` imitates germanoeich/nirn-proxy, for the REST API; `GatewayProxy` imitates Gelbpunkt/gateway-proxy.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web
from yarl import URL

from benchmarks.gateway.compression import COMPRESSIONS, Compress
from benchmarks.gateway.protocol import Op
from benchmarks.gateway.server import LoopbackDiscord

_CACHED = {"/users/@me": 600.0, "/gateway": 3600.0, "/gateway/bot": 1800.0}
"""The paths whose answers Nirn caches, and for how many seconds."""

_OWN_HEADERS = ("content-length", "transfer-encoding", "connection", "content-encoding", "host")
"""Headers that are not passed on, since each connection has its own."""

_AFTER_REACTIONS = re.compile(r"/messages/\d+/reactions/.*")


@dataclass
class _Queue:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0


@dataclass
class _Cached:
    until: float
    body: bytes
    headers: dict[str, str]


class Nirn:
    """Passes requests on to Discord, one at a time for each bucket, and waits while a bucket is exhausted.

    Discord's answers are passed on unchanged, including 429. Answers to a few paths are cached, with their old date.

    Attributes:
        timeout: seconds after which an unanswered request gets 408.
        lost_node: set to answer every request with 429, as while a node of a cluster is gone.
        requests: how many requests arrived.
        waiting: how many of them Discord has not answered yet.
    """

    def __init__(self, discord: LoopbackDiscord) -> None:
        """Pass requests on to a running loopback Discord."""
        self.timeout = 5.0
        self.lost_node = False
        self.requests = self.waiting = 0
        self._discord = discord
        self._queues: defaultdict[str, _Queue] = defaultdict(_Queue)
        self._cache: dict[str, _Cached] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve the proxy on a free port; yield the address for DISCORD_API_BASE."""
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            app = web.Application(client_max_size=1 << 25)
            app.router.add_route("*", "/{path:.*}", self._answer)
            async with _served(app) as port:
                yield f"http://127.0.0.1:{port}/api/v10"

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        if self.lost_node:
            body = {"global": False, "message": "You are being rate limited.", "retry_after": 1}
            headers = {"generated-by-proxy": "true", "x-ratelimit-scope": "user", "retry-after": "1"}
            return web.json_response(body, status=429, headers=headers)
        path = request.path.removeprefix("/api/v10")
        queue = self._queues[_AFTER_REACTIONS.sub("/messages/!/reactions", path)]
        async with queue.turn:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(queue.free_at - loop.time())
            cached = self._cache.get(path)
            if cached and cached.until > loop.time():
                return web.Response(body=cached.body, headers={**cached.headers, "x-cached": "true"})
            self.waiting += 1
            try:
                async with asyncio.timeout(self.timeout):
                    response = await self._forward(request)
            except TimeoutError:
                return web.Response(status=408, text="context deadline exceeded")
            finally:
                self.waiting -= 1
            if response.status == 429 or response.headers.get("X-RateLimit-Remaining") == "0":
                after = response.headers.get("X-RateLimit-Reset-After") or response.headers.get("Retry-After")
                queue.free_at = loop.time() + float(after or 0)
            if path in _CACHED and response.status == 200 and isinstance(response.body, bytes):
                self._cache[path] = _Cached(loop.time() + _CACHED[path], response.body, dict(response.headers))
            return response

    async def _forward(self, request: web.Request) -> web.Response:
        url = f"http://127.0.0.1:{self._discord.api_endpoint.port}{request.raw_path}"
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OWN_HEADERS}
        async with self._session.request(
            request.method, URL(url, encoded=True), headers=headers, data=await request.read()
        ) as answer:
            passed_on = {name: value for name, value in answer.headers.items() if name.lower() not in _OWN_HEADERS}
            return web.Response(status=answer.status, body=await answer.read(), headers=passed_on)


@dataclass
class _Shard:
    """A shard's connection to Discord, and what it has received."""

    socket: aiohttp.ClientWebSocketResponse
    ready: dict[str, Any] = field(default_factory=dict)
    guilds: dict[str, dict[str, Any]] = field(default_factory=dict)
    clients: list[_Client] = field(default_factory=list)


@dataclass
class _Client:
    """A bot's connection to the proxy."""

    socket: web.WebSocketResponse
    transport: asyncio.BaseTransport
    compress: Compress
    sequence: int = 0

    async def send(self, frame: dict[str, Any]) -> None:
        if frame["op"] == Op.DISPATCH:
            self.sequence += 1
            frame = {**frame, "s": self.sequence}
        compressed = self.compress(json.dumps(frame))
        if self.socket.closed or self.transport.is_closing():
            return
        if isinstance(compressed, str):
            await self.socket.send_str(compressed)
        else:
            await self.socket.send_bytes(compressed)


class GatewayProxy:
    """Holds the shards' sessions with Discord; sends a bot that identifies READY and all servers at once.

    It cannot resume sessions, and does not keep events while no bot is connected. Its only compression is zlib. This
    begins with HELLO if the address asks for it, or else after an IDENTIFY that asks for it.

    Attributes:
        url: the address for DISCORD_GATEWAY_URL.
        reports_shard_count: whether it says how many shards it has, as newer releases do.
        names_discord: whether READY contains Discord's own session and address for resuming, as in old releases.
        compressions: the compressions that bots asked for in the address.
        identified, refused_resumes: how often a bot began a session, and tried to resume one.
    """

    def __init__(self, discord: LoopbackDiscord, intents: int) -> None:
        """Connect to a running loopback Discord, with as many shards as it recommends."""
        self.url = ""
        self.reports_shard_count = True
        self.names_discord = False
        self.compressions: set[str | None] = set()
        self.identified = self.refused_resumes = 0
        self._discord = discord
        self._intents = intents
        self._shards: dict[int, _Shard] = {}
        self._clients: list[_Client] = []
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connect all shards to Discord, and serve on a free port."""
        async with aiohttp.ClientSession() as session:
            listening = []
            for shard_id in range(self._discord.gateway.shards):
                socket = await session.ws_connect(f"{self._discord.gateway.url}/?v=10&encoding=json", max_msg_size=0)
                self._shards[shard_id] = shard = _Shard(socket)
                identify = {"token": self._discord.token, "intents": self._intents}
                identify["shard"] = [shard_id, self._discord.gateway.shards]
                await socket.send_json({"op": Op.IDENTIFY, "d": identify})
                listening.append(asyncio.create_task(self._listen(shard)))
            app = web.Application()
            app.router.add_get("/", self._serve)
            app.router.add_get("/shard-count", self._shard_count)
            async with _served(app) as port:
                self.url = f"ws://127.0.0.1:{port}"
                yield
                self.cut()
            for task in listening:
                task.cancel()
            await asyncio.wait(listening)
            for shard in self._shards.values():
                await shard.socket.close()

    def bots(self) -> int:
        """Return how many bots are connected."""
        return len(self._clients)

    def cut(self) -> None:
        """Break the connections to all bots, but not those to Discord."""
        for client in list(self._clients):
            client.transport.close()

    async def _listen(self, shard: _Shard) -> None:
        """Receive a shard's events from Discord, and pass them on to its bots."""
        async for message in shard.socket:
            frame = message.json()
            match frame["t"], frame["d"]:
                case "READY", ready:
                    shard.ready = ready
                    continue
                case "GUILD_CREATE", guild:
                    shard.guilds[guild["id"]] = guild
            if frame["op"] == Op.DISPATCH:
                for client in list(shard.clients):
                    await client.send(frame)

    async def _shard_count(self, _: web.Request) -> web.Response:
        return web.Response(text=str(len(self._shards))) if self.reports_shard_count else web.Response(status=400)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        compression = request.query.get("compress")
        self.compressions.add(compression)
        assert request.transport  # noqa: S101 - a connection that is served has one
        supported = compression if compression == "zlib-stream" else None
        client = _Client(socket, request.transport, COMPRESSIONS[supported]())
        self._clients.append(client)
        try:
            await client.send({"op": Op.HELLO, "s": None, "t": None, "d": {"heartbeat_interval": 41_250}})
            async for message in socket:
                if message.type is WSMsgType.TEXT and not await self._handle_frame(client, message.json(), compression):
                    break
        finally:
            self._clients.remove(client)
            for shard in self._shards.values():
                shard.clients = [other for other in shard.clients if other is not client]
        return socket

    async def _handle_frame(self, client: _Client, frame: dict[str, Any], compression: str | None) -> bool:
        """Handle a frame from a bot; return whether to stay connected."""
        match frame["op"]:
            case Op.HEARTBEAT:
                await client.send({"op": Op.HEARTBEAT_ACK, "d": None})
            case Op.RESUME:
                self.refused_resumes += 1
                await client.send({"op": Op.INVALID_SESSION, "d": False})
            case Op.IDENTIFY:
                identify = frame["d"]
                shard_id, shards = identify["shard"]
                if shards != len(self._shards) or identify["token"] != self._discord.token:
                    return False
                if identify["compress"] and compression != "zlib-stream":
                    client.compress = COMPRESSIONS["zlib-stream"]()
                await self._begin(client, self._shards[shard_id])
        return True

    async def _begin(self, client: _Client, shard: _Shard) -> None:
        self.identified += 1
        waiting = [{"id": guild_id, "unavailable": True} for guild_id in shard.guilds]
        own = {"session_id": f"proxied-{next(self._numbers)}", "resume_gateway_url": self.url}
        ready = {**shard.ready, "guilds": waiting, **({} if self.names_discord else own)}
        await client.send({"op": Op.DISPATCH, "t": "READY", "d": ready})
        for guild in list(shard.guilds.values()):
            await client.send({"op": Op.DISPATCH, "t": "GUILD_CREATE", "d": guild})
        shard.clients.append(client)


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[int]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
