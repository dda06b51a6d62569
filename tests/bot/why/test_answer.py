from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import ENGLISH
from bot.reactions.history import MessageRecord
from bot.reactions.outcomes import Outcome
from bot.reactions.pace import PROFILES, ChannelState
from bot.reactions.policy import Decision
from bot.reactions.sentences import SENTENCES
from bot.server_settings import Liveliness, ServerSettings
from bot.why.answer import PACE, Finding, format_answer, reason_for_silence, setting_for
from classifiers.explain import WordShare

NORMAL = PROFILES[Liveliness.NORMAL]

MESSAGE = 2000
"""The characters of a message without components."""


def finding(reason: Outcome | None, words: list[WordShare] | None = None) -> Finding:
    decision = Decision(None if reason else "😃", "joy", 0.9, 0.5, reason, NORMAL)
    return Finding(None, reason, decision, words or [], (), None)


def hears_unsure_joy(_settings: ServerSettings, _channel: ChannelState) -> Decision:
    return Decision(None, "joy", 0.4, 0.5, Outcome.UNSURE, NORMAL)


def test_every_outcome_of_an_existing_message_has_a_sentence() -> None:
    assert set(Outcome) - set(SENTENCES) == {Outcome.REACTED, Outcome.MESSAGE_GONE}
    for reason in SENTENCES:
        for text in (format_answer(reason, ENGLISH), format_answer(finding(reason), ENGLISH)):
            assert text
        assert "{" not in format_answer(finding(reason), ENGLISH)


def test_certainty_just_below_the_required_one_is_told_apart_from_it() -> None:
    decision = Decision(None, "joy", 0.746, 0.75, Outcome.UNSURE, NORMAL)
    answer = format_answer(Finding(None, Outcome.UNSURE, decision, [], (), None), ENGLISH)
    assert "with a certainty of 74.6%; to react I need 75%." in answer


def test_at_most_three_distinct_words_are_named_strongest_first() -> None:
    shares = {"*a*": 0.2, "b": 0.04, "c": -0.9, "d": 0.4, "e": 0.1, "f": 0.05}
    words = [WordShare(word, 0, 1, share) for word, share in shares.items()]
    answer = format_answer(finding(None, [*words, *words]), ENGLISH)
    assert answer.split("\n")[2] == "These words counted most: **d**, **\\*a\\***, **e**"
    assert (
        format_answer(finding(None, words[1:3]), ENGLISH).split("\n")[2] == "No single word makes the difference here."
    )


@given(st.lists(st.text(alphabet="*_`~|\\@<:>字😂é", min_size=1).map(lambda text: text * 500), max_size=5))
def test_long_words_fit_into_the_answer(texts: list[str]) -> None:
    words = [WordShare(text, 0, len(text), 0.5) for text in texts]
    assert len(format_answer(finding(Outcome.ENOUGH, words), ENGLISH)) < MESSAGE


@pytest.mark.parametrize("then", [None, Outcome.REACTED, Outcome.UNSURE, Outcome.STALE])
def test_verdict_on_the_text_is_given_whatever_happened(then: Outcome | None) -> None:
    assert reason_for_silence(Outcome.MUTED, MessageRecord(outcome=then)) == Outcome.MUTED


@pytest.mark.parametrize("now", [None, *sorted(PACE)])
def test_recorded_outcome_takes_precedence_over_the_current_pace(now: Outcome | None) -> None:
    assert reason_for_silence(now, MessageRecord(outcome=Outcome.STALE)) == Outcome.STALE
    assert reason_for_silence(now, MessageRecord(outcome=Outcome.COOLING_DOWN)) == Outcome.COOLING_DOWN
    assert reason_for_silence(now, MessageRecord(outcome=Outcome.REACTED, unwanted=True)) == Outcome.TAKEN_BACK
    for unknown in (
        None,
        MessageRecord(),
        MessageRecord(outcome=Outcome.UNSURE),
    ):  # the settings may have changed since
        assert reason_for_silence(now, unknown) == now


@pytest.mark.parametrize(
    ("reason", "liveliness", "dislikes", "setting"),
    [
        (Outcome.ENOUGH, Liveliness.QUIET, 0, ("Liveliness", "normal")),
        (Outcome.ENOUGH, Liveliness.QUIET, 1, ("Holding back", "React as usual")),
        (Outcome.COOLING_DOWN, Liveliness.NORMAL, 1, ("Liveliness", "lively")),  # dislikes do not lengthen the pause
        (Outcome.COOLING_DOWN, Liveliness.LIVELY, 1, ()),
        (Outcome.UNSURE, Liveliness.QUIET, 1, ()),
        (Outcome.MUTED, Liveliness.QUIET, 1, ("Muted emotions",)),
        (Outcome.GRAVE, Liveliness.QUIET, 1, ()),
        (Outcome.IRONIC, Liveliness.QUIET, 1, ()),
        (None, Liveliness.QUIET, 1, ()),
    ],
)
def test_suggested_setting_would_change_the_outcome(
    reason: Outcome | None, liveliness: Liveliness, dislikes: int, setting: tuple[str, ...]
) -> None:
    assert setting_for(reason, ServerSettings(liveliness=liveliness), dislikes, hears_unsure_joy) == setting


def test_least_lively_sufficient_setting_is_suggested() -> None:
    def if_lively(settings: ServerSettings, channel: ChannelState) -> Decision:
        enough = settings.liveliness == Liveliness.LIVELY and channel == ChannelState(dislikes=2)
        return Decision("😃" if enough else None, "joy", 0.4, 0.5, None, NORMAL)

    quiet = ServerSettings(liveliness=Liveliness.QUIET)
    assert setting_for(Outcome.UNSURE, quiet, 2, if_lively) == ("Liveliness", "lively")
