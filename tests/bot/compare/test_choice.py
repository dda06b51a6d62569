from __future__ import annotations

import pytest

from bot.compare.choice import ChoiceError, format_models, model_choices, parse_models
from bot.i18n import ENGLISH

FOUR = ("rnn", "gru", "lstm", "bilstm")
USUAL = ("rnn", "bilstm")


def texts(typed: str = "", *, blind: bool = False, loaded: tuple[str, ...] = FOUR) -> list[str]:
    """Return the choices as people see them."""
    return [format_models(choice) for choice in model_choices(loaded, USUAL, typed, blind=blind)]


def test_pairs_are_offered_with_the_default_first_and_all_last() -> None:
    assert texts() == [
        "RNN + BiLSTM",
        "RNN + GRU",
        "RNN + LSTM",
        "GRU + LSTM",
        "GRU + BiLSTM",
        "LSTM + BiLSTM",
        "RNN + GRU + LSTM + BiLSTM",
    ]


def test_blind_comparison_offers_only_pairs() -> None:
    assert texts(blind=True) == texts()[:-1]


def test_two_models_are_offered_once() -> None:
    assert texts(loaded=USUAL) == texts(loaded=USUAL, blind=True) == ["RNN + BiLSTM"]


def test_single_model_is_offered_alone() -> None:
    assert model_choices(("bilstm",), ("bilstm",), "", blind=False) == [("bilstm",)]


@pytest.mark.parametrize(
    ("typed", "left"),
    [("gr", ["RNN + GRU", "GRU + LSTM", "GRU + BiLSTM"]), ("LSTM, gru", ["GRU + LSTM", "GRU + BiLSTM"]), ("x", [])],
)
def test_typed_text_filters_the_choices(typed: str, left: list[str]) -> None:
    assert texts(typed, blind=True) == left


@pytest.mark.parametrize("text", [*texts(), "bilstm rnn", "LSTM,GRU"])
def test_offered_and_typed_choices_can_be_parsed(text: str) -> None:
    assert {*parse_models(text, FOUR, blind=False)} == {*text.casefold().replace(",", " ").replace("+", " ").split()}


def test_parsed_models_are_in_display_order() -> None:
    assert parse_models("BiLSTM + GRU + RNN", FOUR, blind=False) == ("rnn", "gru", "bilstm")


@pytest.mark.parametrize(
    ("text", "blind", "sentence"),
    [
        ("GRU + CNN", False, "I have no model called cnn; these are loaded: RNN, GRU, LSTM, BiLSTM."),
        ("gru", False, "Please choose two of the models that are loaded: RNN, GRU, LSTM, BiLSTM."),
        ("+", True, "Please choose two of the models that are loaded: RNN, GRU, LSTM, BiLSTM."),
        ("rnn gru lstm", True, "Please choose two of the models that are loaded: RNN, GRU, LSTM, BiLSTM."),
    ],
)
def test_impossible_choice_is_reported_in_one_sentence(text: str, blind: bool, sentence: str) -> None:
    with pytest.raises(ChoiceError) as error:
        parse_models(text, FOUR, blind=blind)
    assert error.value.sentence(ENGLISH) == sentence


def test_the_only_model_may_be_chosen() -> None:
    assert parse_models("BiLSTM", ("bilstm",), blind=False) == ("bilstm",)
