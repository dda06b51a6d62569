"""Nothing that a user sees is left untranslated, and no translation can break an answer."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import discord
import polib
import pytest
import simcord

from bot import Emobot, i18n
from bot.i18n import LANGUAGES, LOCALES, CommandTranslator, mark, translator
from classifiers import LABELS
from tests.bot.pressing import words_of
from tests.bot.scripted import World

SOURCES = sorted(Path(i18n.__file__).parent.rglob("*.py"))
NAME = re.compile(r"^[-_'\w]+$")


def marked() -> set[str]:
    """Every text in the sources that is given to `_`, `mark` or `locale_str`."""
    texts = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            [first, *_] = node.args
            if name in ("_", "mark", "locale_str") and isinstance(first, ast.Constant):
                texts.add(str(first.value))
    return texts


def of_commands(payloads: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Every text in what Discord is told of commands, with what it is: a name or a description."""
    for payload in payloads:
        for key in ("name", "description"):
            # The names of choices are free text; a menu's name is, too.
            plain = "value" in payload or payload.get("type") == 3
            if payload.get(key):
                yield payload[key], "text" if plain else key
        yield from of_commands(payload.get("options", []) + payload.get("choices", []))


@pytest.fixture
def payloads(simcord_env: simcord.Env, simcord_bot: Emobot) -> list[dict[str, Any]]:
    del simcord_env  # which has loaded the cogs
    return [command.to_dict(simcord_bot.tree) for command in simcord_bot.tree.get_commands()]


@pytest.fixture(params=sorted(set(LANGUAGES.values())))
def catalogue(request: pytest.FixtureRequest) -> dict[str, str]:
    entries = polib.pofile(str(LOCALES / f"{request.param}.po"))
    assert not entries.fuzzy_entries()
    assert not entries.obsolete_entries()
    texts = [entry.msgid for entry in entries]
    assert len(texts) == len(set(texts))
    return {entry.msgid: entry.msgstr for entry in entries}


def test_no_text_lacks_a_translation_and_none_is_left_over(
    catalogue: dict[str, str], payloads: list[dict[str, Any]]
) -> None:
    wanted = marked() | {text for text, _ in of_commands(payloads)} | set(LABELS)
    assert len(wanted) > 100
    assert {text for text in wanted if not catalogue.get(text)} == set()
    assert set(catalogue) - wanted == set()


def test_translations_keep_the_fields_of_the_original(catalogue: dict[str, str]) -> None:
    def fields(text: str) -> list[str]:
        return sorted(str(field) for _, field, _, _ in string.Formatter().parse(text) if field is not None)

    assert {text for text, translated in catalogue.items() if fields(text) != fields(translated)} == set()


def test_translated_names_are_such_as_discord_takes(catalogue: dict[str, str], payloads: list[dict[str, Any]]) -> None:
    for text, kind in of_commands(payloads):
        translated = catalogue[text]
        assert len(translated) <= (32 if kind == "name" else 100)
        if kind == "name":
            assert NAME.match(translated)
            assert translated == translated.lower()


def test_no_two_commands_share_a_name_in_any_language(
    catalogue: dict[str, str], payloads: list[dict[str, Any]]
) -> None:
    names = [(payload["type"], catalogue[payload["name"]]) for payload in payloads]
    assert len(names) == len(set(names))


async def test_commands_are_told_to_discord_in_all_languages(world: World) -> None:
    [sync] = [request for request in world.env.http_requests if request.method == "PUT" and "commands" in request.path]
    assert isinstance(sync.json, list)
    [compare] = [payload for payload in sync.json if payload["name"] == "compare"]
    assert set(compare["description_localizations"]) == set(LANGUAGES)


async def test_people_are_answered_in_their_language(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    german = translator(discord.Locale.german)
    monkeypatch.setitem(LANGUAGES, "en-US", "de")  # what SimCord's people speak
    result = await world.alice.slash(world.channel, "compare", text="happy")
    assert result.response
    assert german("joy") in words_of(result.response)
    assert german("joy") != "joy"


def test_other_languages_read_english() -> None:
    assert translator(discord.Locale.finnish)("joy") == "joy"
    assert translator(None) is mark


async def test_a_text_that_is_the_same_in_both_languages_is_not_told_twice() -> None:
    context: Any = None
    same = discord.app_commands.locale_str("no such text")
    assert await CommandTranslator().translate(same, discord.Locale.german, context) is None
