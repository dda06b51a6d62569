"""Proxies in front of the loopback Discord, which do as the documentation and the code of the real ones say.

`Nirn` is germanoeich/nirn-proxy for the REST API, `GatewayProxy` is Gelbpunkt/gateway-proxy for the gateway.
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
"""For how many seconds Nirn repeats the answer to a path."""

_HOP = ("content-length", "transfer-encoding", "connection", "content-encoding", "host")
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
    """Hands requests on to Discord, one after the other for each bucket, and waits until a bucket is free.

    What Discord answers is handed on as it is, its 429 as well. The answers of a few paths are repeated for a while,
    with the date that they had.

    Attributes:
        timeout: seconds that Discord has to answer before this answers with 408.
        lost_node: a switch: answer 429 by itself, as while a node of a cluster is gone.
        asked: how many requests came.
        waiting: how many of them Discord has not answered yet.
    """

    def __init__(self, discord: LoopbackDiscord) -> None:
        """Stand in front of a Discord that is served."""
        self.timeout = 5.0
        self.lost_node = False
        self.asked = self.waiting = 0
        self._discord = discord
        self._queues: defaultdict[str, _Queue] = defaultdict(_Queue)
        self._cache: dict[str, _Cached] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve it on a free port; what is yielded is the address for DISCORD_API_BASE."""
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            app = web.Application(client_max_size=1 << 25)
            app.router.add_route("*", "/{path:.*}", self._answer)
            async with _served(app) as port:
                yield f"http://127.0.0.1:{port}/api/v10"

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.lost_node:
            body = {"global": False, "message": "You are being rate limited.", "retry_after": 1}
            told = {"generated-by-proxy": "true", "x-ratelimit-scope": "user", "retry-after": "1"}
            return web.json_response(body, status=429, headers=told)
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
                    response = await self._ask_discord(request)
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

    async def _ask_discord(self, request: web.Request) -> web.Response:
        url = f"http://127.0.0.1:{self._discord.api_endpoint.port}{request.raw_path}"
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        async with self._session.request(
            request.method, URL(url, encoded=True), headers=headers, data=await request.read()
        ) as answer:
            told = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=told)


@dataclass
class _Shard:
    """A shard's own connection to Discord, and what is known from it."""

    socket: aiohttp.ClientWebSocketResponse
    ready: dict[str, Any] = field(default_factory=dict)
    guilds: dict[str, dict[str, Any]] = field(default_factory=dict)
    clients: list[_Client] = field(default_factory=list)


@dataclass
class _Client:
    """A connection of a bot."""

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
    """Holds the shards' sessions with Discord, and gives each bot that identifies READY and all servers at once.

    No session can be resumed with it. What happens while no bot is there is not kept. It knows no compression but zlib,
    which it begins with HELLO if the address asks for it, else after an IDENTIFY that does.

    Attributes:
        url: the address for DISCORD_GATEWAY_URL.
        tells_shards: a switch: it says how many shards it has, as newer releases do.
        names_discord: a switch: READY names Discord's own address for resuming, and its session, as old releases did.
        compressions: what the addresses asked for by which bots connected.
        identified, refused_resumes: how often a bot began a session, or wanted to resume one.
    """

    def __init__(self, discord: LoopbackDiscord, intents: int) -> None:
        """Stand in front of a Discord that is served, as many shards as it recommends."""
        self.url = ""
        self.tells_shards = True
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
                asked = {"token": self._discord.token, "intents": self._intents}
                asked["shard"] = [shard_id, self._discord.gateway.shards]
                await socket.send_json({"op": Op.IDENTIFY, "d": asked})
                listening.append(asyncio.create_task(self._listen(shard)))
            app = web.Application()
            app.router.add_get("/", self._serve)
            app.router.add_get("/shard-count", self._tell_shards)
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
        """Return how many connections of bots are open."""
        return len(self._clients)

    def cut(self) -> None:
        """Cut the connections of all bots, but not those to Discord."""
        for client in list(self._clients):
            client.transport.close()

    async def _listen(self, shard: _Shard) -> None:
        """Follow Discord."""
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

    async def _tell_shards(self, _: web.Request) -> web.Response:
        return web.Response(text=str(len(self._shards))) if self.tells_shards else web.Response(status=400)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        asked = request.query.get("compress")
        self.compressions.add(asked)
        assert request.transport  # noqa: S101 - a connection that is served has one
        client = _Client(socket, request.transport, COMPRESSIONS[asked if asked == "zlib-stream" else None]())
        self._clients.append(client)
        try:
            await client.send({"op": Op.HELLO, "s": None, "t": None, "d": {"heartbeat_interval": 41_250}})
            async for message in socket:
                if message.type is WSMsgType.TEXT and not await self._hear(client, message.json(), asked):
                    break
        finally:
            self._clients.remove(client)
            for shard in self._shards.values():
                shard.clients = [other for other in shard.clients if other is not client]
        return socket

    async def _hear(self, client: _Client, frame: dict[str, Any], compression: str | None) -> bool:
        """Take a frame of a bot; return whether to stay connected."""
        match frame["op"]:
            case Op.HEARTBEAT:
                await client.send({"op": Op.HEARTBEAT_ACK, "d": None})
            case Op.RESUME:
                self.refused_resumes += 1
                await client.send({"op": Op.INVALID_SESSION, "d": False})
            case Op.IDENTIFY:
                asked = frame["d"]
                shard_id, shards = asked["shard"]
                if shards != len(self._shards) or asked["token"] != self._discord.token:
                    return False
                if asked["compress"] and compression != "zlib-stream":
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
