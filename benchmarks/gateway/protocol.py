"""The gateway: sessions of shards, their events, and what a bot may say in which order.

A session outlives its connection, so a bot that connects again in time resumes it and gets the events that it missed.
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

MOST_REPLAYED = 10_000
"""Events that are kept for a session that resumes; if it missed more, it has to begin anew."""

MOST_SENT, SENT_WITHIN = 120, 60.0
"""Frames that a bot may send, and the seconds for them."""

IDENTIFIES_EVERY = 5.0
"""Seconds between two shards that identify with the same remainder of `max_concurrency`."""


class Op(IntEnum):
    """What a frame is about."""

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
    """Why the gateway closes a connection."""

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
"""The intents that a session needs for events whose names begin so: in a server, and in direct messages."""


@dataclass
class Session:
    """A session of one shard.

    Attributes:
        id: by which the bot resumes it.
        shard: its number.
        shards: how many there are.
        intents: what the bot asked to hear of.
        sequence: the number of its last event.
        connection: None while the bot is not connected.
    """

    id: str
    shard: int
    shards: int
    intents: int
    sequence: int = 0
    connection: Connection | None = None
    _events: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=MOST_REPLAYED))

    def hears(self, event: str, guild_id: int | None) -> bool:
        """Return whether the session gets an event of a server, or of direct messages if there is none."""
        if self.shard != (0 if guild_id is None else (guild_id >> 22) % self.shards):
            return False
        needed = next((intents for prefix, intents in _INTENTS.items() if event.startswith(prefix)), None)
        return needed is None or bool(self.intents & needed[guild_id is None])

    def add(self, event: str, data: str) -> str:
        """Number an event, remember it, and return its frame."""
        self.sequence += 1
        frame = f'{{"op":0,"s":{self.sequence},"t":"{event}","d":{data}}}'
        self._events.append((self.sequence, frame))
        return frame

    def after(self, sequence: int) -> list[str] | None:
        """Return the frames of all later events, None if they are not all kept."""
        missed = [frame for number, frame in self._events if number > sequence]
        return missed if len(missed) == self.sequence - sequence else None


@dataclass(eq=False)
class Connection:
    """One connection of a bot.

    Attributes:
        socket: what it is sent through.
        compress: the stream.
        session: None until the bot has identified or resumed.
        heard: when frames came, by the event loop's clock, as far as the limit needs to know.
        heartbeats: when heartbeats came, in monotonic seconds of this computer.
        ended: whether the gateway has ended it, so that its session goes on whatever the bot says to that.
    """

    socket: web.WebSocketResponse
    transport: asyncio.WriteTransport
    compress: Compress
    session: Session | None = None
    heard: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_SENT + 1))
    heartbeats: list[float] = field(default_factory=list)
    ended: bool = False

    async def end(self, code: int) -> None:
        """Close it with a code."""
        self.ended = True
        await self.socket.close(code=code)


class Gateway:
    """Discord's gateway over a websocket.

    Attributes:
        url: where it is; set by whoever serves it.
        shards: how many shards it recommends.
        max_concurrency: how many shards may identify at once.
        heartbeat_interval: seconds in which a bot has to send a heartbeat.
        sessions: all that may be resumed, by id.
        connections: those that are open.
        identified, resumed: how often a session was begun or gone on with.
        hasty_identifies: how often a shard identified too soon after another one, and was told to try again.
        events: how many events of each name were sent, to all sessions together.
        starts_left: how many sessions may still be begun today.
        silent: a switch: nothing is sent any more, whatever happens.
        refuses_resume: a switch: no session can be resumed.
        close_code: a switch: with this code it closes, in place of letting a bot in.
        replay: a switch: a frame that cannot be read is all that a session is sent that resumes.
    """

    def __init__(self, world: World, token: str, clock: Callable[[], float], shards: int, max_concurrency: int) -> None:
        self.url = ""
        self.shards = shards
        self.max_concurrency = max_concurrency
        self.heartbeat_interval = 41.25
        self.sessions: dict[str, Session] = {}
        self.connections: list[Connection] = []
        self.identified = self.resumed = self.hasty_identifies = 0
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

    # ------------------------------------------------------------ what happens

    async def dispatch(
        self, event: str, data: str, guild_id: int | None, without_content: Callable[[], str] | None = None
    ) -> None:
        """Send an event to whoever hears of it, and remember it for those that resume.

        Args:
            event: its name.
            data: in JSON.
            guild_id: the server it happens in, None for direct messages and what is about no server.
            without_content: returns what sessions get without the intent for the content of messages; the same if None.
        """
        for session in list(self.sessions.values()):
            if session.hears(event, guild_id):
                shown = data if without_content is None or session.intents & MESSAGE_CONTENT else without_content()
                await self._dispatch(session, event, shown)

    async def request_reconnect(self) -> None:
        """Ask all bots to connect again."""
        await self._send_all(json.dumps({"op": Op.RECONNECT, "d": None}))

    async def invalidate(self, *, resumable: bool) -> None:
        """Tell all bots that their sessions have become invalid; it may be that they can be resumed."""
        if not resumable:
            self.sessions.clear()
        await self._send_all(json.dumps({"op": Op.INVALID_SESSION, "d": resumable}))

    async def send_garbage(self, kind: Garbage) -> None:
        """Send all bots a frame that cannot be read."""
        for connection in list(self.connections):
            await self._send_garbage(connection, kind)

    def cut(self, *, mid_frame: bool = False) -> None:
        """Cut all connections without a word, or in the middle of a frame."""
        for connection in list(self.connections):
            if mid_frame:
                connection.transport.write(b"\x82\x7e\x10\x00" + b"\x00" * 100)  # 100 of a frame's 4,096 bytes
            connection.transport.close()

    async def close(self, code: int) -> None:
        """Close all connections with a code."""
        for connection in list(self.connections):
            await connection.end(code=code)

    # ------------------------------------------------------------ a connection

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve a connection until either side ends it."""
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
                if not connection.ended and socket.close_code in (WSCloseCode.OK, WSCloseCode.GOING_AWAY):
                    self.sessions.pop(connection.session.id, None)
        return socket

    async def _serve(self, connection: Connection) -> None:
        hello = {"heartbeat_interval": round(self.heartbeat_interval * 1000)}
        await self._send(connection, json.dumps({"op": Op.HELLO, "s": None, "t": None, "d": hello}))
        watch = asyncio.create_task(self._watch(connection))
        try:
            async for message in connection.socket:
                if message.type is not WSMsgType.TEXT:
                    await connection.end(code=CloseCode.DECODE_ERROR)
                    return
                if code := await self._hear(connection, message.json()):
                    await connection.end(code=code)
                    return
        finally:
            watch.cancel()

    async def _watch(self, connection: Connection) -> None:
        """Close the connection of a bot that sends no heartbeats, unless the gateway is silent itself."""
        last = time.monotonic()  # discord.py sends heartbeats from a thread, which knows no other time
        while self.silent or time.monotonic() - last < 1.5 * self.heartbeat_interval:
            await asyncio.sleep(self.heartbeat_interval / 4)
            last = connection.heartbeats[-1] if connection.heartbeats else last
        await connection.end(code=CloseCode.SESSION_TIMED_OUT)

    async def _hear(self, connection: Connection, frame: dict[str, Any]) -> int | None:  # noqa: PLR0911 - one for each op
        """Take a frame of a bot; return the code to close the connection with if it must not be sent."""
        now = self._clock()
        connection.heard.append(now)
        if len(connection.heard) > MOST_SENT and connection.heard[0] > now - SENT_WITHIN:
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
        if code := self.close_code or self._why_not(data["token"], data["intents"], shard, shards):
            return code
        turn, now = shard % self.max_concurrency, self._clock()
        if now - self._identified_at.get(turn, -IDENTIFIES_EVERY) < IDENTIFIES_EVERY:
            self.hasty_identifies += 1
            await self._send(connection, json.dumps({"op": Op.INVALID_SESSION, "d": False}))
            return None
        self._identified_at[turn] = now
        self.identified += 1
        self.starts_left -= 1
        session = Session(f"session-{next(self._numbers)}", shard, shards, data["intents"], connection=connection)
        self.sessions[session.id] = connection.session = session
        guild_ids = [guild_id for guild_id in self._world.guild_ids() if session.hears("GUILD_CREATE", guild_id)]
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

    def _why_not(self, token: str, intents: int, shard: int, shards: int) -> int | None:
        """Return the code for a bot that may not begin a session, None if it may."""
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
        if session.connection:  # the bot has given it up, even if nobody has noticed yet
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
        """Send a frame through the stream of a connection, unless it is lost or the gateway is silent."""
        if self.silent or connection.socket.closed or connection.transport.is_closing():
            return
        frame = connection.compress(text)  # nothing may come between this and sending it: the stream has an order
        try:
            if isinstance(frame, str):
                await connection.socket.send_str(frame)
            else:
                await connection.socket.send_bytes(frame)
        except ConnectionError:
            return  # it was lost at this moment; its session keeps the event
