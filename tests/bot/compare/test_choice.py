from __future__ import annotations

import pytest

from bot.compare.choice import ChoiceError, chosen, offered, written
from bot.i18n import ENGLISH

FOUR = ("rnn", "gru", "lstm", "bilstm")
USUAL = ("rnn", "bilstm")


def texts(typed: str = "", *, blind: bool = False, loaded: tuple[str, ...] = FOUR) -> list[str]:
    """What is offered, as people see it."""
    return [written(choice) for choice in offered(loaded, USUAL, typed, blind=blind)]


def test_each_pair_is_offered_the_usual_one_first_and_all_last() -> None:
    assert texts() == [
        "RNN + BiLSTM",
        "RNN + GRU",
        "RNN + LSTM",
        "GRU + LSTM",
        "GRU + BiLSTM",
        "LSTM + BiLSTM",
        "RNN + GRU + LSTM + BiLSTM",
    ]


def test_for_a_blind_comparison_only_pairs_are_offered() -> None:
    assert texts(blind=True) == texts()[:-1]


def test_where_there_are_two_they_are_offered_once() -> None:
    assert texts(loaded=USUAL) == texts(loaded=USUAL, blind=True) == ["RNN + BiLSTM"]


def test_one_alone_is_offered_alone() -> None:
    assert offered(("bilstm",), ("bilstm",), "", blind=False) == [("bilstm",)]


@pytest.mark.parametrize(
    ("typed", "left"),
    [("gr", ["RNN + GRU", "GRU + LSTM", "GRU + BiLSTM"]), ("LSTM, gru", ["GRU + LSTM", "GRU + BiLSTM"]), ("x", [])],
)
def test_what_is_typed_narrows_it_down(typed: str, left: list[str]) -> None:
    assert texts(typed, blind=True) == left


@pytest.mark.parametrize("text", [*texts(), "bilstm rnn", "LSTM,GRU"])
def test_what_is_offered_can_be_read_back_and_so_can_what_people_type(text: str) -> None:
    assert {*chosen(text, FOUR, blind=False)} == {*text.casefold().replace(",", " ").replace("+", " ").split()}


def test_the_models_keep_the_order_in_which_they_are_shown() -> None:
    assert chosen("BiLSTM + GRU + RNN", FOUR, blind=False) == ("rnn", "gru", "bilstm")


@pytest.mark.parametrize(
    ("text", "blind", "sentence"),
    [
        ("GRU + CNN", False, "I have no model called cnn; these are loaded: RNN, GRU, LSTM, BiLSTM."),
        ("gru", False, "Please choose two of the models that are loaded: RNN, GRU, LSTM, BiLSTM."),
        ("+", True, "Please choose two of the models that are loaded: RNN, GRU, LSTM, BiLSTM."),
        ("rnn gru lstm", True, "Please choose two of the models that are loaded: RNN, GRU, LSTM, BiLSTM."),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_sentence(text: str, blind: bool, sentence: str) -> None:
    with pytest.raises(ChoiceError) as error:
        chosen(text, FOUR, blind=blind)
    assert error.value.told(ENGLISH) == sentence


def test_the_only_model_may_be_chosen() -> None:
    assert chosen("BiLSTM", ("bilstm",), blind=False) == ("bilstm",)
