"""What is lost when the gateway fails, as the name of each test says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
import yarl

from benchmarks.gateway import Garbage, LoopbackDiscord, World
from bot import Emobot
from bot.connection.gateway import CLOSE_TIMEOUT, SILENCE_TIMEOUT, Gateway
from bot.server_settings import ServerSettings
from classifiers import Prediction
from tests.bot.faults.support import counted_moods, messages_with_reactions, wait_for_reaction, warnings
from tests.bot.support import StubClassifier, reactions_of
from tests.loopback import Skipper, until


async def test_connection_cut_within_a_frame_loses_no_message(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    loopback.gateway.cut(mid_frame=True)
    message_ids = [await loopback.say("happy", channel) for channel in range(10)]
    await until(lambda: len(messages_with_reactions(loopback)) == 10, skipper)
    assert sorted(messages_with_reactions(loopback)) == message_ids
    assert await counted_moods(running, loopback) == 10
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 1)


async def test_silent_gateway_is_left_within_45_seconds_and_loses_only_stale_reactions(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    assert SILENCE_TIMEOUT < 45
    loopback.gateway.silent = True
    for second in range(20):
        await loopback.say("happy", second)
        skipper.skip(1)
    skipper.skip(SILENCE_TIMEOUT - 20 - 0.5)
    fresh = await loopback.say("happy", 30)
    loopback.gateway.silent = False
    skipper.skip(1)
    await until(lambda: loopback.gateway.resumed)
    await until(lambda: reactions_of(running).outcomes.total() == 21)
    assert messages_with_reactions(loopback) == [fresh]  # at once, though twenty came before it
    assert dict(reactions_of(running).outcomes) == {"stale": 20, "reacted": 1}
    assert await counted_moods(running, loopback) == 21


async def test_gateway_that_does_not_answer_the_close_is_left(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    """As if only what Discord sends came through."""
    del running
    skipper.skip(20)  # after a connection that has lasted, the next one is made at once
    [connection] = loopback.gateway.connections
    connection.transport.pause_reading()  # type: ignore[attr-defined] # a TCP transport, which has it
    await loopback.gateway.request_reconnect()
    await asyncio.sleep(0.01)
    assert not loopback.gateway.resumed
    skipper.skip(CLOSE_TIMEOUT + 0.1)
    async with asyncio.timeout(10):  # discord.py would wait for half a minute
        await until(lambda: loopback.gateway.resumed)
    await wait_for_reaction(loopback)


async def test_session_that_cannot_be_resumed_loses_the_messages_of_the_gap(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    loopback.gateway.refuses_resume = True
    loopback.gateway.cut()
    await until(lambda: not loopback.gateway.connections)
    await loopback.say("happy", 0)
    await until(lambda: loopback.gateway.identified == 2, skipper)
    await wait_for_reaction(loopback)
    assert loopback.gateway.resumed == 0
    assert running.guilds


async def test_server_left_between_two_sessions_is_noticed(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    """Otherwise its data would be kept for as long as the bot runs."""
    *others, left = sorted(guild.id for guild in running.guilds)
    await running.store.save_settings(left, ServerSettings())
    loopback.gateway.refuses_resume = True
    loopback.gateway.cut()
    loopback.world.servers -= 1
    await until(lambda: loopback.gateway.identified == 2, skipper)
    await until(lambda: sorted(guild.id for guild in running.guilds) == others)
    for _ in range(1000):
        if (await running.store.known_guilds())[left]:
            return
    raise AssertionError("The store knows nothing of it.")


async def test_reconnect_request_loses_no_message(running: Emobot, loopback: LoopbackDiscord, skipper: Skipper) -> None:
    await loopback.gateway.request_reconnect()
    message_ids = [await loopback.say("happy", channel) for channel in range(10)]
    await until(lambda: len(messages_with_reactions(loopback)) == 10, skipper)
    assert sorted(messages_with_reactions(loopback)) == message_ids
    assert await counted_moods(running, loopback) == 10
    assert loopback.gateway.identified == 1


@pytest.mark.parametrize("kind", Garbage)
async def test_garbage_frame_loses_no_message_and_is_logged_once(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, caplog: pytest.LogCaptureFixture, kind: Garbage
) -> None:
    await loopback.gateway.send_garbage(kind)
    message_ids = [await loopback.say("happy", channel) for channel in range(10)]
    await until(lambda: len(messages_with_reactions(loopback)) == 10, skipper)
    assert sorted(messages_with_reactions(loopback)) == message_ids
    assert await counted_moods(running, loopback) == 10
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 1)
    [warning] = warnings(caplog)
    assert warning.startswith("Shard 0 got a frame from Discord that cannot be read")


async def test_slow_model_loses_no_count_of_replayed_messages(
    running: Emobot,
    loopback: LoopbackDiscord,
    skipper: Skipper,
    bilstm: StubClassifier,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, prediction_requested, may_continue = bilstm.predict, threading.Event(), threading.Event()

    def predict_later(texts: Sequence[str]) -> list[Prediction]:
        prediction_requested.set()
        may_continue.wait(60)
        return read(texts)

    monkeypatch.setattr(bilstm, "predict", predict_later)
    for channel in range(20):
        await loopback.say("happy", channel, age=20)
    await until(prediction_requested.is_set)
    await asyncio.sleep(0.02)
    skipper.skip(10)
    await asyncio.sleep(0.02)
    may_continue.set()
    await until(lambda: reactions_of(running).outcomes.total() == 20)
    assert dict(reactions_of(running).outcomes) == {"stale": 20}
    assert await counted_moods(running, loopback) == 20


@pytest.mark.parametrize("code", [1000, 1001, 4000, 4002, 4008, 4009])
async def test_connection_closed_by_the_gateway_loses_no_message(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, code: int
) -> None:
    await loopback.gateway.close(code)
    message_ids = [await loopback.say("happy", channel) for channel in range(10)]
    await until(lambda: len(messages_with_reactions(loopback)) == 10, skipper)
    assert sorted(messages_with_reactions(loopback)) == message_ids
    assert await counted_moods(running, loopback) == 10
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 1)


async def test_garbage_at_each_resume_loses_the_messages_of_the_gap_and_begins_one_session(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.gateway.replay = Garbage.NO_JSON
    await loopback.gateway.send_garbage(Garbage.NO_JSON)
    await until(lambda: loopback.gateway.identified == 2, skipper)
    await wait_for_reaction(loopback)
    assert loopback.gateway.resumed == 1
    assert len(warnings(caplog)) == 2
    assert running.guilds


async def test_gateway_outage_of_a_minute_loses_only_stale_reactions_and_no_count(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    await loopback.close_gateway()
    for second in range(60):
        if second % 3 == 0:
            await loopback.say("happy", second // 3)
        skipper.skip(1)
        await asyncio.sleep(0.002)
    await loopback.gateway_endpoint.open()
    await until(lambda: loopback.gateway.connections, skipper)
    fresh = await loopback.say("happy", 30)
    await until(lambda: fresh in messages_with_reactions(loopback))
    await until(lambda: reactions_of(running).outcomes.total() == 21)
    assert await counted_moods(running, loopback) == 21
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 1)


async def test_session_resumes_at_the_default_address_if_its_own_is_gone(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    running.shards[0]._parent.ws.gateway = yarl.URL("ws://127.0.0.1:1")  # a closed port
    loopback.gateway.cut()
    message_ids = [await loopback.say("happy", channel) for channel in range(10)]
    await until(lambda: len(messages_with_reactions(loopback)) == 10, skipper)
    assert sorted(messages_with_reactions(loopback)) == message_ids
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 1)


async def test_gateway_outage_of_ten_minutes_is_retried_once_a_minute_and_loses_no_session(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, caplog: pytest.LogCaptureFixture
) -> None:
    del running
    await loopback.close_gateway()
    for _ in range(200):
        skipper.skip(3)
        await asyncio.sleep(0.002)
    retries = [line for line in caplog.messages if line.startswith("Attempting a reconnect")]
    waits = [float(line.split()[-1].removesuffix("s")) for line in retries]
    assert len(waits) >= 10
    assert max(waits) <= 60
    await loopback.gateway_endpoint.open()
    await until(lambda: loopback.gateway.connections, skipper)
    await wait_for_reaction(loopback, skipper=skipper)


async def test_frequent_cuts_are_resumed_at_once_each_time(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    del running
    for times in range(1, 11):
        skipper.skip(20)
        loopback.gateway.cut()
        await until(lambda times=times: loopback.gateway.resumed == times)  # type: ignore[misc] # it cannot infer `times`
    await wait_for_reaction(loopback)


async def test_sessions_that_end_at_once_are_retried_less_and_less_often(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    """Discord resets the token of a bot that begins a thousand sessions in a day."""
    del running
    began = loopback.gateway.identified
    loopback.gateway.refuses_resume = True
    for _ in range(600):
        loopback.gateway.cut()
        skipper.skip(1)
        await asyncio.sleep(0.002)
    assert loopback.gateway.identified - began <= 8  # 6 or 7, and 9 or more without the growing pauses
    loopback.gateway.refuses_resume = False
    await wait_for_reaction(loopback, skipper=skipper)


async def test_bot_closed_while_connecting_leaves_no_connection(
    bot: Emobot, loopback: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Gateway] = []
    connect = Gateway.from_client

    async def close_meanwhile(client: Any, **options: Any) -> Any:
        made.append(await connect(client, **options))
        await bot.close()
        return made[0]

    monkeypatch.setattr(Gateway, "from_client", close_meanwhile)
    async with bot:
        await bot.start(loopback.token)
    [gateway] = made
    assert not gateway.open
    assert gateway._keep_alive is None  # nor does it send heartbeats


def connected_shards(loopback: LoopbackDiscord) -> set[int]:
    """Return the shards whose sessions continue; on a busy machine each may have connected more than once."""
    return {connection.session.shard for connection in loopback.gateway.connections if connection.session}


class TestShards:
    """Forty servers, ten for each of four shards."""

    @pytest.fixture
    def world(self) -> World:
        return World(servers=40)

    @pytest.fixture
    def loopback_options(self) -> dict[str, Any]:
        return {"shards": 4}

    async def test_shard_that_cannot_connect_does_not_block_the_others(
        self, running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect, may_fail = Gateway.from_client, asyncio.Event()

        async def fail(client: Any, **options: Any) -> Any:
            if options["shard_id"] == 0:
                await may_fail.wait()
                raise OSError("no route to host")
            return await connect(client, **options)

        monkeypatch.setattr(Gateway, "from_client", fail)
        loopback.gateway.cut()
        await until(lambda: loopback.gateway.resumed >= 3 and connected_shards(loopback) == {1, 2, 3}, skipper)
        monkeypatch.setattr(Gateway, "from_client", connect)
        may_fail.set()
        await until(lambda: connected_shards(loopback) == {0, 1, 2, 3}, skipper)
        assert len(running.shards) == 4
        assert loopback.gateway.identified == 4

    async def test_shards_whose_sessions_end_together_begin_new_ones_in_turn(
        self, running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
    ) -> None:
        await loopback.gateway.invalidate(resumable=False)
        await until(lambda: loopback.gateway.identified == 8, skipper)
        assert loopback.gateway.early_identifies == 0
        assert len(running.shards) == 4
