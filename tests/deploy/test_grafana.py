"""The dashboard queries only metrics and labels that a bot has, and all of them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest

from benchmarks.gateway import LoopbackDiscord
from bot import create_bot
from bot.monitoring.health import Health
from bot.monitoring.metrics import create_metrics
from classifiers import Classifier
from tests.loopback import configured, connected, until

DASHBOARD = json.loads((Path(__file__).parents[2] / "deploy" / "grafana" / "emobot.json").read_text(encoding="utf-8"))

EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]

PROMETHEUS_LABELS = {"instance"}
"""Labels that Prometheus adds."""

Labels = dict[str, set[str]]


@pytest.fixture
async def exposed(models: dict[str, Classifier], loopback: LoopbackDiscord) -> dict[str, Labels]:
    """The values of each label of each metric, from a bot that has reacted to a message."""
    health = Health()
    registry, meter = create_metrics(health)
    bot = create_bot(configured(loopback), models=models, meter=meter)
    health.follow(bot)
    async with connected(bot, loopback):
        await loopback.say("happy")
        await until(bot.outcomes.total)
        metrics: dict[str, Labels] = defaultdict(lambda: defaultdict(set))
        for family in registry.collect():
            for sample in family.samples:
                metrics[sample.name].update({})
                for label, value in sample.labels.items():
                    metrics[sample.name][label].add(value)
    return metrics


def parse_query(expression: str) -> promql_parser.Expr:
    """Return the parsed query, with its variables filled in as Grafana would."""
    return promql_parser.parse(expression.replace("$__rate_interval", "5m").replace("$instance", ".*"))


def subexpressions(expression: promql_parser.Expr) -> list[promql_parser.Expr]:
    """Return an expression and all expressions within it."""
    found: list[promql_parser.Expr] = []
    promql_parser.walk(expression, found.append)
    return found + [part.vector_selector for part in found if isinstance(part, promql_parser.MatrixSelector)]


def metric_selectors(expression: str) -> Iterator[promql_parser.VectorSelector]:
    """Yield the metrics that a query selects, with its conditions on their labels."""
    return (part for part in subexpressions(parse_query(expression)) if isinstance(part, promql_parser.VectorSelector))


def grouping_labels(expression: str) -> set[str]:
    """Return the labels by which a query groups."""
    aggregates = (
        part for part in subexpressions(parse_query(expression)) if isinstance(part, promql_parser.AggregateExpr)
    )
    return {label for each in aggregates if each.modifier for label in each.modifier.labels}


async def test_each_query_asks_for_metrics_that_a_bot_has(exposed: dict[str, Labels]) -> None:
    assert len(EXPRESSIONS) > 15
    for expression in EXPRESSIONS:
        asked = list(metric_selectors(expression))
        assert asked, expression
        for selector in asked:
            assert selector.name in exposed, expression
            labels = exposed[selector.name]
            for matcher in selector.matchers.matchers:
                assert matcher.name in labels or matcher.name in PROMETHEUS_LABELS, expression
            assert grouping_labels(expression) <= set(labels), expression


async def test_each_variable_is_filled_from_a_metric_that_a_bot_has(exposed: dict[str, Labels]) -> None:
    queries = [variable["definition"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]
    [(name, label)] = re.findall(r"^label_values\((\w+), (\w+)\)$", "\n".join(queries), re.MULTILINE)
    assert name in exposed
    assert label in exposed[name].keys() | PROMETHEUS_LABELS


async def test_each_legend_shows_labels_that_the_query_keeps(exposed: dict[str, Labels]) -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            left = grouping_labels(target["expr"]) or {
                label for selector in metric_selectors(target["expr"]) for label in exposed[str(selector.name)]
            }
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= left | PROMETHEUS_LABELS, target


async def test_every_metric_of_the_bot_is_on_the_dashboard(exposed: dict[str, Labels]) -> None:
    asked = {str(selector.name) for expression in EXPRESSIONS for selector in metric_selectors(expression)}
    base = re.compile(r"_(bucket|count|sum|created|total)$")
    shown = {base.sub("", name) for name in asked}
    assert {base.sub("", name) for name in exposed if name.startswith("emobot_")} - shown == set()


def test_panels_do_not_overlap_and_use_the_data_source_of_the_dashboard() -> None:
    cells = [
        (panel["gridPos"]["x"] + across, panel["gridPos"]["y"] + down)
        for panel in DASHBOARD["panels"]
        for across in range(panel["gridPos"]["w"])
        for down in range(panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23  # Grafana's grid has 24 columns
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {"${datasource}"}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
