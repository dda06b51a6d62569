"""What is lost when Discord is unreachable at the start or refuses the token, as the name of each test says."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import discord
import pytest
from aiohttp import web

from benchmarks.gateway import Fault, LoopbackDiscord, cloudflare, garbled, hanging, no_text, only, refused, status
from bot import Emobot
from bot.monitoring.health import Health
from bot.serving import serve
from classifiers import Classifier
from tests.bot.faults.support import (
    messages_with_reactions,
    stored_moods,
    unclean_log_records,
    wait_for_reaction,
    warnings,
)
from tests.bot.support import StubClassifier
from tests.loopback import Skipper, configured, connected, until


@pytest.fixture(autouse=True)
def _clean_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.INFO)
    yield
    assert unclean_log_records(caplog) == []


@asynccontextmanager
async def serving_bot(loopback: LoopbackDiscord, models: dict[str, Classifier], health: Health) -> AsyncIterator[None]:
    """Run the bot and restart it after failures, as `python -m bot` does."""
    serving = asyncio.create_task(serve(configured(loopback), models, loopback.token, health))
    try:
        yield
    finally:
        serving.cancel()
        await asyncio.wait([serving])


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("unreachable", ["API", "gateway"])
async def test_discord_outage_at_the_start_loses_messages_until_a_minute_after_it_ends(
    loopback: LoopbackDiscord, models: dict[str, Classifier], skipper: Skipper, unreachable: str
) -> None:
    endpoint = loopback.api_endpoint if unreachable == "API" else loopback.gateway_endpoint
    await endpoint.close()
    health = Health()
    async with serving_bot(loopback, models, health):
        for second in range(0, 300, 5):
            if second % 10 == 0:
                await loopback.say("happy", second % 38)
            skipper.skip(5)
            await asyncio.sleep(0.002)
        assert loopback.gateway.identified == 0
        await endpoint.open()
        back = asyncio.get_running_loop().time()
        await until(lambda: loopback.gateway.connections and not health.why_not_ready(), skipper)
        assert asyncio.get_running_loop().time() < back + 70
        await wait_for_reaction(loopback, skipper=skipper)
        assert len(messages_with_reactions(loopback)) == 1
    assert loopback.api.refused() == []


async def test_reset_token_stops_the_bot_after_at_most_20_refusals_and_loses_no_count(
    loopback: LoopbackDiscord, models: dict[str, Classifier], bilstm: StubClassifier, database: Path
) -> None:
    """The operator has to configure the new token; until then, every request would be refused."""
    health = Health()
    serving = asyncio.create_task(serve(configured(loopback), models, loopback.token, health))
    await until(lambda: health.bot and not health.why_not_ready())
    all_received = asyncio.Event()

    async def reset(request: web.Request) -> web.Response | None:
        await all_received.wait()  # otherwise it would disconnect before receiving all messages
        return await refused(401)(request)

    loopback.api.fault = reset
    for channel in range(40):
        await loopback.say("happy", channel)
    await until(lambda: sum(map(len, bilstm.batches)) == 40)
    all_received.set()
    with pytest.raises(discord.LoginFailure, match="reset"):
        await serving
    assert 1 <= len(loopback.api.refused()) <= 20
    assert await stored_moods(database, loopback) == 40


@pytest.mark.parametrize("code", [503, 429])
async def test_connecting_is_retried_after_waits_of_up_to_a_minute(
    loopback: LoopbackDiscord,
    skipper: Skipper,
    models: dict[str, Classifier],
    caplog: pytest.LogCaptureFixture,
    code: int,
) -> None:
    loopback.api.fault = status(503) if code == 503 else cloudflare()
    async with serving_bot(loopback, models, Health()):
        for attempt in range(1, 9):
            await until(lambda: len(retries(caplog)) == attempt)  # noqa: B023 - called at once
            skipper.skip(61)
        await until(lambda: len(retries(caplog)) == 9)
        loopback.api.fault = None
        skipper.skip(61)
        await until(lambda: loopback.gateway.identified)
    waits = [int(line.split()[-2]) for line in retries(caplog)]
    assert waits == ([1, 2, 4, 8, 16, 32, 60, 60, 60] if code == 503 else [60] * 9)


def retries(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for line in warnings(caplog) if line.startswith("Discord cannot be reached")]


async def test_bot_waiting_for_the_network_can_be_stopped(
    loopback: LoopbackDiscord, models: dict[str, Classifier], caplog: pytest.LogCaptureFixture
) -> None:
    await loopback.api_endpoint.close()
    serving = asyncio.create_task(serve(configured(loopback), models, loopback.token))
    await until(lambda: retries(caplog))
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert loopback.api.requests == []


async def test_refused_token_stops_the_bot_at_once(
    loopback: LoopbackDiscord, models: dict[str, Classifier], caplog: pytest.LogCaptureFixture
) -> None:
    loopback.api.fault = refused(401)
    with pytest.raises(discord.LoginFailure):
        await serve(configured(loopback), models, loopback.token)
    assert retries(caplog) == []
    assert len(loopback.api.requests) == 1


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("route", ["/users/@me", "/oauth2/", "/commands", "/gateway/bot"])
async def test_token_refused_at_any_moment_of_the_start_stops_the_bot(
    loopback: LoopbackDiscord, models: dict[str, Classifier], route: str
) -> None:
    loopback.api.fault = only(route, refused(401))
    with pytest.raises(discord.LoginFailure):
        await serve(configured(loopback), models, loopback.token)
    assert 1 <= len(loopback.api.refused()) <= 20


UNREADABLE_ANSWERS: dict[str, Fault] = {
    "a page to log in to a network": status(200, b"<html>Log in to our network</html>"),
    "nothing": status(200),
    "garbage": garbled(200),
    "no text": no_text(200),
    "a limit without its length": status(429, b"{}", "application/json"),
}
ANSWERS_OF_ANOTHER_SHAPE: dict[str, Fault] = {
    "an object": status(200, b'{"message": "Log in to our network"}', "application/json"),
    "a list": status(200, b"[1]", "application/json"),
}
ROUTES = ["/users/@me", "/gateway/bot", "/oauth2/", "/commands"]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("route", "kind"),
    [*itertools.product(ROUTES[:2], UNREADABLE_ANSWERS), *itertools.product(ROUTES, ANSWERS_OF_ANOTHER_SHAPE)],
)
async def test_unreadable_answer_at_the_start_is_retried_within_a_minute(
    loopback: LoopbackDiscord,
    models: dict[str, Classifier],
    skipper: Skipper,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    route: str,
) -> None:
    loopback.api.fault = only(route, {**UNREADABLE_ANSWERS, **ANSWERS_OF_ANOTHER_SHAPE}[kind])
    async with serving_bot(loopback, models, Health()):
        await until(lambda: retries(caplog))
        loopback.api.fault = None
        skipper.skip(61)
        await until(lambda: loopback.gateway.identified)
        await wait_for_reaction(loopback, skipper=skipper)


async def test_first_start_serves_while_servers_are_searched_for_old_commands(
    loopback: LoopbackDiscord, bot: Emobot
) -> None:
    """After development, a server may still have commands that would appear twice."""
    loopback.api.fault = only("/guilds/", hanging())
    async with connected(bot, loopback, registered=False):
        await wait_for_reaction(loopback)
        assert loopback.routes.commands == {}


async def test_the_first_commands_are_registered_as_soon_as_discord_answers_again(
    loopback: LoopbackDiscord, bot: Emobot, skipper: Skipper, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.api.fault = only("/guilds/", garbled())
    async with connected(bot, loopback, registered=False):
        await until(lambda: warnings(caplog), skipper)
        loopback.api.fault = None
        await until(lambda: loopback.routes.commands.get(None), skipper)
