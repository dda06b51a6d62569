"""The gateway of the loopback Discord answers bots that break its rules as Discord does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from benchmarks.gateway import Garbage, LoopbackDiscord, World
from benchmarks.gateway.protocol import MESSAGE_CONTENT, REPLAY_LIMIT, SEND_LIMIT, Session

GUILDS, GUILD_MESSAGES = 1 << 0, 1 << 9
HEARTBEAT, IDENTIFY, RESUME, INVALID_SESSION, ACKNOWLEDGED = 1, 2, 6, 9, 11


class Shard:
    """A bare connection of a bot, which sends what a test wants."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self.token = token

    async def send(self, op: int, **data: Any) -> None:
        await self.socket.send_str(json.dumps({"op": op, "d": {"token": self.token, **data}}))

    async def identify(self, intents: int = GUILDS | GUILD_MESSAGES | MESSAGE_CONTENT, **data: Any) -> None:
        await self.send(IDENTIFY, intents=intents, **data)

    async def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await self.socket.receive_str(timeout=10))
        return frame

    async def receive_event(self, event: str) -> dict[str, Any]:
        while (frame := await self.receive()).get("t") != event:
            pass
        data: dict[str, Any] = frame["d"]
        return data

    async def close_code(self) -> int | None:
        while not self.socket.closed:
            await self.socket.receive(timeout=10)
        return self.socket.close_code


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def connect(loopback: LoopbackDiscord, session: aiohttp.ClientSession) -> Shard:
    """Return a connection that has received the hello."""
    shard = Shard(await session.ws_connect(f"{loopback.gateway.url}/?v=10&encoding=json"), loopback.token)
    assert (await shard.receive())["d"] == {"heartbeat_interval": 41250}
    return shard


@pytest.fixture
async def shard(loopback: LoopbackDiscord, session: aiohttp.ClientSession) -> Shard:
    return await connect(loopback, session)


async def test_other_api_version_is_closed_with_4012(loopback: LoopbackDiscord, session: aiohttp.ClientSession) -> None:
    socket = await session.ws_connect(f"{loopback.gateway.url}/?v=9&encoding=json")
    assert await Shard(socket, "").close_code() == 4012


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"token": "another"}, 4004),
        ({"shard": [2, 2]}, 4010),
    ],
)
async def test_invalid_identify_is_closed_with_the_code_of_its_mistake(
    shard: Shard, data: dict[str, Any], code: int
) -> None:
    await shard.identify(**data)
    assert await shard.close_code() == code


async def test_message_content_intent_that_is_not_enabled_is_closed_with_4014(shard: Shard, world: World) -> None:
    world.application_flags = 0
    await shard.identify()
    assert await shard.close_code() == 4014


async def test_messages_are_empty_without_the_message_content_intent(loopback: LoopbackDiscord, shard: Shard) -> None:
    await shard.identify(GUILDS | GUILD_MESSAGES)
    await shard.receive_event("GUILD_CREATE")
    await loopback.say("secret")
    assert (await shard.receive_event("MESSAGE_CREATE"))["content"] == ""


async def test_messages_are_not_sent_without_the_messages_intent(loopback: LoopbackDiscord, shard: Shard) -> None:
    await shard.identify(GUILDS)
    await shard.receive_event("GUILD_CREATE")
    message_id = await loopback.say("hello")
    await loopback.react(message_id, "👋")
    await shard.send(HEARTBEAT)
    assert await shard.receive() == {"op": ACKNOWLEDGED}


async def test_second_or_missing_identify_closes_the_connection(
    loopback: LoopbackDiscord, session: aiohttp.ClientSession, shard: Shard
) -> None:
    await shard.identify()
    await shard.identify()
    assert await shard.close_code() == 4005
    silent = await connect(loopback, session)
    await silent.send(3)
    assert await silent.close_code() == 4003


async def test_too_many_frames_close_the_connection(shard: Shard) -> None:
    for _ in range(SEND_LIMIT):
        await shard.send(HEARTBEAT)
    for _ in range(SEND_LIMIT):
        assert await shard.receive() == {"op": ACKNOWLEDGED}
    await shard.send(HEARTBEAT)
    assert await shard.close_code() == 4008


async def test_missing_heartbeat_closes_the_connection(
    loopback: LoopbackDiscord, session: aiohttp.ClientSession
) -> None:
    loopback.gateway.heartbeat_interval = 0.02
    shard = Shard(await session.ws_connect(f"{loopback.gateway.url}/?v=10&encoding=json"), loopback.token)
    assert await shard.close_code() == 4009


async def resumed(
    loopback: LoopbackDiscord, session: aiohttp.ClientSession, shard: Shard, **data: Any
) -> dict[str, Any]:
    """Return the first frame after a cut connection resumed a session, its own by default."""
    await shard.identify()
    ready = await shard.receive_event("READY")
    await shard.receive_event("GUILD_CREATE")
    loopback.gateway.cut()
    again = await connect(loopback, session)
    await again.send(RESUME, **{"session_id": ready["session_id"], "seq": 2, **data})
    return await again.receive()


async def test_resume_replays_the_missed_events(
    loopback: LoopbackDiscord, session: aiohttp.ClientSession, shard: Shard
) -> None:
    assert (await resumed(loopback, session, shard, seq=1))["t"] == "GUILD_CREATE"
    assert loopback.gateway.resumed == 1


async def test_resuming_an_unknown_session_returns_invalid_session(
    loopback: LoopbackDiscord, session: aiohttp.ClientSession, shard: Shard
) -> None:
    assert await resumed(loopback, session, shard, session_id="another") == {"op": INVALID_SESSION, "d": False}


async def test_close_code_1000_ends_the_session(
    loopback: LoopbackDiscord, session: aiohttp.ClientSession, shard: Shard
) -> None:
    await shard.identify()
    ready = await shard.receive_event("READY")
    await shard.socket.close(code=1000)
    again = await connect(loopback, session)
    await again.send(RESUME, session_id=ready["session_id"], seq=1)
    assert (await again.receive())["op"] == INVALID_SESSION


def test_session_keeps_a_limited_number_of_events_for_replay() -> None:
    session = Session("session", shard=0, shards=1, intents=0)
    for _ in range(REPLAY_LIMIT + 1):
        session.add("RESUMED", "{}")
    assert session.after(REPLAY_LIMIT) == ['{"op":0,"s":10001,"t":"RESUMED","d":{}}']
    assert len(session.after(1) or []) == REPLAY_LIMIT
    assert session.after(0) is None


async def test_silent_gateway_sends_nothing_but_replays_it_after_a_resume(
    loopback: LoopbackDiscord, session: aiohttp.ClientSession, shard: Shard
) -> None:
    await shard.identify()
    ready = await shard.receive_event("READY")
    await shard.receive_event("GUILD_CREATE")
    loopback.gateway.silent = True
    await shard.send(HEARTBEAT)
    await loopback.say("hello")
    with pytest.raises(TimeoutError):
        await shard.socket.receive(timeout=0.05)
    loopback.gateway.silent = False
    again = await connect(loopback, session)
    await again.send(RESUME, session_id=ready["session_id"], seq=2)
    assert (await again.receive_event("MESSAGE_CREATE"))["content"] == "hello"


async def test_closed_gateway_refuses_connections_until_it_is_opened(
    loopback: LoopbackDiscord, session: aiohttp.ClientSession, shard: Shard
) -> None:
    await loopback.close_gateway()
    assert await shard.close_code() == 1006
    with pytest.raises(aiohttp.ClientConnectorError):
        await connect(loopback, session)
    await loopback.gateway_endpoint.open()
    assert await connect(loopback, session)


@pytest.mark.parametrize("kind", Garbage)
async def test_each_kind_of_garbage_is_unreadable_in_its_way(
    loopback: LoopbackDiscord, shard: Shard, kind: Garbage
) -> None:
    await shard.identify()
    await shard.receive_event("GUILD_CREATE")
    await loopback.gateway.send_garbage(kind)
    message = await shard.socket.receive(timeout=10)
    match kind:
        case Garbage.NO_STREAM:
            assert message.type is aiohttp.WSMsgType.BINARY
        case Garbage.NO_JSON:
            with pytest.raises(ValueError, match="Expecting value"):
                json.loads(message.data)
        case Garbage.NO_OBJECT:
            assert json.loads(message.data) == []
        case Garbage.NO_MESSAGE:
            assert json.loads(message.data)["d"] == {"id": "no number"}
