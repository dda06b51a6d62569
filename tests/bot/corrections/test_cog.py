from __future__ import annotations

import logging
from itertools import chain
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord

from bot.configuration import Configuration
from bot.corrections.cog import ALREADY_ANSWERED, NOT_UNDERSTOOD, OUTDATED, THANKS, Corrections, _question_view
from bot.errors import BUSY, UNSAVED
from bot.i18n import ENGLISH
from bot.reactions.gate import NO_WORDS, NOT_A_PERSON, NOT_HERE, NOT_READY, NOT_TO_BE_READ
from bot.store import Store, StoreError
from classifiers import EMOJI, LABELS, NEUTRAL, Classifier, Prediction
from tests.bot.interactions import (
    bot_restarts,
    install_bracket_language,
    press_twice,
    response_of,
    untranslated_words,
    use_menu_in_direct_message,
)
from tests.bot.support import StubClassifier, World, database_content

MENU = "Was this right?"
YES, NONE = "Yes, that was right", "There was no emotion"


async def ask(world: World, text: str, author: simcord.MemberActor | None = None) -> simcord.InteractionResult:
    """Return what Alice sees when she opens the menu of a message, her own by default."""
    return await open_menu(world, await (author or world.alice).send(world.channel, text))


async def open_menu(world: World, message: discord.Message) -> simcord.InteractionResult:
    return await world.alice.context_menu(world.channel, MENU, message)


def controls(message: simcord.ResponseMessage) -> list[dict[str, Any]]:
    return [component for row in message.components for component in row["components"]]


def control(message: simcord.ResponseMessage, answer: str) -> str:
    """Return the custom_id of the button or menu for an answer."""
    [found] = [str(each["custom_id"]) for each in controls(message) if f":{answer}:" in each["custom_id"]]
    return found


def answer_of(result: simcord.InteractionResult) -> str:
    """Return the sentence of a private answer without controls."""
    message = response_of(result)
    assert message.ephemeral
    assert controls(message) == []
    return message.content


async def test_answer_is_private_and_names_the_emotion(world: World, bob: simcord.MemberActor) -> None:
    message = await bob.send(world.channel, "happy")
    assert world.emoji_of(message) == ["😃"]
    result = await open_menu(world, message)
    assert result.ephemeral
    assert response_of(result).content == "I hear **joy** 😃 in that message. Is that right?"
    assert len(world.channel.history(viewer=bob)) == 1
    assert await world.bot.store.corrections() == {}


async def test_yes_counts_the_predicted_emotion_as_meant(world: World) -> None:
    result = await world.alice.click(response_of(await ask(world, "happy")), label=YES)
    assert answer_of(result) == THANKS
    assert await world.bot.store.corrections(world.guild.id) == {("joy", "joy"): 1}


async def test_no_emotion_counts_neutral_as_meant(world: World) -> None:
    result = await world.alice.click(response_of(await ask(world, "happy")), label=NONE)
    assert answer_of(result) == THANKS
    assert await world.bot.store.corrections(world.guild.id) == {("joy", "neutral"): 1}


@pytest.mark.parametrize(("menu", "meant"), [("+pleasant", "love"), ("+other", "sadness")])
async def test_an_emotion_from_a_menu_counts_as_meant(world: World, menu: str, meant: str) -> None:
    question = response_of(await ask(world, "happy"))
    result = await world.alice.select(question, [meant], custom_id=control(question, menu))
    assert answer_of(result) == THANKS
    assert await world.bot.store.corrections(world.guild.id) == {("joy", meant): 1}


@pytest.mark.parametrize(("text", "predicted"), [("happy", "joy"), ("odd", "love"), ("plain", "neutral")])
async def test_each_emotion_has_exactly_one_control(world: World, text: str, predicted: str) -> None:
    question = response_of(await ask(world, text))
    pressed = [component["custom_id"].split(":")[2] for component in controls(question) if component["type"] == 2]
    options = chain.from_iterable(component.get("options", []) for component in controls(question))
    chosen = [option["value"] for option in options]
    assert sorted(pressed + chosen) == sorted(LABELS)
    assert pressed[0] == predicted


async def test_answers_of_several_people_are_summed(world: World) -> None:
    for label in (YES, YES, NONE):
        await world.alice.click(response_of(await ask(world, "happy")), label=label)
    assert await world.bot.store.corrections() == {("joy", "joy"): 2, ("joy", "neutral"): 1}


async def test_message_without_a_reaction_can_be_corrected(world: World) -> None:
    message = await world.alice.send(world.channel, "hmm")
    assert world.emoji_of(message) == []
    assert response_of(await open_menu(world, message)).content.startswith("I hear **joy** 😃")


async def test_neutral_message_is_described_as_without_emotion(world: World) -> None:
    question = response_of(await ask(world, "the meeting is at ten"))
    assert question.content == "I hear no emotion in that message. Is that right?"
    await world.alice.select(question, ["fear"], custom_id=control(question, "+other"))
    await world.alice.click(response_of(await ask(world, "the meeting is at ten")), label=YES)
    assert await world.bot.store.corrections() == {("neutral", "fear"): 1, ("neutral", "neutral"): 1}


async def test_correction_is_about_the_model_that_reacts_in_the_server(world: World) -> None:
    assert "**love**" in response_of(await ask(world, "odd")).content
    await world.configure(model="rnn")
    assert "**fear**" in response_of(await ask(world, "odd")).content
    await world.configure(model="gru")  # a model that the operator has removed since
    assert "**love**" in response_of(await ask(world, "odd")).content


class TestWithAnotherModel:
    @pytest.fixture
    def configuration(self) -> Configuration:
        return Configuration(reacts_with="rnn")

    async def test_configured_model_is_used_if_the_server_chose_none(self, world: World) -> None:
        assert "**fear**" in response_of(await ask(world, "odd")).content
        await world.configure(model="bilstm")
        assert "**love**" in response_of(await ask(world, "odd")).content

    async def test_configured_model_is_used_in_direct_messages(self, world: World) -> None:
        message = await world.alice.user.send_dm("odd")
        result = await use_menu_in_direct_message(world, world.alice.user, MENU, message)
        assert "**fear**" in response_of(result).content


async def test_corrections_in_direct_messages_belong_to_no_server(world: World) -> None:
    message = await world.alice.user.send_dm("happy")
    result = await use_menu_in_direct_message(world, world.alice.user, MENU, message)
    assert answer_of(await world.alice.user.click(response_of(result), label=YES)) == THANKS
    assert await world.bot.store.corrections(0) == {("joy", "joy"): 1}
    assert await world.bot.store.corrections(world.guild.id) == {}


async def test_each_server_has_its_own_count(world: World) -> None:
    elsewhere = world.env.create_guild("Elsewhere")
    channel = elsewhere.create_text_channel("general")
    carol = elsewhere.add_member(world.env.create_user("carol"))
    message = await carol.send(channel, "happy")
    await carol.click(response_of(await carol.context_menu(channel, MENU, message)), label=YES)
    await world.alice.click(response_of(await ask(world, "happy")), label=NONE)
    assert await world.bot.store.corrections(elsewhere.id) == {("joy", "joy"): 1}
    assert await world.bot.store.corrections(world.guild.id) == {("joy", "neutral"): 1}


async def test_menu_is_available_to_everybody_where_the_bot_is_a_member(world: World) -> None:
    command = world.env.backend.commands[None][MENU, 3]
    assert command["contexts"] == [0, 1]
    assert command["integration_types"] == [0]
    assert command.get("default_member_permissions") is None


async def test_messages_of_bots_cannot_be_corrected(world: World, bilstm: StubClassifier) -> None:
    beep = world.guild.add_member(world.env.create_user("beep", bot=True))
    webhook = world.guild.create_webhook(world.channel)
    assert answer_of(await open_menu(world, await beep.send(world.channel, "happy"))) == NOT_A_PERSON
    assert answer_of(await open_menu(world, await webhook.send("happy"))) == NOT_A_PERSON
    assert bilstm.batches == []


@pytest.mark.parametrize("text", ["https://example.com", "```happy```", "<:happy:123456789012345678>"])
async def test_messages_without_words_cannot_be_corrected(world: World, text: str) -> None:
    assert answer_of(await ask(world, text)) == NO_WORDS


async def test_forwarded_message_can_be_corrected(world: World, bob: simcord.MemberActor) -> None:
    message = await bob.forward(await bob.send(world.channel, "odd"), world.channel)
    assert response_of(await open_menu(world, message)).content.startswith("I hear **love**")
    await world.bot.store.opt_out(bob.id)
    assert answer_of(await open_menu(world, message)) == NOT_TO_BE_READ


async def test_messages_of_people_who_opted_out_are_not_read(
    world: World, bob: simcord.MemberActor, bilstm: StubClassifier
) -> None:
    message = await bob.send(world.channel, "happy")
    await world.bot.store.opt_out(bob.id)
    bilstm.batches.clear()
    assert answer_of(await open_menu(world, message)) == NOT_TO_BE_READ
    assert bilstm.batches == []
    await world.bot.store.opt_in(bob.id)
    assert response_of(await open_menu(world, message)).content.startswith("I hear **joy**")


async def test_nothing_is_shown_if_the_author_opts_out_meanwhile(
    world: World, bob: simcord.MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await bob.send(world.channel, "happy")
    classify = world.bot.analyzer.classify

    async def classify_slowly(text: str, model: str | None) -> Prediction:
        prediction = await classify(text, model)
        await world.bot.store.opt_out(bob.id)
        return prediction

    monkeypatch.setattr(world.bot.analyzer, "classify", classify_slowly)
    assert answer_of(await open_menu(world, message)) == NOT_TO_BE_READ


@pytest.mark.parametrize("changes", [{"enabled": False}, {"channel_rule": "only"}])
async def test_nothing_is_read_in_excluded_channels(
    world: World, bilstm: StubClassifier, changes: dict[str, object]
) -> None:
    await world.configure(**changes)
    assert answer_of(await ask(world, "happy")) == NOT_HERE
    assert bilstm.batches == []


async def test_people_who_opted_out_may_still_answer(world: World, bob: simcord.MemberActor) -> None:
    await world.bot.store.opt_out(world.alice.id)
    assert answer_of(await world.alice.click(response_of(await ask(world, "happy", bob)), label=YES)) == THANKS


class TestWithoutADatabase:
    @pytest.fixture
    def configuration(self, tmp_path: Path) -> Configuration:
        return Configuration(database_url=f"sqlite+aiosqlite:///{tmp_path}/nowhere/emobot.db")

    async def test_nothing_is_read_while_opt_outs_are_unknown(self, world: World, bilstm: StubClassifier) -> None:
        assert answer_of(await ask(world, "happy")) == NOT_READY
        assert bilstm.batches == []


async def test_message_in_another_language_cannot_be_corrected(world: World, bilstm: StubClassifier) -> None:
    bilstm.predictions["çok mutluyum"] = Prediction(LABELS, (0.1,) * 28, (0.3,) * 28, known=0.0)
    assert answer_of(await ask(world, "çok mutluyum")) == NOT_UNDERSTOOD


class TestWithLabelsOfAnotherDataSet:
    @pytest.fixture
    def bilstm(self) -> StubClassifier:
        labels = ("self_doubt: deep", "happy", "joy", *(f"mood {number}" for number in range(60)), NEUTRAL)
        scores = (0.9, *(0.01 for _ in labels[1:]))
        emoji = {**EMOJI, "happy": "😊"}
        prediction = Prediction(labels, scores, (0.3,) * len(labels), emoji=emoji)
        return StubClassifier({"wow": prediction}, labels=labels, emoji=emoji)

    @pytest.fixture
    def models(self, bilstm: StubClassifier) -> dict[str, Classifier]:
        return {"bilstm": bilstm}

    async def test_own_label_is_named_and_counted(self, world: World) -> None:
        question = response_of(await ask(world, "wow"))
        assert question.content == "I hear **self\\_doubt: deep** 🏷️ in that message. Is that right?"
        assert answer_of(await world.alice.click(question, label=YES)) == THANKS
        assert await world.bot.store.corrections() == {("self_doubt: deep", "self_doubt: deep"): 1}

    async def test_all_other_labels_can_be_chosen(self, world: World) -> None:
        question = response_of(await ask(world, "wow"))
        menus = [each for each in controls(question) if each["type"] == 3]
        offered = [option["label"] for menu in menus for option in menu["options"]]
        assert sorted(offered) == sorted(["happy", "joy", *(f"mood {number}" for number in range(60))])
        assert [len(menu["options"]) for menu in menus] == [1, 25, 25, 11]
        [option] = [option for menu in menus for option in menu["options"] if option["label"] == "happy"]
        assert option["emoji"]["name"] == "😊"
        result = await world.alice.select(question, ["mood 59"], custom_id=menus[-1]["custom_id"])
        assert answer_of(result) == THANKS
        assert await world.bot.store.corrections() == {("self_doubt: deep", "mood 59"): 1}

    async def test_question_about_labels_of_a_removed_model_says_it_is_over(self, world: World) -> None:
        question = response_of(await ask(world, "wow"))
        cog = world.bot.get_cog("Corrections")
        assert isinstance(cog, Corrections)
        cog._labels = {}
        assert answer_of(await world.alice.click(question, label=YES)) == OUTDATED
        assert await world.bot.store.corrections() == {}


class TestWithALabelNamedLikeAMenu:
    @pytest.fixture
    def models(self) -> dict[str, Classifier]:
        labels = ("joy", "sadness", "other")
        predictions = {"hm": Prediction(labels, (0.05, 0.05, 0.9), (0.3,) * 3)}
        return {"bilstm": StubClassifier(predictions, labels=labels)}

    async def test_every_control_has_a_unique_id(self, world: World) -> None:
        question = response_of(await ask(world, "hm"))
        ids = [str(each["custom_id"]) for each in controls(question)]
        assert len(set(ids)) == len(ids) == 4
        result = await world.alice.select(question, ["sadness"], custom_id=control(question, "+other"))
        assert answer_of(result) == THANKS
        assert await world.bot.store.corrections() == {("other", "sadness"): 1}


@pytest.mark.parametrize("value", [None, "love"])
async def test_a_double_click_counts_once(world: World, value: str | None) -> None:
    question = response_of(await ask(world, "happy"))
    custom_id = control(question, "+pleasant" if value else "joy:joy")
    first, second = await press_twice(world, world.alice, question, custom_id, value)
    assert answer_of(first) == THANKS
    assert second.acknowledged
    assert second.followups == []
    assert await world.bot.store.corrections() == {("joy", value or "joy"): 1}


async def test_each_person_has_one_answer_per_message(
    world: World, bob: simcord.MemberActor, bilstm: StubClassifier
) -> None:
    message = await world.alice.send(world.channel, "happy")
    questions = [response_of(await open_menu(world, message)) for _ in range(30)]
    assert answer_of(await world.alice.click(questions[0], label=YES)) == THANKS
    for question in questions[1:]:
        assert answer_of(await world.alice.click(question, label=NONE)) == ALREADY_ANSWERED
    bilstm.batches.clear()
    assert answer_of(await open_menu(world, message)) == ALREADY_ANSWERED
    assert bilstm.batches == []
    bobs_question = response_of(await bob.context_menu(world.channel, MENU, message))
    assert answer_of(await bob.click(bobs_question, label=NONE)) == THANKS
    assert answer_of(await world.alice.click(response_of(await ask(world, "happy")), label=YES)) == THANKS
    assert await world.bot.store.corrections() == {("joy", "joy"): 2, ("joy", "neutral"): 1}


async def test_each_question_takes_one_answer(world: World) -> None:
    question = response_of(await ask(world, "happy"))
    await world.alice.click(question, label=YES)
    with pytest.raises(simcord.SetupError, match="No matching component"):
        await world.alice.click(question, label=NONE)


async def test_question_works_after_a_restart(world: World, models: dict[str, Classifier]) -> None:
    first, second = response_of(await ask(world, "happy")), response_of(await ask(world, "odd"))
    async with bot_restarts(world, models) as restart:
        await restart()
        assert answer_of(await world.alice.click(first, label=NONE)) == THANKS
        assert answer_of(await world.alice.select(second, ["fear"], custom_id=control(second, "+other"))) == THANKS
        assert await world.bot.store.corrections() == {("joy", "neutral"): 1, ("love", "fear"): 1}


async def test_question_stays_open_if_the_store_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    question = response_of(await ask(world, "happy"))

    async def fail(*_arguments: Any) -> None:
        raise StoreError("the database is locked")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "add_correction", fail)
        assert answer_of(await world.alice.click(question, label=YES)) == UNSAVED
    assert answer_of(await world.alice.click(question, label=YES)) == THANKS
    assert await world.bot.store.corrections() == {("joy", "joy"): 1}


async def test_overloaded_bot_says_that_it_is_busy(world: World) -> None:
    message = await world.alice.send(world.channel, "happy")
    await world.bot.analyzer.close()
    assert answer_of(await open_menu(world, message)) == BUSY
    assert len(world.env.errors) == 1


async def test_message_is_neither_stored_nor_logged(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    await world.alice.click(response_of(await ask(world, "happy secret")), label=YES)
    await world.bot.store.close()
    kept = database_content(tmp_path)
    assert b"joy" in kept
    assert b"secret" not in kept
    assert str(world.alice.id).encode() not in kept
    assert "secret" not in caplog.text


@pytest.mark.parametrize("text", ["happy", "plain", "https://example.com"])
async def test_every_word_is_translated(world: World, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    install_bracket_language(monkeypatch)
    question = response_of(await ask(world, text))
    assert untranslated_words(question) == ""
    if controls(question):
        predicted = {"happy": "joy", "plain": "neutral"}[text]
        answered = await world.alice.click(question, custom_id=control(question, f"{predicted}:{predicted}"))
        assert untranslated_words(response_of(answered)) == ""


async def test_no_answer_is_counted_about_somebody_who_has_opted_out_since_the_question(
    world: World, bob: simcord.MemberActor
) -> None:
    question = response_of(await ask(world, "happy", bob))
    await world.bot.store.opt_out(bob.id)
    assert answer_of(await world.alice.click(question, label=YES)) == NOT_TO_BE_READ
    assert await world.bot.store.corrections() == {}


async def test_answer_can_be_given_later_if_opt_outs_are_unknown_for_a_moment(world: World) -> None:
    question = response_of(await ask(world, "happy"))
    world.bot.store.cache.ready = False
    assert answer_of(await world.alice.click(question, label=YES)) == NOT_READY
    world.bot.store.cache.ready = True
    assert answer_of(await world.alice.click(question, label=YES)) == THANKS


async def test_question_from_before_authors_were_noted_can_still_be_answered(world: World) -> None:
    question = response_of(await ask(world, "happy"))
    stored = world.env.backend.get_message(question.channel_id, question.id)
    for row in stored.components:
        for component in row["components"]:
            component["custom_id"] = component["custom_id"].rpartition(":")[0]
    assert answer_of(await world.alice.click(question, label=YES)) == THANKS


def test_custom_ids_of_the_longest_labels_fit() -> None:
    longest = {letter * 100: None for letter in "ab"}
    items: list[Any] = _question_view("a" * 100, 2**63 - 1, 2**63 - 1, longest, ENGLISH).children
    assert max(len(item.custom_id) for item in items) == 100  # Discord's limit
