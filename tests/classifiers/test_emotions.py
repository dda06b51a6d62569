from __future__ import annotations

from itertools import chain

import pytest

from classifiers.emotions import (
    EKMAN,
    EMOJI,
    LABELS,
    NEUTRAL,
    SENTIMENT,
    canonical_spelling,
    checked_emoji,
    listed,
    one_emoji,
    without_emoji,
)


def test_the_labels_are_the_27_emotions_in_order_and_neutral() -> None:
    assert (*sorted(EMOJI), NEUTRAL) == LABELS
    assert len(LABELS) == 28


@pytest.mark.parametrize("groups", [EKMAN, SENTIMENT], ids=["Ekman", "sentiment"])
def test_each_emotion_is_in_exactly_one_group(groups: dict[str, tuple[str, ...]]) -> None:
    assert sorted(chain.from_iterable(groups.values())) == sorted(EMOJI)


def test_each_ekman_emotion_is_a_member_of_its_group() -> None:
    assert list(EKMAN) == ["joy", "surprise", "sadness", "anger", "fear", "disgust"]
    assert all(name in members for name, members in EKMAN.items())


def test_the_groups_are_of_the_published_sizes() -> None:
    assert {name: len(members) for name, members in EKMAN.items()} == {
        "joy": 12,
        "surprise": 4,
        "sadness": 5,
        "anger": 3,
        "fear": 2,
        "disgust": 1,
    }
    assert {name: len(members) for name, members in SENTIMENT.items()} == {
        "positive": 12,
        "ambiguous": 4,
        "negative": 11,
    }


@pytest.mark.parametrize(
    "text",
    [
        *EMOJI.values(),
        "🩷",
        "🫨",
        "👏🏽",
        "🇩🇪",
        "1️⃣",
        "👩‍💻",
        "❤️‍🔥",
        "🏴‍☠️",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    ],
)
def test_one_emoji_accepts_exactly_one_emoji(text: str) -> None:
    assert one_emoji(text) == text
    assert not one_emoji(text * 2)


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("\N{HEAVY BLACK HEART}", "\N{HEAVY BLACK HEART}\ufe0f"),
        ("\N{WHITE MEDIUM STAR}\ufe0f", "\N{WHITE MEDIUM STAR}"),  # as macOS and iOS type it
        ("1\N{COMBINING ENCLOSING KEYCAP}", "1\ufe0f\N{COMBINING ENCLOSING KEYCAP}"),
    ],
)
def test_an_emoji_with_or_without_variation_selector_is_the_same(typed: str, form: str) -> None:
    assert one_emoji(typed) == one_emoji(form) == form


def test_default_emoji_are_in_the_form_that_unicode_recommends() -> None:
    assert [one_emoji(emoji) for emoji in EMOJI.values()] == list(EMOJI.values())


@pytest.mark.parametrize("text", ["", "a", "1", ":)", "<:a:123456789012345678>", "🙂 ", "🇩", "🇦🇦"])
def test_one_emoji_refuses_anything_else(text: str) -> None:
    assert not one_emoji(text)


@pytest.mark.parametrize(
    ("labels", "ours"),
    [
        (("Joy", "ANGER", "Neutral", "Happy"), ("joy", "anger", "neutral", "Happy")),
        (("joy", "guilt"), ("joy", "guilt")),
        (("Joy", "joy"), ("Joy", "joy")),
    ],
)
def test_own_labels_are_recognised_in_any_letter_case(labels: tuple[str, ...], ours: tuple[str, ...]) -> None:
    assert canonical_spelling(labels) == ours


def test_listed_names_at_most_forty_labels() -> None:
    labels = [f"label {number}" for number in range(41)]
    assert listed(labels[:2]) == "label 0, label 1"
    assert listed(labels[:40]).endswith(", label 39")
    assert listed(labels).endswith(", label 39 and 1 more")
    assert listed([]) == ""


def test_labels_without_emoji_are_found() -> None:
    assert without_emoji(LABELS, {}) == []
    assert without_emoji(("happy", "guilt", "joy", "neutral"), {"guilt": "🫥"}) == ["happy"]


def test_emoji_are_assigned_to_labels_in_any_letter_case() -> None:
    assert checked_emoji({"happy": "😊", "JOY": "🎉"}, ("Happy", "joy", "neutral")) == {"Happy": "😊", "joy": "🎉"}


@pytest.mark.parametrize(
    ("label", "emoji", "complaint"),
    [
        ("glad", "😊", "there is an emoji for 'glad', but the emotions are happy, joy$"),
        ("neutral", "😐", "there is an emoji for 'neutral'"),
        ("happy", ":)", "the emoji for 'happy' is ':\\)', which is not one emoji"),
        ("happy", "😊😊", "which is not one emoji"),
        ("happy", "<:party:123456789012345678>", "which is not one emoji"),
    ],
)
def test_emoji_for_an_unknown_label_and_text_that_is_not_one_emoji_are_refused(
    label: str, emoji: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        checked_emoji({label: emoji}, ("happy", "joy", "neutral"))
