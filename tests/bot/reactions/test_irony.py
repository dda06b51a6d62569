from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reactions.irony import is_ironic
from tests import hostile

TEXTS = Path(__file__).parent / "texts"
IRONIC = (TEXTS / "ironic.txt").read_text(encoding="utf-8").splitlines()
SINCERE = (TEXTS / "sincere.txt").read_text(encoding="utf-8").splitlines()


def test_each_ironic_phrase_is_recognised() -> None:
    assert len(IRONIC) >= 75
    assert [text for text in IRONIC if not is_ironic(text)] == []


def test_hardly_any_sincere_text_is_taken_for_ironic() -> None:
    """For example, those that begin like an ironic one."""
    assert len(SINCERE) >= 75
    assert len([text for text in SINCERE if is_ironic(text)]) / len(SINCERE) <= 0.04


@pytest.mark.parametrize("text", ["**cool** story", "Thanks… I HATE it", "great, ANOTHER ad", "thanks,\ni hate it"])
def test_markup_case_and_punctuation_do_not_matter(text: str) -> None:
    assert is_ironic(text)


@pytest.mark.parametrize("text", ["> cool story\nI liked it", "`thanks, I hate it`", "", "/", "🙏"])
def test_words_that_the_author_only_quotes_do_not_count(text: str) -> None:
    assert not is_ironic(text)


@given(
    hostile.texts() | st.lists(st.sampled_from("thanks i hate love how great just another / s '".split())).map(" ".join)
)
def test_any_text_is_judged(text: str) -> None:
    assert is_ironic(text) in (True, False)
