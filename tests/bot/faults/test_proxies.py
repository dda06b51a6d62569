"""What the proxies that an operator may use do to the bot, as the name of each test says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gateway import LoopbackDiscord, World, hanging, limited, only, times
from benchmarks.gateway.proxies import GatewayProxy, Nirn
from bot import Emobot, create_bot
from bot.client import INTENTS
from bot.configuration import Configuration, ConfigurationError
from bot.connection.session_starts import SessionStarts
from bot.reactions.outcomes import Outcome
from bot.server_settings import ServerSettings
from classifiers import Classifier
from tests.bot.faults.support import counted_moods, messages_with_reactions, wait_for_reaction, warnings
from tests.bot.support import reactions_of
from tests.loopback import Skipper, connected, until

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def world() -> World:
    """Forty servers, as in the other tests of faults."""
    return World(servers=40)


class TestNirn:
    @pytest.fixture
    async def nirn(self, loopback: LoopbackDiscord) -> AsyncIterator[tuple[Nirn, str]]:
        nirn = Nirn(loopback)
        async with nirn.running() as address:
            yield nirn, address

    @pytest.fixture
    def bot(
        self, loopback: LoopbackDiscord, nirn: tuple[Nirn, str], models: dict[str, Classifier], database: Path
    ) -> Emobot:
        del database
        return create_bot(Configuration(discord_token=loopback.token, api_base=nirn[1]), models=models)

    async def test_each_reaction_is_sent_once_and_all_requests_go_through_the_proxy(
        self, running: Emobot, loopback: LoopbackDiscord, nirn: tuple[Nirn, str], skipper: Skipper
    ) -> None:
        message_ids = [await loopback.say("happy", channel) for channel in range(10)]
        await until(lambda: len(messages_with_reactions(loopback)) == 10, skipper)
        assert sorted(messages_with_reactions(loopback)) == message_ids
        assert nirn[0].requests >= len(loopback.api.requests)
        assert loopback.api.refused() == []
        assert running.requests.time.known

    @pytest.mark.parametrize("scope", ["user", "shared"])
    async def test_forwarded_429_delays_a_reaction_and_loses_none(
        self, running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, scope: str
    ) -> None:
        loopback.api.fault = only("/reactions/", times(1, limited(scope, 0.3)))
        message_id = await loopback.say("happy")
        await until(loopback.api.refused)
        for _ in range(200):  # in small steps, so that the message does not become too old
            skipper.skip(0.01)
            await asyncio.sleep(0.001)
        await until(lambda: reactions_of(running).outcomes[Outcome.REACTED] == 1)
        assert messages_with_reactions(loopback) == [message_id]
        assert len(loopback.api.refused()) == 1

    async def test_forwarded_global_429_loses_the_same_reactions_as_without_the_proxy(
        self, running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
    ) -> None:
        loopback.api.fault = only("/reactions/", times(1, limited("global", 0.3)))
        await loopback.say("happy")
        await until(lambda: reactions_of(running).outcomes[Outcome.HELD_BACK] == 1)
        await wait_for_reaction(loopback, skipper=skipper)
        assert len(loopback.api.refused()) == 1

    async def test_429_of_the_proxy_loses_reactions_and_does_not_count_towards_a_ban(
        self,
        running: Emobot,
        loopback: LoopbackDiscord,
        nirn: tuple[Nirn, str],
        skipper: Skipper,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        nirn[0].lost_node = True
        before, outcomes = nirn[0].requests, reactions_of(running).outcomes
        for channel in range(30):
            await loopback.say("happy", channel)
            await until(lambda: outcomes.total() == channel + 1)  # noqa: B023 - called at once
        assert nirn[0].requests == before + 30
        assert messages_with_reactions(loopback) == []
        nirn[0].lost_node = False
        await wait_for_reaction(loopback, skipper=skipper)
        assert not [line for line in warnings(caplog) if "refused" in line]
        assert await counted_moods(running, loopback) >= 31

    async def test_408_counts_as_a_failure_of_discord_not_as_a_refusal(
        self,
        running: Emobot,
        loopback: LoopbackDiscord,
        nirn: tuple[Nirn, str],
        skipper: Skipper,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr("bot.connection.requests._FIRST_PAUSE", 0.0)  # otherwise few requests would be sent
        nirn[0].timeout = 0.0
        loopback.api.fault = only("/reactions/", hanging())
        outcomes = reactions_of(running).outcomes
        for channel in range(20):
            await loopback.say("happy", channel)
            await until(lambda: outcomes.total() == channel + 1)  # noqa: B023 - called at once
        assert outcomes == {Outcome.DISCORD_FAILED: 20}
        nirn[0].timeout = 5.0
        loopback.api.fault = None
        await wait_for_reaction(loopback, skipper=skipper)
        assert [line.split(" (")[0] for line in warnings(caplog)] == ["Discord failed"]

    async def test_cached_answer_does_not_set_the_clock_back(
        self,
        bot: Emobot,
        loopback: LoopbackDiscord,
        nirn: tuple[Nirn, str],
        models: dict[str, Classifier],
        skipper: Skipper,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        async with connected(bot, loopback, skipper):
            pass
        skipper.skip(540)
        before = len(loopback.api.requests)
        again = create_bot(Configuration(discord_token=loopback.token, api_base=nirn[1]), models=models)
        caplog.set_level(logging.WARNING)
        async with connected(again, loopback, skipper):
            assert abs(again.requests.time.now() - loopback.now()) < timedelta(seconds=5)
        paths = [request.path for request in loopback.api.requests[before:]]
        assert "/gateway/bot" not in paths  # which Discord answered nine minutes ago
        assert not [line for line in warnings(caplog) if "clock" in line]


class TestGatewayProxy:
    @pytest.fixture
    async def proxy(self, loopback: LoopbackDiscord) -> AsyncIterator[GatewayProxy]:
        proxy = GatewayProxy(loopback, INTENTS.value)
        async with proxy.running():
            yield proxy

    @pytest.fixture
    def proxied_options(self, loopback: LoopbackDiscord, proxy: GatewayProxy) -> dict[str, Any]:
        return {"discord_token": loopback.token, "api_base": loopback.api_base, "gateway_url": proxy.url}

    @pytest.fixture
    def bot(self, proxied_options: dict[str, Any], models: dict[str, Classifier], database: Path) -> Emobot:
        del database
        return create_bot(Configuration(**proxied_options), models=models)

    async def test_the_bot_is_in_all_servers_and_reacts_in_them(
        self, running: Emobot, loopback: LoopbackDiscord, proxy: GatewayProxy, skipper: Skipper
    ) -> None:
        message_ids = [await loopback.say("happy", channel) for channel in range(10)]
        await until(lambda: len(messages_with_reactions(loopback)) == 10, skipper)
        assert sorted(messages_with_reactions(loopback)) == message_ids
        assert len(running.guilds) == 40
        assert (loopback.gateway.identified, proxy.identified) == (1, 1)
        assert proxy.compressions == {None}

    @pytest.mark.parametrize("names_discord", [False, True])
    async def test_lost_connection_loses_the_messages_of_the_gap_and_begins_a_session_only_with_the_proxy(
        self, running: Emobot, loopback: LoopbackDiscord, proxy: GatewayProxy, skipper: Skipper, *, names_discord: bool
    ) -> None:
        proxy.names_discord = names_discord
        await until(lambda: proxy.identified == 1)
        await running.store.save_settings(loopback.world.guild_ids()[0], ServerSettings(mood=False))
        before = await loopback.say("happy", 1)
        await until(lambda: messages_with_reactions(loopback) == [before], skipper)
        for identified in (2, 3):  # the first READY was sent before the switch
            proxy.cut()
            await until(lambda: not proxy.bots())
            await loopback.say("happy", 2)
            await until(lambda: proxy.identified == identified, skipper)  # noqa: B023 - called at once
        await wait_for_reaction(loopback, channel=3, skipper=skipper)
        assert messages_with_reactions(loopback).count(before) == 1
        assert 1 <= proxy.refused_resumes <= 2
        assert (loopback.gateway.identified, loopback.gateway.resumed) == (1, 0)
        assert (len(running.guilds), await running.store.known_guilds()) == (
            40,
            dict.fromkeys(await running.store.known_guilds(), None),
        )

    async def test_restarted_bot_uses_no_session_with_discord(
        self,
        bot: Emobot,
        proxied_options: dict[str, Any],
        loopback: LoopbackDiscord,
        proxy: GatewayProxy,
        models: dict[str, Classifier],
        skipper: Skipper,
    ) -> None:
        async with connected(bot, loopback, skipper):
            left = loopback.gateway.starts_left
        again = create_bot(Configuration(**proxied_options), models=models)
        async with connected(again, loopback, skipper):
            await wait_for_reaction(loopback, skipper=skipper)
        assert (proxy.identified, loopback.gateway.identified) == (2, 1)
        assert loopback.gateway.starts_left == left

    async def test_another_number_of_shards_is_refused_in_one_sentence(
        self, proxied_options: dict[str, Any], loopback: LoopbackDiscord, models: dict[str, Classifier]
    ) -> None:
        async with create_bot(Configuration(**proxied_options, shard_count=2), models=models) as bot:
            with pytest.raises(ConfigurationError, match=r"SHARD_COUNT is 2, but the proxy .* has 1"):
                await bot.start(loopback.token)

    async def test_old_release_of_the_proxy_refuses_another_number_of_shards(
        self,
        proxied_options: dict[str, Any],
        loopback: LoopbackDiscord,
        proxy: GatewayProxy,
        models: dict[str, Classifier],
        skipper: Skipper,
    ) -> None:
        proxy.reports_shard_count = False
        bot = create_bot(Configuration(**proxied_options, shard_count=2), models=models)
        async with bot:
            running = asyncio.create_task(bot.start(loopback.token))
            for _ in range(100):
                skipper.skip(0.2)
                await asyncio.sleep(0.001)
            assert not running.done()
            assert (len(bot.guilds), proxy.identified) == (0, 0)
            await bot.close()
            await asyncio.wait([running])

    class TestShards:
        @pytest.fixture
        def loopback_options(self) -> dict[str, Any]:
            return {"shards": 4, "max_concurrency": 4}

        @pytest.mark.parametrize("reports_shard_count", [True, False])
        async def test_shards_held_by_the_proxy_begin_at_once_and_use_no_session(
            self,
            loopback: LoopbackDiscord,
            models: dict[str, Classifier],
            skipper: Skipper,
            monkeypatch: pytest.MonkeyPatch,
            *,
            reports_shard_count: bool,
        ) -> None:
            begun: list[int] = []
            begin = SessionStarts.begin

            async def record_and_begin(starts: SessionStarts, shard_id: int) -> None:
                begun.append(shard_id)
                await begin(starts, shard_id)

            monkeypatch.setattr(SessionStarts, "begin", record_and_begin)
            proxy = GatewayProxy(loopback, INTENTS.value)
            proxy.reports_shard_count = reports_shard_count
            async with proxy.running():
                loopback.gateway.starts_left = 0 if reports_shard_count else 1000
                proxied_options = Configuration(
                    discord_token=loopback.token, api_base=loopback.api_base, gateway_url=proxy.url
                )
                async with connected(create_bot(proxied_options, models=models), loopback, skipper) as _:
                    assert proxy.identified == 4
            assert begun == ([] if reports_shard_count else [0, 1, 2, 3])
