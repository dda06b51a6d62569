from __future__ import annotations

import pytest

from bot.i18n import ENGLISH
from bot.ui.standings import MIN_VOTES, standings_lines, wilson_interval

PAIR = ("rnn", "bilstm")


@pytest.mark.parametrize(
    ("wins", "votes", "expected"),
    # As scipy.stats.binomtest(wins, votes).proportion_ci(method="wilson") has them.
    [(0, 10, (0.0, 0.2775)), (10, 10, (0.7225, 1.0)), (15, 30, (0.3315, 0.6685)), (81, 100, (0.7222, 0.8749))],
)
def test_interval_is_wilson_score(wins: int, votes: int, expected: tuple[float, float]) -> None:
    assert wilson_interval(wins, votes) == pytest.approx(expected, abs=5e-5)


def test_no_votes_explain_how_to_vote() -> None:
    [line] = standings_lines({}, PAIR, ENGLISH)
    assert line == "No votes yet: `/compare` with `blind` shows two answers to choose from, without names."


def test_model_with_more_votes_is_named_first() -> None:
    votes, _ = standings_lines({"bilstm": 3, "rnn": 2, "both": 1, "neither": 4}, PAIR, ENGLISH)
    assert votes == "10 votes in this server: BiLSTM 3, RNN 2, both 1, neither 4."
    votes, _ = standings_lines({"bilstm": 1}, PAIR, ENGLISH, everywhere=True)
    assert votes == "1 vote everywhere: BiLSTM 1, RNN 0, both 0, neither 0."


def test_too_few_votes_for_one_model_are_inconclusive() -> None:
    verdicts = {"bilstm": MIN_VOTES - 1, "both": 100, "neither": 100}
    _, conclusion = standings_lines(verdicts, PAIR, ENGLISH)
    assert conclusion == "With fewer than 30 votes for one of the two, I can't tell yet which one people prefer."
    _, conclusion = standings_lines({"bilstm": MIN_VOTES}, PAIR, ENGLISH)
    assert conclusion.startswith("The BiLSTM is ahead with 100% of 30 votes")


def test_interval_containing_one_half_is_too_close_to_call() -> None:
    _, conclusion = standings_lines({"bilstm": 20, "rnn": 12, "both": 5}, PAIR, ENGLISH)
    assert conclusion == (
        "It is too close to call: 62% of 32 votes for one of the two are for the BiLSTM, "
        "but the 95% confidence interval is 45% to 77%."
    )


def test_equal_votes_are_a_tie() -> None:
    _, conclusion = standings_lines({"bilstm": 15, "rnn": 15, "neither": 1}, PAIR, ENGLISH)
    assert conclusion == "It is a tie: of 30 votes for one of the two, each got half."


def test_interval_above_one_half_puts_a_model_ahead() -> None:
    _, conclusion = standings_lines({"rnn": 81, "bilstm": 19}, PAIR, ENGLISH)
    assert conclusion == (
        "The RNN is ahead with 81% of 100 votes for one of the two; the 95% confidence interval is 72% to 87%."
    )
