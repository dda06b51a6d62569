"""Provide fixtures for tests against the loopback Discord, see `benchmarks.gateway`.

To test a fault, request the fixture `loopback`, a running loopback Discord, and start a bot:

    async def test_a_connection_cut_in_mid_frame_costs_no_message(
        loopback: LoopbackDiscord, skipper: Skipper, models: dict[str, Classifier]
    ) -> None:
        bot = create_bot(configured(loopback), models=models)
        async with connected(bot, loopback):
            loopback.gateway.cut(mid_frame=True)
            await loopback.say("happy")
            await until(loopback.api.reactions)

`until` waits for a condition. `skipper.skip(30)` replaces a wait of 30 seconds: it sets forward the clock of the event
loop, which the bot and the loopback Discord use. To cause faults, set `loopback.api.fault` to a function of
`benchmarks.gateway.faults`, use the methods and attributes of `loopback.gateway`, or close and reopen
`loopback.gateway_endpoint` and `loopback.api_endpoint`. The bot's requests are in `loopback.api.requests`, and their
results in `loopback.routes`. If DISCORD_OPENAPI names Discord's description of its API, all requests are checked
against it. For more servers and channels, override the fixture `world`; for more shards, `loopback_options`.

To use these fixtures in a folder, import them in its conftest.py. To run a bot in another process, give it the
environment variables that `environment(loopback)` returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import discord
import pytest
import yarl

from benchmarks.gateway import Contract, LoopbackDiscord, World, find_contract
from bot import Emobot
from bot.configuration import Configuration


class Skipper:
    """Sets the clocks of an event loop and of this computer forward, so that sleeping tasks wake up at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = 0.0
        loop = asyncio.get_running_loop()
        real, wall = loop.time, discord.utils.utcnow
        monkeypatch.setattr(loop, "time", lambda: real() + self._ahead)
        monkeypatch.setattr(discord.utils, "utcnow", lambda: wall() + timedelta(seconds=self._ahead))

    def skip(self, seconds: float) -> None:
        """Let seconds pass."""
        self._ahead += seconds


@pytest.fixture
async def skipper(monkeypatch: pytest.MonkeyPatch) -> Skipper:
    """Return an object that lets time pass."""
    return Skipper(monkeypatch)


@pytest.fixture
def world() -> World:
    """Return the servers, channels and people in the loopback Discord; tests override this."""
    return World()


@pytest.fixture
def loopback_options() -> dict[str, Any]:
    """Return further arguments of the loopback Discord; tests override this."""
    return {}


@pytest.fixture(scope="session")
def description() -> Contract | None:
    """Return Discord's OpenAPI description, or None if it is missing; reading it takes half a second."""
    return find_contract()


@pytest.fixture
async def loopback(
    skipper: Skipper,
    world: World,
    loopback_options: dict[str, Any],
    description: Contract | None,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[LoopbackDiscord]:
    """Run a loopback Discord that discord.py uses in place of the real one until the test ends."""
    del skipper  # first, since Discord's time goes on with the loop's
    async with serving(LoopbackDiscord(world, contract=description, **loopback_options), monkeypatch) as served:
        yield served


@asynccontextmanager
async def serving(served: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopbackDiscord]:
    """Run a loopback Discord that discord.py uses in place of the real one."""
    async with served.running():
        # The bot sets both itself, from its configuration; so they are set back, and bots of discord.py find it, too.
        monkeypatch.setattr(discord.http.Route, "BASE", served.api_base)
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(served.gateway.url))
        yield served
    assert not served.api.violations, served.api.violations


def configured(served: LoopbackDiscord, **settings: Any) -> Configuration:
    """Return the configuration of a bot in a loopback Discord, as if that were Discord itself."""
    return Configuration(discord_token=served.token, api_base=served.api_base, **settings)


def environment(served: LoopbackDiscord) -> dict[str, str]:
    """Return the same as `configured` as environment variables, for a bot in another process."""
    return {
        "DISCORD_TOKEN": served.token,
        "DISCORD_API_BASE": served.api_base,
        "DISCORD_GATEWAY_URL": served.gateway.url,
    }


@asynccontextmanager
async def connected(
    bot: discord.Client, served: LoopbackDiscord, skipper: Skipper | None = None, *, registered: bool = True
) -> AsyncIterator[asyncio.Task[None]]:
    """Start a bot and wait until it is in all servers; close it at the end.

    Args:
        bot: the bot.
        served: its Discord.
        skipper: makes time pass faster meanwhile, which several shards need.
        registered: whether to wait until its commands are registered as well, so that none of its own requests is in
            flight when a test skips time or looks at the requests.
    """

    def is_connected() -> bool:
        return _is_everywhere(bot, served.world) and (not registered or _has_registered(bot))

    async with bot:
        running = asyncio.create_task(bot.start(served.token))
        try:
            await until(lambda: running.done() or is_connected(), skipper)
            if running.done():
                await running
            yield running
        finally:
            await bot.close()
            await asyncio.wait([running])


def _is_everywhere(bot: discord.Client, world: World) -> bool:
    return len(bot.guilds) == world.servers and not any(guild.unavailable for guild in bot.guilds)


def _has_registered(bot: discord.Client) -> bool:
    """Return whether a bot has registered its commands; a client of discord.py alone has none."""
    registering = bot.registration._in_background if isinstance(bot, Emobot) else None
    return registering is None or registering.done()


async def until(happened: Callable[[], object], skipper: Skipper | None = None) -> None:
    """Wait until a condition is true; fail after a long time.

    Args:
        happened: the condition.
        skipper: makes time pass a hundred times as fast meanwhile.
    """
    for _ in range(30_000):
        if happened():
            return
        if skipper:
            skipper.skip(0.1)
        await asyncio.sleep(0.001)
    raise AssertionError("It did not happen.")
