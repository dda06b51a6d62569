from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import pacing, policy
from bot.policy import Decision, Silence, choose, ineligible
from classifiers import EMOJI, LABELS, NEUTRAL, Prediction
from tests.bot.scripted import believing

probability = st.floats(0, 1)


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    def row() -> tuple[float, ...]:
        return tuple(draw(st.lists(probability, min_size=len(LABELS), max_size=len(LABELS))))

    return Prediction(LABELS, row(), row())


def test_reacts_with_the_strongest_emotion() -> None:
    decision = choose(believing(joy=0.8, love=0.7), minimum_certainty=0.5)
    assert decision == Decision("😃", "joy", 0.8, None)


@pytest.mark.parametrize(
    ("prediction", "reason"),
    [
        (believing(neutral=0.6, joy=0.59), Silence.NEUTRAL),
        (believing(joy=0.49), Silence.UNSURE),  # over its threshold, but not certain enough
        (
            Prediction(("joy", "neutral"), (0.8, 0.1), (0.85, 0.1)),
            Silence.UNSURE,
        ),  # certain, under its threshold
        (Prediction(("boredom", "neutral"), (0.8, 0.1), (0.3, 0.3)), Silence.NO_EMOJI),
    ],
)
def test_silence_has_its_reason(prediction: Prediction, reason: Silence) -> None:
    decision = choose(prediction, minimum_certainty=0.5)
    assert (decision.emoji, decision.reason) == (None, reason)
    assert (decision.emotion, decision.certainty) == prediction.top(1)[0]


def test_the_borders_belong_to_reacting() -> None:
    assert choose(Prediction(("joy",), (0.5,), (0.5,)), minimum_certainty=0.5).emoji == "😃"


def test_the_model_knows_best_how_certain_is_enough() -> None:
    def believing_in_joy(certainty: float) -> Prediction:
        return Prediction(("joy",), (0.6,), (0.3,), certainty)

    assert choose(believing_in_joy(0.6)).emoji == "😃"
    assert choose(believing_in_joy(0.61)).reason == Silence.UNSURE
    assert choose(believing_in_joy(0.61), minimum_certainty=0.5).emoji == "😃"


@given(predictions(), probability)
@settings(max_examples=100, derandomize=True, deadline=None)
def test_a_reaction_always_keeps_the_rule(prediction: Prediction, minimum: float) -> None:
    decision = choose(prediction, minimum_certainty=minimum)
    assert (decision.emotion, decision.certainty) == prediction.top(1)[0]
    assert (decision.emoji is None) == (decision.reason is not None)
    threshold = prediction.thresholds[LABELS.index(decision.emotion)]
    deserved = decision.emotion != NEUTRAL and decision.certainty >= max(minimum, threshold)
    assert decision.emoji == (EMOJI[decision.emotion] if deserved else None)


@given(predictions(), probability, probability)
@settings(max_examples=50, derandomize=True, deadline=None)
def test_asking_for_more_certainty_never_adds_a_reaction(prediction: Prediction, one: float, two: float) -> None:
    lenient = choose(prediction, minimum_certainty=min(one, two))
    strict = choose(prediction, minimum_certainty=max(one, two))
    assert strict.emoji in (None, lenient.emoji)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", None),
        ("😂", None),
        ("", Silence.EMPTY),
        (" \n\t ", Silence.EMPTY),
        ("https://example.com/happy", Silence.MARKUP),
        ("<@123456789012345678> <a:wave:123456789012345678>", Silence.MARKUP),
        ("```py\nhappy = True\n```", Silence.MARKUP),
    ],
)
def test_a_text_must_have_something_to_read(text: str, reason: Silence | None) -> None:
    assert ineligible(text) == reason


def test_nobody_but_people_is_read() -> None:
    assert ineligible("hello", itself=True, bot=True) == Silence.ITSELF
    assert ineligible("hello", webhook=True, bot=True) == Silence.WEBHOOK
    assert ineligible("hello", bot=True) == Silence.BOT
    assert ineligible("hello", system=True) == Silence.SYSTEM


@given(st.text())
@settings(max_examples=100, derandomize=True, deadline=None)
def test_any_text_is_decided_on(text: str) -> None:
    assert ineligible(text) in (None, Silence.EMPTY, Silence.MARKUP)


@pytest.mark.parametrize("module", [policy, pacing])
def test_decisions_import_nothing_that_reads_or_waits(module: object) -> None:
    tree = ast.parse(Path(str(getattr(module, "__file__"))).read_text())  # noqa: B009
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    pure = {"__future__", "collections.abc", "dataclasses", "enum"}
    assert imported <= pure | {"classifiers.classifier", "classifiers.emotions", "classifiers.text"}
