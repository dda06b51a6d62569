"""docs/operations.md explains every line that the bot logs, and names existing metrics."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

QUIET = {"debug", "getChild", "isEnabledFor"}
"""Methods of a logger that need no entry."""


def explained() -> list[tuple[str, str]]:
    """Return each log line that the page explains, with its level."""
    _, table = PAGE.split("## What the log says")
    rows = re.findall(r"^\| (`+)(.+?)\1 \| ([A-Z]+) \|", table.partition("Of discord.py's own lines")[0], re.MULTILINE)
    return [(line, level) for _, line, level in rows]


def logged() -> Iterator[tuple[str, str]]:
    """Return each line that the code can log at INFO or above, in the notation of the page, with its level."""
    for file in sorted((ROOT / "bot").rglob("*.py")):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "log":
                assert node.attr in {"info", "warning", "error", *QUIET}, (
                    f"{module}: log.{node.attr} is new to this test"
                )
            if isinstance(node, ast.Call) and (level := _level(node.func)):
                yield re.sub(r"%[-0-9.]*[a-z]", "…", _text(node.args[0], module)), level


def _level(function: ast.expr) -> str | None:
    """Return the level at which a call logs, or None if it is another call or logs below INFO."""
    if isinstance(function, ast.Attribute) and ast.unparse(function.value) == "log" and function.attr not in QUIET:
        return function.attr.upper()
    return None


def _text(argument: ast.expr, module: str) -> str:
    """Return the text of a literal, or of a constant of the module."""
    if isinstance(argument, ast.Name):
        return str(getattr(importlib.import_module(module), argument.id))
    assert isinstance(argument, ast.Constant), (
        f"{module}: a line of the log has to be a text with %s, so that it is known"
    )
    return str(argument.value)


def test_page_explains_exactly_the_lines_that_the_code_logs() -> None:
    lines = list(logged())
    assert len(lines) > 20
    assert [line for line in lines if line not in explained()] == []
    assert [line for line in explained() if line not in lines] == []


def test_every_module_names_its_logger_log() -> None:
    """Otherwise the test above would not find its lines."""
    sources = {file: file.read_text(encoding="utf-8") for file in (ROOT / "bot").rglob("*.py")}
    loggers = [
        line for source in sources.values() for line in re.findall(r"^.*\bgetLogger\(__name__\).*$", source, re.M)
    ]
    assert len(loggers) > 10
    assert set(loggers) == {"log = logging.getLogger(__name__)"}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:emobot|process)_\w+)`", PAGE))))
def test_metrics_to_watch_are_on_the_dashboard(name: str) -> None:
    dashboard = (ROOT / "deploy" / "grafana" / "emobot.json").read_text(encoding="utf-8")
    assert re.search(rf"\b{name}\b|\b{name}_bucket\b", dashboard)
