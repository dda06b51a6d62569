from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import LANGUAGES
from bot.local_time import DAYS
from bot.server_settings import Day, InvalidSettingsError, Language, Liveliness, ServerSettings, one_emoji
from classifiers import EMOJI
from tests import hostile

SETTINGS = ServerSettings(
    channel_rule="only",
    channels=frozenset({1, 2**62}),
    liveliness=Liveliness.LIVELY,
    model="rnn",
    muted=frozenset({"joy", "Guilt"}),
    emoji={"love": "<:party:123456789012345678>", "joy": "😊"},
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | hostile.texts(50)
    | st.sampled_from([*EMOJI, "😊", "only"]),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(hostile.texts(20), values, max_size=3),
    max_leaves=5,
)
json_files = st.dictionaries(
    st.sampled_from(ServerSettings.__struct_fields__) | hostile.texts(20), json_values, max_size=3
)


@pytest.mark.parametrize("emoji", [*EMOJI.values(), "❤", "👍🏽", "👨‍👩‍👧", "🏳️‍🌈", "🇩🇪", "1️⃣", "#⃣", "©️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🫠"])
def test_single_unicode_emoji_is_accepted(emoji: str) -> None:
    assert one_emoji(emoji)


@pytest.mark.parametrize("emoji", ["<:party:123456789012345678>", "<a:blob_dance:1234567890123456789>"])
def test_custom_emoji_in_the_notation_of_discord_is_accepted(emoji: str) -> None:
    assert one_emoji(emoji)


@pytest.mark.parametrize(
    "text", ["", " ", "a", "1", "#", "joy", ":joy:", "😂😂", "😂 ", "<:x:1>", "<:party:12345678901234567>x", "🇩"]
)
def test_anything_else_is_not_an_emoji(text: str) -> None:
    assert not one_emoji(text)


@given(st.text(max_size=20))
def test_one_emoji_accepts_any_text_as_input(text: str) -> None:
    assert one_emoji(text) in (None, text, text + "\ufe0f")


def test_settings_survive_json() -> None:
    chosen = ServerSettings(
        enabled=False,
        channel_rule="only",
        channels=frozenset({2, 10, 1}),
        liveliness=Liveliness.LIVELY,
        model="rnn",
        muted=frozenset({"joy", "anger"}),
        emoji={"love": "<:party:123456789012345678>"},
        time_zone="Europe/Berlin",
        language="de",
        weekly_channel=3,
        weekly_day="friday",
        weekly_hour=18,
    )
    text = chosen.to_json()
    assert ServerSettings.from_json(text) == chosen
    assert '"channels":[1,2,10]' in text  # in order, so that two exports can be compared
    assert '"muted":["anger","joy"]' in text


@pytest.mark.parametrize(
    ("text", "place", "field"),
    [
        ("", "Invalid JSON", None),
        ("[]", "object", None),
        ('{"liveliness": "wild"}', "liveliness", "liveliness"),
        ('{"time_zone": "Europe/Atlantis"}', "'Europe/Atlantis' is not a time zone", "time_zone"),
        ('{"time_zone": "Europe"}', "'Europe' is not a time zone", "time_zone"),
        ('{"time_zone": "../UTC"}', "'../UTC' is not a time zone", "time_zone"),
        ('{"time_zone": ""}', "'' is not a time zone", "time_zone"),
        ('{"language": "fi"}', "language", "language"),
        ('{"weekly_hour": 24}', "weekly_hour", "weekly_hour"),
        ('{"weekly_day": "Monday"}', "weekly_day", "weekly_day"),
        ('{"emoji": {"joy": "ha"}}', "emoji.joy", "emoji"),
        ('{"emoji": {"joy": 1}}', "emoji", "emoji"),
        ('{"emoji": {"neutral": "😂"}}', "'neutral' is not an emotion", "emoji"),
        ('{"emoji": {" - at `$.model`": "unknown field `mood`"}}', "emoji", "emoji"),
        ('{"muted": ["Neutral"]}', "muted", "muted"),
        ('{"muted": [""]}', "muted", "muted"),
        (f'{{"muted": ["{"x" * 101}"]}}', "muted", "muted"),
        (f'{{"muted": {[str(number) for number in range(501)]}}}'.replace("'", '"'), "muted", "muted"),
        ('{"channels": [-1]}', "channels", "channels"),
        ('{"channel_rule": 7}', "channel_rule", "channel_rule"),
        ('{"future": 1}', "future", "future"),
    ],
)
def test_invalid_settings_are_refused(text: str, place: str, field: str | None) -> None:
    with pytest.raises(InvalidSettingsError) as caught:
        ServerSettings.from_json(text)
    assert place in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.field == field


def test_change_is_validated_and_keeps_the_old_object_unchanged() -> None:
    before = ServerSettings()
    after = before.replace(muted={"joy"}, liveliness="quiet")
    assert (after.muted, after.liveliness) == (frozenset({"joy"}), Liveliness.QUIET)
    assert before == ServerSettings()
    with pytest.raises(InvalidSettingsError):
        before.replace(emoji={"joy": "nonsense"})


def test_any_label_is_accepted_and_ours_in_any_letter_case() -> None:
    settings = ServerSettings.from_json('{"muted": ["JOY", "Guilt"], "emoji": {"Anger": "🔥", "boredom": "🥱"}}')
    assert settings.muted == {"joy", "Guilt"}
    assert settings.emoji == {"anger": "🔥", "boredom": "🥱"}


def test_languages_match_the_catalogues_and_weekdays_are_seven() -> None:
    languages = {LANGUAGES.get(locale, "en") for locale in get_args(Language)}
    assert (languages, len(get_args(Language))) == ({"en", *LANGUAGES.values()}, len(languages))
    assert get_args(Day) == DAYS


@given(
    hostile.damaged(SETTINGS.to_json(indent=1).encode()) | json_files.map(lambda fields: json.dumps(fields).encode())
)
def test_any_file_is_read_or_refused_in_one_line(content: bytes) -> None:
    try:
        read = ServerSettings.from_json(content)
    except InvalidSettingsError as error:
        parts = [str(error), str(error.field)]
    else:
        parts = []
        assert ServerSettings.from_json(read.to_json()) == read
    assert all(part.isprintable() for part in parts)
    assert all(len(fault) <= 300 for fault in parts[:1])
