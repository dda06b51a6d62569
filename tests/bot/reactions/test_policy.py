from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analysis import fair_queue
from bot.connection import backoff, rate_limits
from bot.reactions import grave_topics, history, irony, outcomes, pace, phrases, policy, reaction_limits
from bot.reactions.outcomes import Outcome
from bot.reactions.pace import MAX_DISLIKES, PROFILES, SETTLED_AFTER, ChannelState, profile_for
from bot.reactions.policy import (
    MIN_KNOWN_SHARE,
    SENSITIVE,
    Decision,
    Policy,
    emoji_for,
    is_cheerful,
    is_understood,
    required_certainty,
)
from bot.server_settings import Liveliness, ServerSettings
from classifiers import EMOJI, LABELS, NEUTRAL, Prediction, load_models
from classifiers.emotions import SENTIMENT
from classifiers.training.datasets import load_dataset
from tests.bot.support import prediction_of

choose = Policy().choose
NORMAL = PROFILES[Liveliness.NORMAL]
PARTY = "<:party:123456789012345678>"

probability = st.floats(0, 1)
emotions = st.sampled_from(sorted(EMOJI))
server_settings = st.builds(
    ServerSettings,
    liveliness=st.sampled_from(Liveliness),
    muted=st.frozensets(emotions, max_size=5),
    emoji=st.dictionaries(emotions, st.sampled_from([*EMOJI.values(), "🎉", "🥀", PARTY]), max_size=5),
)
channel_states = st.builds(
    ChannelState,
    messages=st.integers(1, 200),
    reactions=st.integers(0, 200),
    since_reaction=st.none() | st.floats(0, 600),
    dislikes=st.integers(0, 5),
    since_joining=st.none() | st.floats(0, 2 * SETTLED_AFTER),
)


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    def row() -> tuple[float, ...]:
        return tuple(draw(st.lists(probability, min_size=len(LABELS), max_size=len(LABELS))))

    return Prediction(LABELS, row(), row(), draw(probability), draw(st.sampled_from([1.0, MIN_KNOWN_SHARE, 0.3])))


def test_policy_reacts_with_the_strongest_emotion() -> None:
    decision = Policy(0.5).choose("", prediction_of(joy=0.8, love=0.7))
    assert decision == Decision("😃", "joy", 0.8, 0.5, None, NORMAL)


def test_probabilities_of_neighbouring_emotions_are_combined() -> None:
    """Neither admiration nor joy is certain, but nearly every reader accepts joy."""
    torn = Prediction(("admiration", "joy", "neutral"), (0.5, 0.45, 0.1), (0.3,) * 3, acceptance=(0.55, 0.7, 0.1))
    decision = Policy(0.65).choose("", torn)
    assert (decision.emoji, decision.emotion, decision.certainty) == ("😃", "joy", 0.7)
    assert Policy(0.75).choose("", torn).reason == Outcome.UNSURE


@pytest.mark.parametrize(
    ("prediction", "reason"),
    [
        (prediction_of(neutral=0.6, joy=0.59), Outcome.NEUTRAL),
        (prediction_of(joy=0.49), Outcome.UNSURE),  # over its threshold, but not certain enough
        (
            Prediction(("joy", "neutral"), (0.8, 0.1), (0.85, 0.1)),
            Outcome.UNSURE,
        ),  # certain, under its threshold
        (Prediction(("boredom", "neutral"), (0.8, 0.1), (0.3, 0.3)), Outcome.NO_EMOJI),
    ],
)
def test_each_silence_has_its_outcome(prediction: Prediction, reason: Outcome) -> None:
    decision = Policy(0.5).choose("", prediction)
    assert (decision.emoji, decision.reason) == (None, reason)
    assert (decision.emotion, decision.certainty) == prediction.top(1)[0]


def test_values_at_the_limits_allow_a_reaction() -> None:
    assert Policy(0.5).choose("", Prediction(("joy",), (0.5,), (0.5,))).emoji == "😃"


def test_certainty_of_the_model_is_required_by_default() -> None:
    def joy_with_required(certainty: float) -> Prediction:
        return Prediction(("joy",), (0.6,), (0.3,), certainty)

    assert choose("", joy_with_required(0.6)).emoji == "😃"
    assert choose("", joy_with_required(0.61)).reason == Outcome.UNSURE
    assert Policy(0.5).choose("", joy_with_required(0.61)).emoji == "😃"


@given(predictions(), server_settings, st.none() | channel_states, st.none() | probability)
def test_every_reaction_respects_all_rules(
    prediction: Prediction, server: ServerSettings, channel: ChannelState | None, minimum: float | None
) -> None:
    decision = Policy(minimum, usable=lambda _: False).choose("", prediction, server, channel)
    assert (decision.emotion, decision.certainty) == prediction.top(1)[0]
    assert (decision.emoji is None) == (decision.reason is not None)
    if decision.reason == Outcome.UNSURE:
        assert decision.certainty < decision.required
    if decision.emoji is None:
        return
    assert decision.certainty >= decision.required
    assert decision.emotion != NEUTRAL
    assert decision.emotion not in server.muted
    assert prediction.known >= MIN_KNOWN_SHARE
    assert decision.certainty >= prediction.thresholds[LABELS.index(decision.emotion)]
    wanted = required_certainty(prediction.certainty, server, channel or ChannelState(), minimum)
    assert decision.certainty >= wanted
    assert decision.emoji != PARTY  # which may not be used
    if not SENSITIVE.isdisjoint(prediction.present):
        assert not is_cheerful(decision.emoji)
    if channel:
        profile = profile_for(server, channel)
        assert channel.since_reaction is None or channel.since_reaction >= profile.cooldown
        assert channel.reactions + 1 <= max(1, profile.free, profile.share * channel.messages)


@given(predictions(), server_settings, channel_states, probability, probability)
def test_asking_for_more_certainty_never_adds_a_reaction(
    prediction: Prediction, server: ServerSettings, channel: ChannelState, one: float, two: float
) -> None:
    lenient = Policy(min(one, two)).choose("", prediction, server, channel)
    strict = Policy(max(one, two)).choose("", prediction, server, channel)
    assert strict.emoji in (None, lenient.emoji)


@given(predictions(), channel_states, probability)
def test_livelier_setting_never_removes_a_reaction(
    prediction: Prediction, channel: ChannelState, minimum: float
) -> None:
    quiet, normal, lively = (
        Policy(minimum).choose("", prediction, ServerSettings(liveliness=each), channel).emoji
        for each in (Liveliness.QUIET, Liveliness.NORMAL, Liveliness.LIVELY)
    )
    assert quiet in (None, normal)
    assert normal in (None, lively)


@given(server_settings, probability, st.integers(0, MAX_DISLIKES - 1))
def test_dislike_never_adds_a_reaction(server: ServerSettings, own: float, dislikes: int) -> None:
    before, after = (required_certainty(own, server, ChannelState(dislikes=each)) for each in (dislikes, dislikes + 1))
    assert 0 <= before <= after <= 1
    assert before < after or before == 1


def test_dislikes_halve_share_and_doubt_but_never_silence_a_channel() -> None:
    server = ServerSettings(liveliness=Liveliness.LIVELY)
    certain = prediction_of(joy=0.97)
    for dislikes, allowed, certainty in (
        (0, 70, 0.375),
        (1, 35, 0.6875),
        (2, 17, 0.84375),
        (3, 8, 0.921875),
        (99, 8, 0.921875),
    ):
        for reactions, reason in ((allowed - 1, None), (allowed, Outcome.ENOUGH)):
            channel = ChannelState(messages=100, reactions=reactions, dislikes=dislikes)
            assert choose("", certain, server, channel).reason == reason
        assert required_certainty(0.5, server, channel) == certainty


@pytest.mark.parametrize(
    ("liveliness", "wanted"), [(Liveliness.QUIET, 0.8), (Liveliness.NORMAL, 0.6), (Liveliness.LIVELY, 0.45)]
)
def test_liveliness_changes_the_required_certainty(liveliness: Liveliness, wanted: float) -> None:
    assert required_certainty(0.6, ServerSettings(liveliness=liveliness), ChannelState()) == pytest.approx(wanted)


def test_share_and_pause_limit_the_reactions_of_a_channel() -> None:
    joy = prediction_of(joy=0.95)
    assert choose("", joy, channel=ChannelState(messages=1)).emoji == "😃"
    assert choose("", joy, channel=ChannelState(messages=2, reactions=1, since_reaction=60)).reason == Outcome.ENOUGH
    assert choose("", joy, channel=ChannelState(messages=9, reactions=2, since_reaction=60)).emoji == "😃"
    assert choose("", joy, channel=ChannelState(messages=8, reactions=2, since_reaction=60)).reason == Outcome.ENOUGH
    assert (
        choose("", joy, channel=ChannelState(messages=9, reactions=1, since_reaction=9)).reason == Outcome.COOLING_DOWN
    )
    assert choose("", joy, channel=ChannelState(messages=9, reactions=1, since_reaction=10)).emoji == "😃"


def test_another_language_gets_no_reaction() -> None:
    joy = prediction_of(joy=0.95)
    foreign = Prediction(joy.labels, joy.scores, joy.thresholds, joy.certainty, known=0.59)
    assert choose("", foreign).reason == Outcome.NOT_UNDERSTOOD


def test_shipped_models_recognise_another_language_by_unknown_words() -> None:
    rows = (Path(__file__).parent / "languages.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rnn = load_models()["rnn"]
    foreign = rnn.predict([row.split("\t")[1] for row in rows])
    english = rnn.predict(load_dataset("chat").dev.texts)
    assert sum(is_understood(each) for each in foreign) <= 0.1 * len(foreign)
    assert sum(is_understood(each) for each in english) >= 0.98 * len(english)


def test_muted_emotion_gets_no_reaction() -> None:
    assert choose("", prediction_of(joy=0.95), ServerSettings(muted=frozenset({"joy"}))).reason == Outcome.MUTED


def test_emoji_of_the_server_is_used() -> None:
    server = ServerSettings(emoji={"joy": "🎉", "love": PARTY})
    assert choose("", prediction_of(joy=0.95), server).emoji == "🎉"
    assert choose("", prediction_of(love=0.95), server).emoji == PARTY
    assert Policy(usable=lambda _: False).choose("", prediction_of(love=0.95), server).emoji == EMOJI["love"]


@pytest.mark.parametrize("emotion", sorted(SENSITIVE))
def test_no_cheerful_emoji_for_suffering(emotion: str) -> None:
    assert not is_cheerful(EMOJI[emotion])
    assert emoji_for(emotion, ServerSettings(emoji={emotion: "😂"}), bool, EMOJI[emotion]) == EMOJI[emotion]
    assert emoji_for(emotion, ServerSettings(emoji={emotion: "🥀"}), bool, EMOJI[emotion]) == "🥀"


@pytest.mark.parametrize("skin", ["", "🏻", "🏽", "🏿"])
def test_cheerful_emoji_is_refused_in_any_skin_tone(skin: str) -> None:
    for emoji in ("👏", "💪", "🙌"):
        assert is_cheerful(emoji + skin)
        chosen = ServerSettings(emoji={"grief": emoji + skin})
        assert choose("", prediction_of(grief=0.9), chosen).emoji == EMOJI["grief"]


@pytest.mark.parametrize("label", EMOJI)
def test_grave_message_gets_no_reaction_whatever_is_predicted(label: str) -> None:
    prediction = prediction_of(**{label: 1.0})
    for text in ("cancer is back", "im gonna kill myself lol", "my grandpa just died lol"):
        assert choose(text, prediction) == Decision(None, label, 1.0, 0.5, Outcome.GRAVE, NORMAL)
    assert choose("killing it 💀", prediction).emoji == EMOJI[label]


@pytest.mark.parametrize("text", ["I love how nobody reads the pinned message", "thanks, I hate it", "cool story"])
def test_irony_gets_no_pleasant_emoji(text: str) -> None:
    for label in SENTIMENT["positive"]:
        assert choose(text, prediction_of(**{label: 1.0})) == Decision(None, label, 1.0, 0.5, Outcome.IRONIC, NORMAL)
    assert choose(text, prediction_of(annoyance=1.0)).emoji == EMOJI["annoyance"]
    assert choose(text, prediction_of(amusement=0.2)).reason == Outcome.UNSURE  # the reason that a setting can change


def test_own_label_has_the_emoji_of_its_model_or_of_the_server() -> None:
    mute = Prediction(("guilt", "neutral"), (0.9, 0.1), (0.3, 0.3))
    speaking = Prediction(("guilt", "neutral"), (0.9, 0.1), (0.3, 0.3), emoji={"guilt": "🫥"})
    assert choose("", mute).reason == Outcome.NO_EMOJI
    assert choose("", speaking).emoji == "🫥"
    for prediction in (mute, speaking):
        assert choose("", prediction, ServerSettings(emoji={"guilt": "🪨"})).emoji == "🪨"


def test_cheerful_reaction_is_withheld_if_sadness_is_predicted_too() -> None:
    assert choose("", prediction_of(amusement=0.8, sadness=0.4)).reason == Outcome.DELICATE
    assert choose("", prediction_of(amusement=0.8, annoyance=0.4)).emoji == "😂"


@pytest.mark.parametrize(
    "module",
    [policy, pace, grave_topics, irony, phrases, outcomes, history, reaction_limits, backoff, rate_limits, fair_queue],
)
def test_decision_modules_import_no_io(module: object) -> None:
    tree = ast.parse(Path(str(getattr(module, "__file__"))).read_text())  # noqa: B009 - mypy: an object has no file
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    pure = {
        *("__future__", "array", "asyncio", "bisect", "cachetools", "collections", "collections.abc", "dataclasses"),
        *("enum", "itertools", "math", "typing"),
        *("bot.connection.backoff", "bot.reactions.grave_topics", "bot.reactions.irony", "bot.reactions.outcomes"),
        *("bot.reactions.pace", "bot.reactions.phrases", "bot.reactions.policy", "bot.server_settings", "re"),
    }
    classifiers = {f"classifiers.{name}" for name in ("classifier", "emotions", "markup", "text")}
    assert imported <= pure | classifiers
