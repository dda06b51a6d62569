from __future__ import annotations

import dataclasses
import re
from functools import partial
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord
from cachetools import TTLCache
from simcord.backend import serializers
from simcord.components import validate_components, walk_components
from simcord.interactions import base_payload

from bot.compare.cog import Compare
from bot.compare.duel import ALREADY_VOTED, FORGOTTEN, VOTE_COUNTED, DuelPanel, Duels
from bot.compare.panel import Comparison
from bot.errors import UNSAVED
from bot.i18n import LANGUAGES, translator
from bot.reactions.gate import NO_WORDS
from bot.store import Store, StoreError
from bot.ui.discord_limits import MESSAGE_TEXT
from bot.ui.quotation import Quotation
from classifiers import Answer, Classifier, Prediction
from classifiers.explain import Explanation, WordShare
from tests.bot.clock import ManualClock
from tests.bot.compare.support import buttons, compare_as_user_install, panel_of
from tests.bot.interactions import bot_restarts, install_bracket_language, panel_text, press_twice, private_text
from tests.bot.support import PREDICTIONS, StubClassifier, World, database_content, prediction_of

PAIR = ("rnn", "bilstm")
A_IS_BILSTM, A_IS_RNN = "A was the **BiLSTM**, B the **RNN**.", "A was the **RNN**, B the **BiLSTM**."
TOO_FEW = "With fewer than 30 votes for one of the two, I can't tell yet which one people prefer."


@pytest.fixture
def first_is_a() -> bool:
    """Whether the first model becomes A; the RNN comes first in every list of models, and is B by default."""
    return False


@pytest.fixture(autouse=True)
def _coin(world: World, first_is_a: bool) -> None:
    cog = world.bot.get_cog("Compare")
    assert isinstance(cog, Compare)
    cog._duels = Duels(world.bot.store, toss=lambda: first_is_a)


async def duel(world: World, text: str = "odd weather") -> simcord.ResponseMessage:
    """Return the blind comparison that Alice has asked for in the channel."""
    result = await world.alice.slash(world.channel, "compare", text=text, blind=True)
    assert not result.ephemeral
    return panel_of(result)


async def test_two_answers_are_shown_without_model_names(world: World) -> None:
    panel = await duel(world)
    assert panel_text(panel) == (
        "> odd weather\n"
        "Which answer is better? Vote, and I will tell you which model gave which.\n"
        "**A**\n"
        "`████████    80%` ❤️ love\n"
        "> **odd** weather\n"
        "**B**\n"
        "`███████     70%` 😨 fear\n"
        "> **odd** weather\n"
        "-# Words in **bold** speak for the strongest emotion, ~~struck-out~~ ones against it.\n"
        "-# Nothing you write is kept."
    )
    assert buttons(panel) == ["A", "B", "Both", "Neither"]


class TestOppositeCoin:
    @pytest.fixture
    def first_is_a(self) -> bool:
        return True

    async def test_a_is_the_other_model(self, world: World) -> None:
        panel = await duel(world)
        assert "**A**\n`███████     70%` 😨 fear\n" in panel_text(panel)
        assert private_text(await world.alice.click(panel, label="A")).startswith(A_IS_RNN)
        assert await world.bot.store.verdicts(PAIR) == {"rnn": 1}


def test_order_is_random(world: World) -> None:
    duels = Duels(world.bot.store)
    assert {duels.start(number, PAIR) for number in range(100)} == {PAIR, PAIR[::-1]}


def test_the_models_of_a_duel_are_forgotten_after_a_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    monkeypatch.setattr("bot.compare.duel.TTLCache", partial(TTLCache, timer=clock))
    duels = Duels(world.bot.store)
    sides = duels.start(1, PAIR)
    clock.now += 86_399
    assert duels.sides(1) == sides
    clock.now += 1
    assert duels.sides(1) is None


async def test_message_does_not_reveal_the_models_before_the_vote(world: World) -> None:
    sent = []
    for toss in (lambda: True, lambda: False):
        cog = world.bot.get_cog("Compare")
        assert isinstance(cog, Compare)
        cog._duels = Duels(world.bot.store, toss=toss)
        panel = await duel(world, "happy")  # both models agree on it
        shown = str(panel.components)
        assert not re.search("rnn|lstm|gru", shown, re.IGNORECASE)
        sent.append(re.sub(r"duel:(a|b|both|neither):\d+", r"duel:\1:ID", shown))
    assert sent[0] == sent[1]
    assert sent[0].count(":ID'") == 4


@pytest.mark.parametrize(
    ("label", "verdict"), [("A", "bilstm"), ("B", "rnn"), ("Both", "both"), ("Neither", "neither")]
)
async def test_vote_is_counted_and_reveals_the_names_to_the_voter_alone(
    world: World, bob: simcord.MemberActor, label: str, verdict: str
) -> None:
    panel = await duel(world)
    before = panel_text(panel)
    lines = private_text(await bob.click(panel, label=label)).split("\n")
    assert lines[:2] == [A_IS_BILSTM, VOTE_COUNTED]
    assert lines[2].startswith("1 vote in this server: ")
    assert lines[3:] == [TOO_FEW]
    assert (panel_text(panel), buttons(panel)) == (before, ["A", "B", "Both", "Neither"])
    assert await world.bot.store.verdicts(PAIR, world.guild.id) == {verdict: 1}


async def test_each_person_has_one_vote_per_comparison(world: World, bob: simcord.MemberActor) -> None:
    first, second = await duel(world), await duel(world)
    assert VOTE_COUNTED in private_text(await world.alice.click(first, label="A"))
    lines = private_text(await world.alice.click(first, label="B")).split("\n")
    assert lines[:3] == [A_IS_BILSTM, ALREADY_VOTED, "1 vote in this server: BiLSTM 1, RNN 0, both 0, neither 0."]
    assert VOTE_COUNTED in private_text(await bob.click(first, label="B"))
    lines = private_text(await world.alice.click(second, label="Both")).split("\n")
    assert lines[1:3] == [VOTE_COUNTED, "3 votes in this server: BiLSTM 1, RNN 1, both 1, neither 0."]


async def test_a_double_click_counts_once(world: World) -> None:
    panel = await duel(world)
    [custom_id] = [part["custom_id"] for part in walk_components(panel.components) if part.get("label") == "A"]
    answers = await press_twice(world, world.alice, panel, custom_id)
    assert [answer.acknowledged for answer in answers] == [True, True]
    assert await world.bot.store.verdicts(PAIR) == {"bilstm": 1}


async def test_panel_in_direct_messages_reveals_the_names(world: World) -> None:
    await world.bot.store.add_verdict(world.guild.id, PAIR, "rnn")
    user = world.alice.user
    panel = panel_of(await user.slash("compare", text="odd weather", blind=True))
    *before, note = panel_text(panel).split("\n")
    await user.click(panel, label="A")
    assert panel_text(panel).split("\n") == [
        *before,
        A_IS_BILSTM,
        VOTE_COUNTED,
        "2 votes everywhere: BiLSTM 1, RNN 1, both 0, neither 0.",
        TOO_FEW,
        note,
    ]
    assert buttons(panel) == []
    assert await world.bot.store.verdicts(PAIR, 0) == {"bilstm": 1}


async def test_panel_in_a_group_conversation_does_not_reveal_the_names(world: World) -> None:
    """One of the people has installed the bot, and all of them see the panel."""
    result = await compare_as_user_install(world, text="odd", context=2, integration_owners={"0": "1"}, blind=True)
    panel = panel_of(result)
    before = panel_text(panel)
    backend = world.env.backend
    record, payload = base_payload(
        backend,
        type=3,
        channel_id=panel.channel_id,
        guild_id=None,
        user_id=world.alice.id,
        data={"custom_id": custom_id_of(panel, "a"), "component_type": 2},
    )
    record.source_message_id = panel.id
    message = dict(serializers.message_payload(backend, backend.get_message(panel.channel_id, panel.id)))
    backend.emit("INTERACTION_CREATE", payload | {"context": 2, "message": message})
    await world.env.settle()
    assert A_IS_BILSTM in private_text(simcord.InteractionResult(world.env, record))
    assert panel_text(panel) == before


async def test_vote_after_a_restart_is_refused_with_the_reason(world: World, models: dict[str, Classifier]) -> None:
    panel = await duel(world)
    async with bot_restarts(world, models) as restart:
        await restart()
        assert private_text(await world.alice.click(panel, label="A")) == FORGOTTEN
        assert await world.bot.store.verdicts(PAIR) == {}


async def test_vote_can_be_repeated_if_the_store_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = await duel(world)
    with monkeypatch.context() as broken:
        broken.setattr(Store, "add_verdict", failing)
        assert private_text(await world.alice.click(panel, label="A")) == UNSAVED
    assert VOTE_COUNTED in private_text(await world.alice.click(panel, label="A"))
    assert await world.bot.store.verdicts(PAIR) == {"bilstm": 1}


async def test_vote_counts_if_only_reading_the_standings_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = await duel(world)
    with monkeypatch.context() as broken:
        broken.setattr(Store, "verdicts", failing)
        lines = private_text(await world.alice.click(panel, label="A")).split("\n")
    assert lines == [A_IS_BILSTM, VOTE_COUNTED, "I can't look that up right now."]
    assert await world.bot.store.verdicts(PAIR) == {"bilstm": 1}


@pytest.mark.parametrize("use", ["a vote", "a vote in a direct message", "the command"])
async def test_vote_is_acknowledged_before_the_store_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch, use: str
) -> None:
    """A store that does not respond takes seconds for each question, but Discord waits for only three."""
    answered = []

    async def ask(*_arguments: object) -> dict[str, int]:
        answered.append(any(request.path.endswith("/callback") for request in world.env.http_requests[before:]))
        return {}

    direct = await world.alice.user.slash("compare", text="odd weather", blind=True)
    panel = await duel(world)
    before = len(world.env.http_requests)
    for method in ("add_verdict", "verdicts"):
        monkeypatch.setattr(Store, method, ask)
    if use == "a vote":
        await world.alice.click(panel, label="A")
    elif use == "the command":
        await world.alice.slash(world.channel, "compare", standings=True)
    else:
        assert direct.response
        await world.alice.user.click(direct.response, label="A")
    assert set(answered) == {True}


async def failing(*_arguments: Any) -> None:
    raise StoreError("the database is locked")


async def test_text_without_words_starts_no_blind_comparison(world: World, bilstm: StubClassifier) -> None:
    result = await world.alice.slash(world.channel, "compare", text="https://example.com", blind=True)
    assert private_text(result) == NO_WORDS
    for model in world.bot.analyzer.models.values():
        assert isinstance(model, StubClassifier)
        model.predictions = {"bonjour": dataclasses.replace(prediction_of(neutral=0.9), known=0.0)}
    result = await world.alice.slash(world.channel, "compare", text="bonjour", blind=True)
    assert private_text(result) == "I know too few of its words; I understand only English."
    bilstm.predictions = dict(PREDICTIONS)
    assert await duel(world, "happy")


async def test_store_keeps_neither_text_nor_voter(world: World, tmp_path: Path) -> None:
    await world.alice.click(await duel(world, "odd secret"), label="Both")
    await world.bot.store.close()
    kept = database_content(tmp_path)
    assert b"both" in kept
    assert b"secret" not in kept
    assert str(world.alice.id).encode() not in kept


async def standings(channel: simcord.ChannelHandle, member: simcord.MemberActor, **options: object) -> dict[str, str]:
    """Return what `/compare standings` shows, by title."""
    return standings_in(await member.slash(channel, "compare", standings=True, **options))


def standings_in(result: simcord.InteractionResult) -> dict[str, str]:
    assert result.response
    assert result.ephemeral
    [embed] = result.response.embeds
    return {str(field.name): str(field.value) for field in embed.fields}


async def test_standings_name_the_model_that_is_ahead(world: World, bilstm: StubClassifier) -> None:
    fields = await standings(world.channel, world.alice)
    assert fields == {
        "Blind comparisons": "No votes yet: `/compare` with `blind` shows two answers to choose from, without names."
    }
    for _ in range(30):
        await world.bot.store.add_verdict(world.guild.id, PAIR, "bilstm")
    await world.bot.store.add_verdict(0, PAIR, "neither")
    fields = await standings(world.channel, world.alice, text="a text beside it", blind=True)
    assert fields == {
        "Blind comparisons": "30 votes in this server: BiLSTM 30, RNN 0, both 0, neither 0.\n"
        "The BiLSTM is ahead with 100% of 30 votes for one of the two; the 95% confidence interval is 89% to 100%."
    }
    assert bilstm.batches == []
    everywhere = standings_in(await world.alice.user.slash("compare", standings=True))["Blind comparisons"]
    assert everywhere.startswith("31 votes everywhere: BiLSTM 30, RNN 0, both 0, neither 1.")


class TestWithOneModel:
    @pytest.fixture
    def models(self, bilstm: StubClassifier) -> dict[str, Classifier]:
        return {"bilstm": bilstm}

    async def test_blind_comparison_is_refused_in_one_sentence(self, world: World) -> None:
        result = await world.alice.slash(world.channel, "compare", text="happy", blind=True)
        assert private_text(result) == "A blind comparison needs two models, and only the BiLSTM is loaded."
        result = await world.alice.slash(world.channel, "compare", standings=True)
        assert private_text(result) == "A blind comparison needs two models, and only the BiLSTM is loaded."


def emotions_in(panel: simcord.ResponseMessage) -> set[str]:
    """Return which of the strongest emotions of three models a panel shows."""
    return {emotion for emotion in ("fear", "pride", "love") if emotion in panel_text(panel)}


class TestWithThreeModels:
    @pytest.fixture
    def models(self, bilstm: StubClassifier) -> dict[str, Classifier]:
        gru = StubClassifier({"odd": prediction_of(pride=0.6)})
        return {"rnn": StubClassifier({"odd": prediction_of(fear=0.7)}), "gru": gru, "bilstm": bilstm}

    async def test_chosen_models_are_compared(self, world: World) -> None:
        result = await world.alice.slash(world.channel, "compare", text="odd", blind=True, models="GRU + RNN")
        panel = panel_of(result)
        assert emotions_in(panel) == {"fear", "pride"}
        answer = private_text(await world.alice.click(panel, label="A"))
        assert answer.startswith("A was the **GRU**, B the **RNN**.")
        assert "1 vote in this server: GRU 1, RNN 0, both 0, neither 0." in answer
        assert await world.bot.store.verdicts(("rnn", "gru")) == {"gru": 1}

    async def test_more_than_two_models_are_refused(self, world: World) -> None:
        result = await world.alice.slash(world.channel, "compare", text="odd", blind=True, models="GRU + RNN + BiLSTM")
        assert private_text(result) == "Please choose two of the models that are loaded: RNN, GRU, BiLSTM."

    async def test_standings_show_every_pair_with_votes_or_the_chosen_one(self, world: World) -> None:
        await world.bot.store.add_verdict(world.guild.id, ("rnn", "gru"), "gru")
        fields = await standings(world.channel, world.alice)
        assert list(fields) == ["Blind comparisons", "Blind comparisons: RNN + GRU"]
        assert fields["Blind comparisons: RNN + GRU"].startswith("1 vote in this server: GRU 1, RNN 0,")
        fields = await standings(world.channel, world.alice, models="BiLSTM + GRU")
        assert list(fields) == ["Blind comparisons: GRU + BiLSTM"]
        assert fields["Blind comparisons: GRU + BiLSTM"].startswith("No votes yet:")

    async def test_standings_report_a_failing_store_once(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Store, "verdicts", failing)
        assert await standings(world.channel, world.alice) == {"Blind comparisons": "I can't look that up right now."}

    async def test_default_pair_is_the_reacting_and_the_other_shipped_model(self, world: World) -> None:
        assert emotions_in(await duel(world)) == {"love", "fear"}
        gru = world.bot.analyzer.models["gru"]
        assert isinstance(gru, StubClassifier)
        assert gru.batches == []
        await world.configure(model="gru")
        panel = await duel(world)
        assert emotions_in(panel) == {"love", "pride"}
        assert "A was the **BiLSTM**, B the **GRU**." in private_text(await world.alice.click(panel, label="A"))
        assert await world.bot.store.verdicts(("gru", "bilstm")) == {"bilstm": 1}


async def test_every_word_is_translated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    install_bracket_language(monkeypatch)
    panel = await duel(world)
    assert re.findall(r"[A-Za-z]{2,}", re.sub("«[^«»]*»", "", panel_text(panel))) == ["odd", "weather"] * 3
    assert [label for label in buttons(panel) if not label.startswith("«")] == ["A", "B"]
    answer = private_text(await world.alice.click(panel, custom_id=custom_id_of(panel, "both")))
    assert all(line.startswith("«") and line.endswith("»") for line in answer.split("\n"))
    [(title, lines)] = (await standings(world.channel, world.alice)).items()
    assert all(line.startswith("«") and line.endswith("»") for line in (title, *lines.split("\n")))


def custom_id_of(panel: simcord.ResponseMessage, vote: str) -> str:
    [found] = [
        str(part["custom_id"])
        for part in walk_components(panel.components)
        if str(part.get("custom_id")).startswith(f"duel:{vote}:")
    ]
    return found


@pytest.mark.parametrize("locale", [discord.Locale.british_english, *map(discord.Locale, LANGUAGES)])
async def test_longest_blind_comparison_fits(locale: discord.Locale) -> None:
    labels = tuple(f"label {'+' * 20} {place}" for place in range(200))
    prediction = Prediction(labels, tuple(place == 7 for place in range(200)), (0.3,) * 200)
    quotation = Quotation.from_text("😂😂😂😂+++++ " * 400)
    words = [
        WordShare(word[0], word.start(), word.end(), 0.5 * (-1) ** place)
        for place, word in enumerate(re.finditer(r"\S+", quotation.text))
    ]
    explanation = Explanation("joy", 0.9, tuple(words))
    comparison = Comparison(
        quotation, 7, dict.fromkeys(PAIR, Answer(prediction, 1.0)), dict.fromkeys(PAIR, explanation), read=1000
    )
    panel: Any = DuelPanel(comparison, PAIR, 10**19, translator(locale))
    validate_components(panel.to_components(), flags=1 << 15)
    longest_answer = "x" * 1000  # longer than the names and the standings in any language
    texts = [part["content"] for part in walk_components(panel.to_components()) if part["type"] == 10]
    assert sum(len(text.encode("utf-16-le")) // 2 for text in (*texts, longest_answer)) <= MESSAGE_TEXT
