"""What is lost when the gateway fails. Each name says it."""

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
from tests.bot.faults.support import moods, reacted_to, reacts_again, warnings
from tests.bot.scripted import ScriptedClassifier, reactions_of
from tests.loopback import Skipper, until


async def test_a_connection_cut_in_mid_frame_loses_no_message(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    loopback.gateway.cut(mid_frame=True)
    said = [await loopback.say("happy", channel) for channel in range(10)]
    await until(lambda: len(reacted_to(loopback)) == 10, skipper)
    assert sorted(reacted_to(loopback)) == said
    assert await moods(running, loopback) == 10
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 1)


async def test_a_silent_gateway_is_left_within_45_seconds_and_loses_reactions_to_what_is_stale_by_then(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    assert SILENCE_TIMEOUT + CLOSE_TIMEOUT < 45
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
    assert reacted_to(loopback) == [fresh]  # at once, though twenty came before it
    assert dict(reactions_of(running).outcomes) == {"stale": 20, "reacted": 1}
    assert await moods(running, loopback) == 21


async def test_a_gateway_that_answers_not_even_the_end_of_a_connection_is_left_all_the_same(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    """As after a power failure: nothing comes back, not even that there is nobody."""
    del running
    [connection] = loopback.gateway.connections
    connection.transport.pause_reading()  # type: ignore[attr-defined]
    skipper.skip(SILENCE_TIMEOUT + 0.1)
    await asyncio.sleep(0.01)
    skipper.skip(CLOSE_TIMEOUT + 0.1)
    await until(lambda: loopback.gateway.resumed)
    await reacts_again(loopback)


async def test_a_session_that_may_not_be_resumed_loses_what_was_written_meanwhile(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    loopback.gateway.refuses_resume = True
    loopback.gateway.cut()
    await until(lambda: not loopback.gateway.connections)
    await loopback.say("happy", 0)
    await until(lambda: loopback.gateway.identified == 2, skipper)
    await reacts_again(loopback)
    assert loopback.gateway.resumed == 0
    assert running.guilds


async def test_a_server_that_is_left_between_two_sessions_is_noticed(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    """Its data would be kept for as long as the bot runs."""
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


async def test_a_request_to_reconnect_loses_no_message(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    await loopback.gateway.request_reconnect()
    said = [await loopback.say("happy", channel) for channel in range(10)]
    await until(lambda: len(reacted_to(loopback)) == 10, skipper)
    assert sorted(reacted_to(loopback)) == said
    assert await moods(running, loopback) == 10
    assert loopback.gateway.identified == 1


@pytest.mark.parametrize("kind", Garbage)
async def test_a_frame_of_garbage_loses_no_message_and_is_told_once(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, caplog: pytest.LogCaptureFixture, kind: Garbage
) -> None:
    await loopback.gateway.send_garbage(kind)
    said = [await loopback.say("happy", channel) for channel in range(10)]
    await until(lambda: len(reacted_to(loopback)) == 10, skipper)
    assert sorted(reacted_to(loopback)) == said
    assert await moods(running, loopback) == 10
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 1)
    [warning] = warnings(caplog)
    assert warning.startswith("Shard 0 got a frame from Discord that cannot be read")


async def test_a_model_that_is_slow_to_read_what_was_missed_loses_no_count(
    running: Emobot,
    loopback: LoopbackDiscord,
    skipper: Skipper,
    bilstm: ScriptedClassifier,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, asked, goes_on = bilstm.predict, threading.Event(), threading.Event()

    def slow(texts: Sequence[str]) -> list[Prediction]:
        asked.set()
        goes_on.wait(60)
        return read(texts)

    monkeypatch.setattr(bilstm, "predict", slow)
    for channel in range(20):
        await loopback.say("happy", channel, age=20)
    await until(asked.is_set)
    await asyncio.sleep(0.02)
    skipper.skip(10)
    await asyncio.sleep(0.02)
    goes_on.set()
    await until(lambda: reactions_of(running).outcomes.total() == 20)
    assert dict(reactions_of(running).outcomes) == {"stale": 20}
    assert await moods(running, loopback) == 20


@pytest.mark.parametrize("code", [1000, 1001, 4000, 4002, 4008, 4009])
async def test_a_connection_that_the_gateway_closes_loses_no_message(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, code: int
) -> None:
    await loopback.gateway.close(code)
    said = [await loopback.say("happy", channel) for channel in range(10)]
    await until(lambda: len(reacted_to(loopback)) == 10, skipper)
    assert sorted(reacted_to(loopback)) == said
    assert await moods(running, loopback) == 10
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 1)


async def test_garbage_at_each_resumption_loses_what_was_written_meanwhile_and_begins_one_session(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.gateway.replay = Garbage.NO_JSON
    await loopback.gateway.send_garbage(Garbage.NO_JSON)
    await until(lambda: loopback.gateway.identified == 2, skipper)
    await reacts_again(loopback)
    assert loopback.gateway.resumed == 1
    assert len(warnings(caplog)) == 2
    assert running.guilds


async def test_a_gateway_that_is_away_for_a_minute_loses_reactions_to_what_is_stale_by_then_and_no_count(
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
    await until(lambda: fresh in reacted_to(loopback))
    await until(lambda: reactions_of(running).outcomes.total() == 21)
    assert await moods(running, loopback) == 21
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 1)


async def test_a_gateway_whose_address_for_a_session_is_gone_goes_on_with_it_at_the_usual_one(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    running.shards[0]._parent.ws.gateway = yarl.URL("ws://127.0.0.1:1")  # where nobody listens
    loopback.gateway.cut()
    said = [await loopback.say("happy", channel) for channel in range(10)]
    await until(lambda: len(reacted_to(loopback)) == 10, skipper)
    assert sorted(reacted_to(loopback)) == said
    assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 1)


async def test_a_gateway_that_is_away_for_ten_minutes_is_asked_once_a_minute_and_loses_no_session(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, caplog: pytest.LogCaptureFixture
) -> None:
    del running
    await loopback.close_gateway()
    for _ in range(600):
        skipper.skip(1)
        await asyncio.sleep(0.002)
    retries = [line for line in caplog.messages if line.startswith("Attempting a reconnect")]
    waits = [float(line.split()[-1].removesuffix("s")) for line in retries]
    assert len(waits) >= 10
    assert max(waits) <= 60
    await loopback.gateway_endpoint.open()
    await until(lambda: loopback.gateway.connections, skipper)
    await reacts_again(loopback, skipper=skipper)


async def test_a_gateway_that_is_cut_three_times_a_minute_goes_on_with_the_session_at_once_each_time(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    del running
    for times in range(1, 11):
        skipper.skip(20)
        loopback.gateway.cut()
        await until(lambda times=times: loopback.gateway.resumed == times)  # type: ignore[misc] # it cannot infer `times`
    await reacts_again(loopback)


async def test_a_gateway_that_ends_each_session_at_once_is_tried_ever_more_seldom(
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
    assert loopback.gateway.identified - began <= 40
    loopback.gateway.refuses_resume = False
    await reacts_again(loopback, skipper=skipper)


async def test_a_bot_that_is_closed_as_its_connection_is_made_leaves_none_behind(
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
    """Return the shards whose sessions go on; each may have connected more than once, as on a busy machine."""
    return {connection.session.shard for connection in loopback.gateway.connections if connection.session}


class TestShards:
    """Forty servers, ten for each of four shards."""

    @pytest.fixture
    def world(self) -> World:
        return World(servers=40)

    @pytest.fixture
    def loopback_options(self) -> dict[str, Any]:
        return {"shards": 4}

    async def test_a_shard_that_cannot_connect_keeps_no_other_from_it(
        self, running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect, given_up = Gateway.from_client, asyncio.Event()

        async def fail(client: Any, **options: Any) -> Any:
            if options["shard_id"] == 0:
                await given_up.wait()
                raise OSError("no route to host")
            return await connect(client, **options)

        monkeypatch.setattr(Gateway, "from_client", fail)
        loopback.gateway.cut()
        await until(lambda: loopback.gateway.resumed >= 3 and connected_shards(loopback) == {1, 2, 3}, skipper)
        monkeypatch.setattr(Gateway, "from_client", connect)
        given_up.set()
        await until(lambda: connected_shards(loopback) == {0, 1, 2, 3}, skipper)
        assert len(running.shards) == 4
        assert loopback.gateway.identified == 4

    async def test_shards_whose_sessions_end_together_begin_others_one_after_the_other(
        self, running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
    ) -> None:
        await loopback.gateway.invalidate(resumable=False)
        await until(lambda: loopback.gateway.identified == 8, skipper)
        assert loopback.gateway.early_identifies == 0
        assert len(running.shards) == 4
