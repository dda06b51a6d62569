from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reactions.grave_topics import is_grave
from tests import hostile

TEXTS = Path(__file__).parent / "texts"
GRAVE = (TEXTS / "grave.txt").read_text(encoding="utf-8").splitlines()
LIGHT = (TEXTS / "light.txt").read_text(encoding="utf-8").splitlines()


def test_grave_texts_are_recognised() -> None:
    assert len(GRAVE) >= 150
    assert [text for text in GRAVE if not is_grave(text)] == []


def test_hardly_any_harmless_text_is_taken_for_grave() -> None:
    """For example, figures of speech about death, and the sign of the zodiac."""
    assert len(LIGHT) >= 150
    assert len([text for text in LIGHT if is_grave(text)]) / len(LIGHT) <= 0.02


@pytest.mark.parametrize(
    "text",
    [
        *("I want to KILL MYSELF", "i want to ki\u200bll my\u00adself", "i want to **kill** _myself_", "||kms||"),
        *("\uff4b\uff59\uff53", "k\u0336y\u0336s\u0336", "s.u.i.c.i.d.e", "su1cide", "sui\ncide", "unal1ve"),
    ],
)
def test_disguised_grave_words_are_recognised(text: str) -> None:
    assert is_grave(text)


@pytest.mark.parametrize(
    "text", ["> my dad died\nfine", "`kms` is a unit", "https://example.org/suicide is down", "", "💀"]
)
def test_quoted_and_linked_words_do_not_count(text: str) -> None:
    assert not is_grave(text)


@pytest.mark.parametrize("text", ["s_u_i_c_i_d_e_", "s_u_i_c_i_d_e_ again", "s u_i_c i_d_e_"])
def test_spelled_out_word_may_end_with_its_separator(text: str) -> None:
    assert is_grave(text)


@given(hostile.texts() | st.lists(st.sampled_from("my dad is so s u i k m died dead to 🙂".split())).map(" ".join))
def test_any_text_is_judged(text: str) -> None:
    assert is_grave(text) in (True, False)
