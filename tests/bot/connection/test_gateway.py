from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from bot.connection.gateway import FRAMES_PER_TURN, Gateway, Heartbeats, Shard

[DISCORDS_SHARD] = Shard.__bases__


class Socket:
    """The part of a discord.py connection that a shard uses to close it."""

    shard_id = 0

    def __init__(self) -> None:
        self.open = True

    async def close(self, code: int) -> None:
        del code
        self.open = False

    async def poll_event(self) -> None:
        await asyncio.sleep(3600)


class Client:
    """The part of a bot that a shard uses."""

    def __init__(self) -> None:
        self.closed = False
        self._reconnect = True
        self.loop = asyncio.get_running_loop()

    def is_closed(self) -> bool:
        return self.closed

    def dispatch(self, *_: object) -> None:
        pass


@pytest.fixture
async def client() -> Client:
    return Client()


@pytest.fixture
async def shard(client: Client) -> Shard:
    arguments: Any = Socket(), client, lambda _: None
    return Shard(*arguments)


async def test_closing_a_connecting_shard_waits_and_closes_the_new_connection(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to Python 3.11, discord.py's `wait_for` loses a cancellation that arrives just as the connection is made."""

    async def connect_and_lose(self: Any) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(0.001)
        self.ws = Socket()
        self.launch()

    monkeypatch.setattr(DISCORDS_SHARD, "reconnect", connect_and_lose)
    before = shard.ws
    await shard.reconnect()
    await asyncio.sleep(0)
    await shard.close()
    assert shard.ws is not before
    assert not shard.ws.open


@pytest.mark.parametrize("how", ["reconnect", "reidentify"])
async def test_shard_of_a_closed_bot_does_not_reconnect(
    shard: Shard, client: Client, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """discord.py may still be handling a failed connection when the bot is closed."""
    began: list[str] = []

    async def connect(*_: object) -> None:
        began.append(how)

    monkeypatch.setattr(DISCORDS_SHARD, how, connect)
    client.closed = True
    await (shard.reconnect() if how == "reconnect" else shard.reidentify(ReconnectWebSocket(0)))
    await asyncio.sleep(0)
    assert began == []
    assert shard._connecting is None


async def test_messages_are_handled_before_many_more_are_received(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[int] = []
    tasks: set[asyncio.Task[None]] = set()

    async def handle(number: int) -> None:
        waiting.remove(number)

    async def read_without_waiting(_: DiscordWebSocket) -> None:
        waiting.append(len(tasks))
        tasks.add(asyncio.create_task(handle(len(tasks))))

    monkeypatch.setattr(DiscordWebSocket, "poll_event", read_without_waiting)
    socket: Any = Socket()
    gateway = Gateway(socket, loop=asyncio.get_running_loop())
    most = 0
    for _ in range(200):
        await gateway.poll_event()
        most = max(most, len(waiting))
    assert most < FRAMES_PER_TURN
    await asyncio.gather(*tasks)


def test_heartbeat_acknowledged_before_it_is_noted_is_not_counted_as_late(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With a quick connection on a busy computer, discord.py warned of a latency of 20 seconds."""
    connection: Any = SimpleNamespace(thread_id=0, _max_heartbeat_timeout=60.0, HEARTBEAT=1, sequence=7)
    heartbeats = Heartbeats(ws=connection, interval=41.25, shard_id=0)
    heartbeats._last_send -= 20.6
    assert heartbeats.get_payload() == {"op": 1, "d": 7}
    heartbeats.ack()
    assert heartbeats.latency < 10
    assert caplog.messages == []
