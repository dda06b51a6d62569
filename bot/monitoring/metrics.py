"""The metrics of a run, for Prometheus; `bot.monitoring.server` imports this only if its client is installed.

Names and labels are the same for every bot, and no label is about a person, a message or a server. Events are counted
as features report them (`bot.meter`); other values are looked up whenever the metrics are requested.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.client import Emobot
from bot.meter import Meter
from bot.monitoring.health import Health
from bot.reactions.outcomes import Outcome

_DELAYS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15)  # seconds; a message is stale after 15
_TIMES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)  # seconds
_SIZES = (1, 2, 4, 8, 16, 32)  # texts; 32 is the largest batch


class PrometheusMeter(Meter):
    """Counts the events that features report, in the metrics of a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        seconds = Histogram(
            "emobot_model_seconds",
            "Seconds that a model took for a batch of texts",
            ["model"],
            buckets=_TIMES,
            registry=registry,
        )
        texts = Histogram("emobot_model_batch_texts", "Texts in a batch", ["model"], buckets=_SIZES, registry=registry)
        self._delay = Histogram(
            "emobot_reaction_delay_seconds",
            "Seconds from the time in a message's id, or of its edit, until Discord is asked for a reaction to it, "
            "less the shortest network delay between Discord and here",
            buckets=_DELAYS,
            registry=registry,
        )
        reactions = Counter(
            "emobot_reactions", "Reactions that Discord added or removed", ["action"], registry=registry
        )
        answers = Counter(
            "emobot_discord_answers",
            "Answers of Discord to requests, by HTTP status; none stands for no answer at all",
            ["status"],
            registry=registry,
        )
        # Kept here, since looking up labels takes longer than counting.
        self._seconds, self._texts = cache(seconds.labels), cache(texts.labels)
        self._reactions, self._answers = cache(reactions.labels), cache(answers.labels)
        # Start at 0, since Prometheus' `increase` ignores the first value of a counter.
        for action in ("add", "remove"):
            self._reactions(action)
        for status in ("200", "204", "401", "403", "404", "429", "none"):
            self._answers(status)

    def model_answered(self, model: str, texts: int, seconds: float) -> None:
        """Count a batch."""
        self._seconds(model).observe(seconds)
        self._texts(model).observe(texts)

    def reaction_requested(self, delay: float) -> None:
        """Count a request for a reaction."""
        self._delay.observe(max(delay, 0.0))  # Discord's time is known with a small delay

    def reaction_done(self, action: Literal["add", "remove"]) -> None:
        """Count a reaction."""
        self._reactions(action).inc()

    def discord_answered(self, status: int | None) -> None:
        """Count an answer."""
        self._answers("none" if status is None else str(status)).inc()


class _State(Collector):
    """Looks up the state of the running bot whenever the metrics are requested."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def describe(self) -> list[Metric]:
        """Return nothing, so that nothing is looked up before the bot runs."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; if no bot is running, only that it is not ready."""
        yield _gauge(
            "emobot_ready", "Whether the bot can do its work, as /readyz says", not self._health.why_not_ready()
        )
        if bot := self._health.bot:
            yield from _message_metrics(bot)
            yield from _connection_metrics(bot, self._health.ready_shards)
            yield from _memory_metrics(bot)


def _message_metrics(bot: Emobot) -> Iterator[Metric]:
    messages = CounterMetricFamily(
        "emobot_messages", "Messages that were heard, by what became of them", labels=["outcome"]
    )
    for outcome in Outcome:
        messages.add_metric([outcome], bot.outcomes[outcome])
    yield messages
    yield _gauge("emobot_texts_waiting", "Texts that wait for a model", bot.analyzer.texts_waiting)
    yield _gauge(
        "emobot_explanations_waiting", "Comparisons and explanations that wait", bot.analyzer.explanations_waiting
    )


def _connection_metrics(bot: Emobot, ready: set[int]) -> Iterator[Metric]:
    connected = GaugeMetricFamily(
        "emobot_shard_ready", "Whether a shard is connected and knows its servers", labels=["shard"]
    )
    latency = GaugeMetricFamily(
        "emobot_shard_latency_seconds", "Seconds until Discord answered a shard's last heartbeat", labels=["shard"]
    )
    for shard_id, shard in bot.shards.items():
        connected.add_metric([str(shard_id)], shard_id in ready)
        if math.isfinite(shard.latency):
            latency.add_metric([str(shard_id)], shard.latency)
    yield connected
    yield latency
    yield _gauge("emobot_servers", "Servers that the bot is in", len(bot.guilds))
    yield _gauge("emobot_requests_waiting", "Requests to Discord that wait for their turn", bot.requests.waiting)
    yield _gauge(
        "emobot_requests_paused_seconds", "Seconds for which Discord is asked for nothing", bot.requests.pause_left()
    )
    yield _gauge("emobot_database_usable", "Whether the database worked when it was last used", bot.store.usable)


def _memory_metrics(bot: Emobot) -> Iterator[Metric]:
    entries = GaugeMetricFamily("emobot_remembered", "Entries in memory, by what they are about", labels=["what"])
    for what, number in bot.sizes().items():
        entries.add_metric([what], number)
    yield entries


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=value)


def create_metrics(health: Health) -> tuple[CollectorRegistry, PrometheusMeter]:
    """Return the registry of a run, and the meter for its features.

    Args:
        health: knows the running bot.
    """
    registry = CollectorRegistry()
    registry.register(_State(health))
    ProcessCollector(registry=registry)
    Info("emobot", "The version", registry=registry).info({"version": version("emobot")})
    return registry, PrometheusMeter(registry)
