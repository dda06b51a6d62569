from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reactions.gate import (
    NO_WORDS,
    NOT_A_PERSON,
    NOT_HERE,
    SENTENCES,
    author_kind_reason,
    no_words_reason,
    settings_reason,
)
from bot.reactions.outcomes import Outcome
from bot.server_settings import ServerSettings


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (ServerSettings(), None),
        (ServerSettings(enabled=False), Outcome.SWITCHED_OFF),
        (ServerSettings(channels=frozenset({1})), Outcome.LEFT_OUT),
        (ServerSettings(channels=frozenset({2})), Outcome.LEFT_OUT),  # its thread's channel
        (ServerSettings(channels=frozenset({3})), Outcome.LEFT_OUT),  # its category
        (ServerSettings(channels=frozenset({4})), None),
        (ServerSettings(channel_rule="only", channels=frozenset({3, 4})), None),
        (ServerSettings(channel_rule="only", channels=frozenset({4})), Outcome.LEFT_OUT),
        (ServerSettings(channel_rule="only"), Outcome.LEFT_OUT),
    ],
)
def test_messages_are_read_only_in_channels_that_the_settings_cover(
    server: ServerSettings, reason: Outcome | None
) -> None:
    assert settings_reason(server, 1, 2, 3, age_restricted=False) == reason
    assert reason is None or SENTENCES[reason] == NOT_HERE


def test_age_restricted_channels_are_read_only_if_the_server_allows_it() -> None:
    assert settings_reason(ServerSettings(), 1, age_restricted=True) == Outcome.AGE_RESTRICTED
    assert settings_reason(ServerSettings(age_restricted=True), 1, age_restricted=True) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", None),
        ("😂", None),
        ("", Outcome.EMPTY),
        (" \n\t ", Outcome.EMPTY),
        ("https://example.com/happy", Outcome.MARKUP),
        ("<@123456789012345678> <a:wave:123456789012345678>", Outcome.MARKUP),
        ("```py\nhappy = True\n```", Outcome.MARKUP),
    ],
)
def test_a_text_without_words_is_not_read(text: str, reason: Outcome | None) -> None:
    assert no_words_reason(text) == reason
    assert reason is None or SENTENCES[reason] == NO_WORDS


@pytest.mark.parametrize(
    ("author", "reason"),
    [
        ({"itself": True, "bot": True}, Outcome.ITSELF),
        ({"webhook": True, "bot": True}, Outcome.WEBHOOK),
        ({"bot": True}, Outcome.BOT),
        ({"system": True}, Outcome.SYSTEM),
    ],
)
def test_only_messages_of_people_are_read(author: dict[str, bool], reason: Outcome) -> None:
    assert author_kind_reason() is None
    assert author_kind_reason(**author) == reason
    assert SENTENCES[reason] == NOT_A_PERSON


@given(st.text())
def test_any_text_is_decided_on(text: str) -> None:
    assert no_words_reason(text) in (None, Outcome.EMPTY, Outcome.MARKUP)
