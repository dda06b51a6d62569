"""Every text that users see is translated, and no translation can break an answer."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import discord
import pytest
import simcord
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from bot import Emobot, i18n
from bot.i18n import ENGLISH, LANGUAGES, LOCALES, CommandTranslator, translator
from classifiers import LABELS
from tests.bot.cli.support import environment
from tests.bot.interactions import panel_text
from tests.bot.support import World

SOURCES = Path(i18n.__file__).parent
KEYWORDS: dict[str, Any] = {"_": None, "mark": None, "translate": None, "locale_str": None, "plural": (1, 2)}
NAME = re.compile(r"^[-_'\w]+$")

Id: TypeAlias = str | tuple[str, ...]


@cache
def marked_texts() -> frozenset[Id]:
    """Return every text in the sources that is passed to a function that translates or marks it."""
    found = extract_from_dir(SOURCES, method_map=[("**.py", "python")], keywords=KEYWORDS)
    return frozenset(message for _file, _line, message, _comments, _context in found)


def command_texts(payloads: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield every text of the commands that is sent to Discord, and whether it is a name, description or free text."""
    for payload in payloads:
        for key in ("name", "description"):
            # The names of choices and of menus are free text.
            plain = "value" in payload or payload.get("type") == 3
            if payload.get(key):
                yield payload[key], "text" if plain else key
        yield from command_texts(payload.get("options", []) + payload.get("choices", []))


def forms(texts: Id | list[str] | None) -> tuple[str, ...]:
    """Return the singular and plurals of a text, or its only form."""
    return (texts,) if isinstance(texts, str) else tuple(texts or ())


@pytest.fixture
def payloads(simcord_env: simcord.Env, simcord_bot: Emobot) -> list[dict[str, Any]]:
    del simcord_env  # which has loaded the cogs
    return [command.to_dict(simcord_bot.tree) for command in simcord_bot.tree.get_commands()]


@cache
def read_catalogue(language: str) -> Catalog:
    with (LOCALES / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


@pytest.fixture(params=sorted(set(LANGUAGES.values())))
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    return read_catalogue(request.param)


def messages(catalogue: Catalog) -> Iterable[Message]:
    return [message for message in catalogue if message.id]


def translated(catalogue: Catalog, text: str) -> str:
    message = catalogue.get(text)
    assert message
    return str(message.string)


def test_every_text_is_translated_and_no_translation_is_unused(
    catalogue: Catalog, payloads: list[dict[str, Any]]
) -> None:
    wanted = marked_texts() | {text for text, _ in command_texts(payloads)} | set(LABELS)
    assert len(wanted) > 100
    assert any(isinstance(text, tuple) for text in wanted)
    in_catalogue = {message.id if isinstance(message.id, str) else tuple(message.id) for message in messages(catalogue)}
    assert wanted - in_catalogue == set()
    assert in_catalogue - wanted == set()
    assert not catalogue.obsolete
    assert not any(message.fuzzy for message in messages(catalogue))


def test_each_language_has_its_plural_forms(catalogue: Catalog) -> None:
    plural = get_plural(catalogue.locale_identifier)
    assert (catalogue.num_plurals, catalogue.plural_expr) == (plural.num_plurals, plural.plural_expr)
    assert [error for _message, errors in catalogue.check() for error in errors] == []
    for message in messages(catalogue):
        assert len(forms(message.string)) == (plural.num_plurals if message.pluralizable else 1)
        assert all(forms(message.string))


def test_translations_keep_the_placeholders_of_the_original(catalogue: Catalog) -> None:
    def fields(text: str) -> list[str]:
        return sorted(str(field) for _, field, _, _ in string.Formatter().parse(text) if field is not None)

    for message in messages(catalogue):
        original, *_ = forms(message.id)
        assert [form for form in forms(message.string) if fields(form) != fields(original)] == []


def test_translated_names_are_valid_for_discord(catalogue: Catalog, payloads: list[dict[str, Any]]) -> None:
    for text, kind in command_texts(payloads):
        word = translated(catalogue, text)
        assert len(word) <= (32 if kind == "name" else 100)
        if kind == "name":
            assert NAME.match(word)
            assert word == word.lower()


def test_no_two_commands_share_a_name_in_any_language(catalogue: Catalog, payloads: list[dict[str, Any]]) -> None:
    names = [(payload["type"], translated(catalogue, payload["name"])) for payload in payloads]
    assert len(names) == len(set(names))


async def test_commands_are_registered_in_all_languages(world: World) -> None:
    [sync] = [request for request in world.env.http_requests if request.method == "PUT" and "commands" in request.path]
    assert isinstance(sync.json, list)
    [compare] = [payload for payload in sync.json if payload["name"] == "compare"]
    assert set(compare["description_localizations"]) == set(LANGUAGES)


async def test_answers_are_in_the_language_of_the_user(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    german = translator(discord.Locale.german)
    monkeypatch.setitem(LANGUAGES, "en-US", "de")  # the language of SimCord's people
    result = await world.alice.slash(world.channel, "compare", text="happy")
    assert result.response
    assert german("joy") in panel_text(result.response)
    assert german("joy") != "joy"


def test_unsupported_language_falls_back_to_english() -> None:
    assert translator(discord.Locale.finnish)("joy") == "joy"
    assert translator(None) is ENGLISH


@pytest.mark.parametrize(
    ("locale", "of_counts"),
    [
        (None, {0: "0 messages.", 1: "1 message.", 1234: "1,234 messages."}),
        ("de", {0: "0 Nachrichten.", 1: "1 Nachricht.", 1234: "1.234 Nachrichten."}),
        ("es-ES", {1: "1 mensaje.", 2: "2 mensajes.", 10**6: "1.000.000 de mensajes."}),
        ("fr", {0: "0 message.", 2: "2 messages.", 10**6: "1\u202f000\u202f000 de messages."}),
        ("pt-BR", {0: "0 mensagem.", 2: "2 mensagens.", 10**6: "1.000.000 de mensagens."}),
        ("tr", {1: "1 mesaj.", 2: "2 mesaj."}),
        ("ja", {1: "メッセージ1件。", 2: "メッセージ2件。"}),
    ],
)
def test_the_plural_form_follows_the_number(locale: str | None, of_counts: dict[int, str]) -> None:
    translate = translator(discord.Locale(locale) if locale else None)
    assert {n: translate.plural("{count} message.", "{count} messages.", n) for n in of_counts} == of_counts


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        (None, ("a, b", "0.506", "46%", "45.6%", "Tue", "3", "Mar 3")),
        ("de", ("a, b", "0,506", "46\xa0%", "45,6\xa0%", "Di", "3", "3. März")),
        ("fr", ("a, b", "0,506", "46\xa0%", "45,6\xa0%", "mar.", "3", "3 mars")),
        ("pt-BR", ("a, b", "0,506", "46%", "45,6%", "ter.", "3", "3 de mar.")),
        ("tr", ("a, b", "0,506", "%46", "%45,6", "Sal", "3", "3 Mar")),
        ("ja", ("a、b", "0.506", "46%", "45.6%", "火", "3日", "3月3日")),
    ],
)
def test_lists_numbers_and_dates_follow_the_language(locale: str | None, expected: tuple[str, ...]) -> None:
    translate = translator(discord.Locale(locale) if locale else None)
    day = datetime(2026, 3, 3, tzinfo=UTC)
    numbers = (translate.decimal(0.5064), translate.percent(0.456), translate.exact_percent(0.456))
    days = (translate.short_weekday_name(day), translate.day(day, month=False), translate.day(day, month=True))
    assert (translate.join("ab"), *numbers, *days) == expected


async def test_translation_equal_to_the_original_is_not_sent() -> None:
    context: Any = None
    same = discord.app_commands.locale_str("no such text")
    assert await CommandTranslator().translate(same, discord.Locale.german, context) is None


def test_babel_is_imported_by_the_first_text_that_needs_it() -> None:
    program = (
        "import sys, discord\n"
        "from bot.i18n import translator\n"
        "english, german = translator(None)('joy'), 'babel' in sys.modules\n"
        "print(english, german, translator(discord.Locale.german)('joy'))"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program], capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stdout == "joy False Freude\n"
