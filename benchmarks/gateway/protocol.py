"""Serve the gateway: sessions of shards, their events, and the protocol that a bot must follow.

A session outlives its connection: a bot that reconnects in time can resume it, and gets the events that it missed.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from benchmarks.gateway.compression import COMPRESSIONS, Compress
from benchmarks.gateway.faults import UNREADABLE, Garbage
from benchmarks.gateway.world import CONTENT_INTENT_GRANTED, World

REPLAY_LIMIT = 10_000
"""The number of events that are kept for a session to resume; if it missed more, the bot must begin a new one."""

SEND_LIMIT, SEND_WINDOW = 120, 60.0
"""The number of frames that a bot may send, and the seconds within which it may."""

IDENTIFY_INTERVAL = 5.0
"""Seconds that must pass between two shards identifying, if they are equal modulo `max_concurrency`."""


class Op(IntEnum):
    """The opcode of a frame."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE_UPDATE = 3
    RESUME = 6
    RECONNECT = 7
    REQUEST_GUILD_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class CloseCode(IntEnum):
    """The code with which the gateway closes a connection."""

    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQUENCE = 4007
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    INVALID_API_VERSION = 4012
    DISALLOWED_INTENTS = 4014


MESSAGE_CONTENT = 1 << 15

_GUILDS, _GUILD_MESSAGES, _DIRECT_MESSAGES = 1 << 0, 1 << 9, 1 << 12
_GUILD_REACTIONS, _DIRECT_REACTIONS = 1 << 10, 1 << 13
_INTENTS = {
    "MESSAGE_REACTION_": (_GUILD_REACTIONS, _DIRECT_REACTIONS),
    "MESSAGE_": (_GUILD_MESSAGES, _DIRECT_MESSAGES),
    "GUILD_": (_GUILDS, 0),
    "CHANNEL_": (_GUILDS, 0),
}
"""The intents that a session needs for events whose names begin like this: in servers, and in direct messages."""


@dataclass
class Session:
    """A session of one shard.

    Attributes:
        id: with which the bot resumes it.
        shard: the number of the shard.
        shards: how many shards the bot has.
        intents: those that the bot requested.
        sequence: the number of the last event.
        connection: None while the bot is not connected.
    """

    id: str
    shard: int
    shards: int
    intents: int
    sequence: int = 0
    connection: Connection | None = None
    _events: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=REPLAY_LIMIT))

    def receives(self, event: str, guild_id: int | None) -> bool:
        """Return whether the session receives an event of a server, or of direct messages if `guild_id` is None."""
        if self.shard != (0 if guild_id is None else (guild_id >> 22) % self.shards):
            return False
        needed = next((intents for prefix, intents in _INTENTS.items() if event.startswith(prefix)), None)
        return needed is None or bool(self.intents & needed[guild_id is None])

    def add(self, event: str, data: str) -> str:
        """Give an event the next number, keep it for a resumption, and return its frame."""
        self.sequence += 1
        frame = f'{{"op":0,"s":{self.sequence},"t":"{event}","d":{data}}}'
        self._events.append((self.sequence, frame))
        return frame

    def after(self, sequence: int) -> list[str] | None:
        """Return the frames of all later events, or None if some are no longer kept."""
        missed = [frame for number, frame in self._events if number > sequence]
        return missed if len(missed) == self.sequence - sequence else None


@dataclass(eq=False)
class Connection:
    """A bot's connection to the gateway.

    Attributes:
        socket: the websocket.
        transport: below the websocket, to break the connection.
        compress: compresses the frames that are sent.
        session: None until the bot has identified or resumed.
        frame_times: when the newest frames arrived, by the event loop's clock, for the limit on frames.
        heartbeats: when heartbeats arrived, by `time.monotonic`.
        closed: whether the gateway has closed it; if so, its session can be resumed, whatever the bot answers.
    """

    socket: web.WebSocketResponse
    transport: asyncio.WriteTransport
    compress: Compress
    session: Session | None = None
    frame_times: deque[float] = field(default_factory=lambda: deque(maxlen=SEND_LIMIT + 1))
    heartbeats: list[float] = field(default_factory=list)
    closed: bool = False

    async def close(self, code: int) -> None:
        """Close the connection with a code."""
        self.closed = True
        await self.socket.close(code=code)


class Gateway:
    """Discord's gateway over a websocket.

    Attributes:
        url: its address, set by the server that serves it.
        shards: how many shards it recommends.
        max_concurrency: how many shards may identify at once.
        heartbeat_interval: seconds between two heartbeats of a bot.
        sessions: all that can be resumed, by id.
        connections: all that are open.
        identified, resumed: how often a session was begun, and resumed.
        early_identifies: how often a shard identified too soon after another, and was told to try again.
        events: how many events of each name were sent to all sessions together.
        starts_left: how many more sessions may be begun today.
        silent: set to send nothing any more.
        refuses_resume: set to refuse to resume sessions.
        close_code: set to close connections with this code when a bot identifies.
        replay: set to send a session that resumes a broken frame instead of the events it missed.
    """

    def __init__(self, world: World, token: str, clock: Callable[[], float], shards: int, max_concurrency: int) -> None:
        self.url = ""
        self.shards = shards
        self.max_concurrency = max_concurrency
        self.heartbeat_interval = 41.25
        self.sessions: dict[str, Session] = {}
        self.connections: list[Connection] = []
        self.identified = self.resumed = self.early_identifies = 0
        self.events: Counter[str] = Counter()
        self.starts_left = 1000
        self.silent = False
        self.refuses_resume = False
        self.close_code: int | None = None
        self.replay: Garbage | None = None
        self._world = world
        self._token = token
        self._clock = clock
        self._numbers = itertools.count(1)
        self._identified_at: dict[int, float] = {}

    # ------------------------------------------------------------ events and faults

    async def dispatch(
        self, event: str, data: str, guild_id: int | None, without_content: Callable[[], str] | None = None
    ) -> None:
        """Send an event to all sessions that receive it, connected or not.

        Args:
            event: its name.
            data: as JSON.
            guild_id: the server, or None for direct messages and events that belong to no server.
            without_content: returns the data for sessions without the message content intent; None for the same data.
        """
        for session in list(self.sessions.values()):
            if session.receives(event, guild_id):
                shown = data if without_content is None or session.intents & MESSAGE_CONTENT else without_content()
                await self._dispatch(session, event, shown)

    async def request_reconnect(self) -> None:
        """Ask all bots to reconnect."""
        await self._send_all(json.dumps({"op": Op.RECONNECT, "d": None}))

    async def invalidate(self, *, resumable: bool) -> None:
        """Tell all bots that their sessions are invalid, and whether they can be resumed."""
        if not resumable:
            self.sessions.clear()
        await self._send_all(json.dumps({"op": Op.INVALID_SESSION, "d": resumable}))

    async def send_garbage(self, kind: Garbage) -> None:
        """Send all bots a broken frame."""
        for connection in list(self.connections):
            await self._send_garbage(connection, kind)

    def cut(self, *, mid_frame: bool = False) -> None:
        """Break all connections without a closing handshake, or even in the middle of a frame."""
        for connection in list(self.connections):
            if mid_frame:
                connection.transport.write(b"\x82\x7e\x10\x00" + b"\x00" * 100)  # 100 of a frame's 4,096 bytes
            connection.transport.close()

    async def close(self, code: int) -> None:
        """Close all connections with a code."""
        for connection in list(self.connections):
            await connection.close(code)

    # ------------------------------------------------------------ connections

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve a connection until either side closes it."""
        socket = web.WebSocketResponse(max_msg_size=1 << 16, compress=False)
        await socket.prepare(request)
        if request.query.get("v") != "10" or request.query.get("encoding") != "json":
            await socket.close(code=CloseCode.INVALID_API_VERSION)
            return socket
        assert isinstance(request.transport, asyncio.WriteTransport)  # noqa: S101 - a connection that is served has one
        connection = Connection(socket, request.transport, COMPRESSIONS[request.query.get("compress")]())
        self.connections.append(connection)
        try:
            await self._serve(connection)
        finally:
            self.connections.remove(connection)
            if connection.session and connection.session.connection is connection:
                connection.session.connection = None
                if not connection.closed and socket.close_code in (WSCloseCode.OK, WSCloseCode.GOING_AWAY):
                    self.sessions.pop(connection.session.id, None)
        return socket

    async def _serve(self, connection: Connection) -> None:
        hello = {"heartbeat_interval": round(self.heartbeat_interval * 1000)}
        await self._send(connection, json.dumps({"op": Op.HELLO, "s": None, "t": None, "d": hello}))
        heartbeat_check = asyncio.create_task(self._check_heartbeats(connection))
        try:
            async for message in connection.socket:
                if message.type is not WSMsgType.TEXT:
                    await connection.close(CloseCode.DECODE_ERROR)
                    return
                if code := await self._handle_frame(connection, message.json()):
                    await connection.close(code)
                    return
        finally:
            heartbeat_check.cancel()

    async def _check_heartbeats(self, connection: Connection) -> None:
        """Close the connection once the bot sends no more heartbeats, unless the gateway itself is silent."""
        last = time.monotonic()  # not the event loop's clock, since discord.py sends heartbeats from a thread
        while self.silent or time.monotonic() - last < 1.5 * self.heartbeat_interval:
            await asyncio.sleep(self.heartbeat_interval / 4)
            last = connection.heartbeats[-1] if connection.heartbeats else last
        await connection.close(CloseCode.SESSION_TIMED_OUT)

    async def _handle_frame(self, connection: Connection, frame: dict[str, Any]) -> int | None:  # noqa: PLR0911 - one for each op
        """Handle a frame from a bot; return the code to close the connection with, or None to keep it open."""
        now = self._clock()
        connection.frame_times.append(now)
        if len(connection.frame_times) > SEND_LIMIT and connection.frame_times[0] > now - SEND_WINDOW:
            return CloseCode.RATE_LIMITED
        match frame.get("op"):
            case Op.HEARTBEAT:
                connection.heartbeats.append(time.monotonic())
                await self._send(connection, json.dumps({"op": Op.HEARTBEAT_ACK}))
            case Op.IDENTIFY | Op.RESUME if connection.session:
                return CloseCode.ALREADY_AUTHENTICATED
            case Op.IDENTIFY:
                return await self._identify(connection, frame["d"])
            case Op.RESUME:
                return await self._resume(connection, frame["d"])
            case _ if connection.session is None:
                return CloseCode.NOT_AUTHENTICATED
            case Op.PRESENCE_UPDATE | Op.REQUEST_GUILD_MEMBERS:
                pass
            case _:
                return CloseCode.DECODE_ERROR
        return None

    async def _identify(self, connection: Connection, data: dict[str, Any]) -> int | None:
        shard, shards = data.get("shard", [0, 1])
        if code := self.close_code or self._refusal_code(data["token"], data["intents"], shard, shards):
            return code
        turn, now = shard % self.max_concurrency, self._clock()
        if now - self._identified_at.get(turn, -IDENTIFY_INTERVAL) < IDENTIFY_INTERVAL:
            self.early_identifies += 1
            await self._send(connection, json.dumps({"op": Op.INVALID_SESSION, "d": False}))
            return None
        self._identified_at[turn] = now
        self.identified += 1
        self.starts_left -= 1
        session = Session(f"session-{next(self._numbers)}", shard, shards, data["intents"], connection=connection)
        self.sessions[session.id] = connection.session = session
        guild_ids = [guild_id for guild_id in self._world.guild_ids() if session.receives("GUILD_CREATE", guild_id)]
        ready = {
            "v": 10,
            "user": self._world.bot.payload(),
            "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in guild_ids],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": [shard, shards],
            "application": {"id": str(self._world.application_id), "flags": self._world.application_flags},
            "private_channels": [],
        }
        await self._dispatch(session, "READY", json.dumps(ready))
        for guild_id in guild_ids:
            await self._dispatch(session, "GUILD_CREATE", json.dumps(self._world.guild_payload(guild_id)))
        return None

    def _refusal_code(self, token: str, intents: int, shard: int, shards: int) -> int | None:
        """Return the code to refuse a new session with, or None if the bot may begin one."""
        if token != self._token:
            return CloseCode.AUTHENTICATION_FAILED
        if not 0 <= shard < shards:
            return CloseCode.INVALID_SHARD
        if intents & MESSAGE_CONTENT and not self._world.application_flags & CONTENT_INTENT_GRANTED:
            return CloseCode.DISALLOWED_INTENTS
        return None

    async def _resume(self, connection: Connection, data: dict[str, Any]) -> int | None:
        if data["token"] != self._token:
            return CloseCode.AUTHENTICATION_FAILED
        session = self.sessions.get(data["session_id"])
        if session and data["seq"] > session.sequence:
            return CloseCode.INVALID_SEQUENCE
        missed = session.after(data["seq"]) if session else None
        if session is None or missed is None or self.refuses_resume:
            self.sessions.pop(data["session_id"], None)
            await self._send(connection, json.dumps({"op": Op.INVALID_SESSION, "d": False}))
            return None
        if session.connection:  # the bot has abandoned it, even if the gateway has not noticed yet
            session.connection.session = None
            session.connection.transport.close()
        self.resumed += 1
        connection.session, session.connection = session, connection
        if self.replay:
            await self._send_garbage(connection, self.replay)
            return None
        for frame in missed:
            await self._send(connection, frame)
        await self._dispatch(session, "RESUMED", "{}")
        return None

    # ------------------------------------------------------------ sending

    async def _dispatch(self, session: Session, event: str, data: str) -> None:
        self.events[event] += 1
        frame = session.add(event, data)
        if session.connection:
            await self._send(session.connection, frame)

    async def _send_all(self, frame: str) -> None:
        for connection in list(self.connections):
            await self._send(connection, frame)

    async def _send_garbage(self, connection: Connection, kind: Garbage) -> None:
        frame = UNREADABLE.get(kind)
        if isinstance(frame, bytes):
            await connection.socket.send_bytes(frame)
        elif frame is not None:
            await self._send(connection, frame)
        elif connection.session:
            await self._dispatch(connection.session, "MESSAGE_CREATE", '{"id": "no number"}')

    async def _send(self, connection: Connection, text: str) -> None:
        """Compress and send a frame, unless the connection is lost or the gateway is silent."""
        if self.silent or connection.socket.closed or connection.transport.is_closing():
            return
        frame = connection.compress(text)  # no await before it is sent: frames of a stream must stay in order
        try:
            if isinstance(frame, str):
                await connection.socket.send_str(frame)
            else:
                await connection.socket.send_bytes(frame)
        except ConnectionError:
            return  # the connection was just lost; the session keeps the event
