from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest
from discord.state import AutoShardedConnectionState
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.gateway import LoopbackDiscord, status, times
from bot import create_bot
from bot.configuration import ConfigurationError
from bot.monitoring import health as health_module
from bot.monitoring.server import serve_health
from bot.reactions.outcomes import Outcome
from bot.serving import serve
from classifiers import Classifier, Prediction
from tests.bot.support import PREDICTIONS, StubClassifier
from tests.loopback import Skipper, configured, connected, until

LABELS = {"action", "le", "model", "outcome", "shard", "status", "version", "what"}


@pytest.fixture(autouse=True)
def _no_wait_for_further_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the two seconds for which discord.py waits for further servers before it is ready."""
    initialise = AutoShardedConnectionState.__init__

    def initialise_without_waiting(state: AutoShardedConnectionState[Any], **options: Any) -> None:
        initialise(state, **options, guild_ready_timeout=0.01)

    monkeypatch.setattr(AutoShardedConnectionState, "__init__", initialise_without_waiting)


@pytest.fixture
def port() -> int:
    """A free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


class Probe:
    """Sends requests as Prometheus, Kubernetes or `curl` does."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._port = port

    async def ask(self, path: str) -> tuple[int, str]:
        async with self._session.get(f"http://127.0.0.1:{self._port}{path}") as response:
            return response.status, await response.text()

    async def until(self, path: str, answer: tuple[int, str]) -> None:
        """Repeat the request until the answer is as expected; fail after a while."""
        for _ in range(3000):
            given = await self.ask(path)
            if given == answer:
                return
            await asyncio.sleep(0.005)
        assert given == answer

    async def metrics(self) -> dict[tuple[str, ...], float]:
        """Return every sample by its name and the values of its labels."""
        status, text = await self.ask("/metrics")
        assert status == 200
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
async def probe(port: int) -> AsyncIterator[Probe]:
    async with aiohttp.ClientSession() as session:
        yield Probe(session, port)


async def test_readiness_follows_the_shards(
    models: dict[str, Classifier], loopback: LoopbackDiscord, skipper: Skipper, port: int, probe: Probe
) -> None:
    async with serve_health("127.0.0.1", port) as (health, meter):
        assert await probe.ask("/readyz") == (503, "the bot waits before it connects to Discord again\n")
        bot = create_bot(configured(loopback), models=models, meter=meter)
        health.follow(bot)
        status, reasons = await probe.ask("/readyz")
        assert status == 503
        assert reasons.splitlines() == ["the bot is not logged in to Discord yet", "the database cannot be used"]
        async with connected(bot, loopback):
            await probe.until("/readyz", (200, "ok\n"))
            assert (await probe.metrics())["emobot_shard_ready", "0"] == 1
            loopback.gateway.silent = True  # so that it connects again, but is told nothing
            loopback.gateway.cut()
            await probe.until("/readyz", (503, "not connected: shard 0\n"))
            assert await probe.ask("/healthz") == (200, "ok\n")
            assert (await probe.metrics())["emobot_shard_ready", "0"] == 0
            loopback.gateway.silent = False
            loopback.gateway.cut()
            await until(lambda: loopback.gateway.resumed, skipper)
            await probe.until("/readyz", (200, "ok\n"))


async def test_bot_is_not_ready_without_its_database(
    models: dict[str, Classifier], loopback: LoopbackDiscord, port: int, probe: Probe
) -> None:
    async with serve_health("127.0.0.1", port) as (health, meter):
        bot = create_bot(configured(loopback), models=models, meter=meter)
        health.follow(bot)
        async with connected(bot, loopback):
            await probe.until("/readyz", (200, "ok\n"))
            os.rename("emobot.db", "moved.db")
            os.mkdir("emobot.db")
            await bot.store.refresh()
            assert await probe.ask("/readyz") == (503, "the database cannot be used\n")
            assert (await probe.metrics())["emobot_database_usable",] == 0
            os.rmdir("emobot.db")
            os.rename("moved.db", "emobot.db")
            await bot.store.refresh()
            assert await probe.ask("/readyz") == (200, "ok\n")


class StuckClassifier(StubClassifier):
    """Answers only after it is released."""

    def __init__(self) -> None:
        super().__init__(dict(PREDICTIONS))
        self.let_go = threading.Event()

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        assert self.let_go.wait(60)
        return super().predict(texts)


async def test_bot_is_not_live_while_the_model_thread_is_stuck(
    loopback: LoopbackDiscord, port: int, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_module, "_WORKER_TIMEOUT", 0.2)
    stuck = StuckClassifier()
    async with serve_health("127.0.0.1", port) as (health, meter):
        bot = create_bot(configured(loopback), models={"bilstm": stuck}, meter=meter)
        health.follow(bot)
        async with connected(bot, loopback):
            await loopback.say("happy")
            await probe.until("/healthz", (503, "the models' thread has not answered within 0.2 s\n"))
            stuck.let_go.set()
            await probe.until("/healthz", (200, "ok\n"))


async def test_metrics_count_events_and_identify_nobody(
    models: dict[str, Classifier], loopback: LoopbackDiscord, port: int, probe: Probe
) -> None:
    async with serve_health("127.0.0.1", port) as (health, meter):
        bot = create_bot(configured(loopback), models=models, meter=meter)
        health.follow(bot)
        async with connected(bot, loopback):
            await probe.until("/readyz", (200, "ok\n"))
            await loopback.say("happy")
            await loopback.say("secret")
            await until(lambda: bot.outcomes.total() == 2)
            metrics = await probe.metrics()
            _, text = await probe.ask("/metrics")
    assert metrics["emobot_messages_total", "reacted"] == 1
    assert metrics["emobot_messages_total", "cooling down"] + metrics["emobot_messages_total", "neutral"] == 1
    assert metrics["emobot_reactions_total", "add"] == metrics["emobot_reaction_delay_seconds_count",] == 1
    assert metrics["emobot_discord_answers_total", "204"] == 1
    assert metrics["emobot_model_batch_texts_sum", "bilstm"] >= 1
    assert metrics["emobot_servers",] == metrics["emobot_ready",] == 1
    assert metrics["emobot_remembered", "messages"] == 2
    assert {labels[0] for name, *labels in metrics if name == "emobot_messages_total"} == set(Outcome)
    assert set(re.findall(r'(\w+)="', text)) == LABELS
    assert "secret" not in text
    assert "alice" not in text
    for place in loopback.world.places:
        assert not {str(place.id), str(place.guild_id)} & {label for _, *labels in metrics for label in labels}


async def test_counters_continue_after_the_bot_is_recreated(
    models: dict[str, Classifier], loopback: LoopbackDiscord, port: int, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.serving.FIRST_WAIT", 0.01)
    loopback.api.fault = times(1, status(503))
    async with serve_health("127.0.0.1", port) as (health, meter):
        running = asyncio.create_task(serve(configured(loopback), models, loopback.token, health, meter))
        await probe.until("/readyz", (200, "ok\n"))
        metrics = await probe.metrics()
        running.cancel()
        await asyncio.wait([running])
    assert metrics["emobot_discord_answers_total", "503"] == 1  # to the first bot
    assert metrics["emobot_discord_answers_total", "200"] >= 1


async def test_missing_prometheus_client_is_reported_with_the_extra(
    port: int, probe: Probe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    async with serve_health("127.0.0.1", port):
        status, text = await probe.ask("/metrics")
        assert await probe.ask("/healthz") == (200, "ok\n")
    assert status == 501
    assert 'run `pip install "emobot[metrics]"`' in text
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [text.strip()]


async def test_port_is_open_only_while_the_bot_runs(port: int, probe: Probe) -> None:
    async with serve_health("127.0.0.1", port):
        assert (await probe.ask("/healthz"))[0] == 200
    with pytest.raises(aiohttp.ClientConnectorError):
        await probe.ask("/healthz")


async def test_address_of_another_host_is_refused(port: int) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"must be an address of this computer .* 192\.0\.2\.1:{port} \(Cannot assign"
    ):
        async with serve_health("192.0.2.1", port):
            pass
