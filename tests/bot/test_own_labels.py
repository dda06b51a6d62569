"""A model with two labels of an own data set, in everything that people see of it, in every language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import discord
import pytest
import simcord
from simcord.components import walk_components

from bot.cli import main
from bot.corrections.cog import THANKS
from bot.i18n import LANGUAGES, Translate, translator
from classifiers import Classifier, Prediction
from tests.bot.interactions import panel_text, response_of
from tests.bot.support import StubClassifier, World

LABELS = ("nice", "toxic")
EMOJI = {"nice": "😊"}


def prediction_of(nice: float) -> Prediction:
    return Prediction(LABELS, (nice, 1 - nice), (0.3, 0.3), emoji=EMOJI)


@pytest.fixture
def models() -> dict[str, Classifier]:
    """Two models whose only labels are nice, with an emoji, and toxic, without one."""
    script = {"lovely": prediction_of(0.9), "idiot": prediction_of(0.2), "": prediction_of(0.5)}
    return {name: StubClassifier(script, labels=LABELS, emoji=EMOJI) for name in ("rnn", "bilstm")}


@pytest.fixture(params=["en", *sorted({*LANGUAGES.values()})])
def translate(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Translate:
    """The language of the readers."""
    if request.param != "en":
        monkeypatch.setitem(LANGUAGES, "en-US", request.param)
    return translator(discord.Locale.american_english)


def menus(message: simcord.ResponseMessage) -> dict[str, list[str]]:
    """Return the options of each menu by its custom_id."""
    selects = (part for part in walk_components(message.components) if part["type"] == 3)
    return {part["custom_id"]: [option["label"] for option in part["options"]] for part in selects}


def buttons(message: simcord.ResponseMessage) -> list[str]:
    return [part["label"] for part in walk_components(message.components) if part["type"] == 2]


async def test_own_label_can_get_an_emoji_and_be_muted(world: World, translate: Translate) -> None:
    manager = world.guild.create_role("manager", permissions=discord.Permissions(manage_guild=True))
    olga = world.guild.add_member(world.env.create_user("olga"), roles=[manager])
    assert world.emoji_of(await world.alice.send(world.channel, "lovely")) == ["😊"]
    await world.rest()
    assert world.emoji_of(await world.alice.send(world.channel, "you idiot")) == []
    panel = response_of(await olga.slash(world.channel, "settings"))
    await olga.click(panel, custom_id="settings:page:emotions")
    assert menus(panel) == {"settings:muted:own1": ["nice", "toxic"], "settings:emoji:own1": ["nice", "toxic"]}
    form = await olga.select(panel, ["toxic"], custom_id="settings:emoji:own1")
    assert form.modal
    assert form.modal["title"] == translate("Emoji for {emotion}").format(emotion="toxic")
    await olga.submit_modal(form, {"emoji": "☣️"})
    await olga.select(panel, ["nice"], custom_id="settings:muted:own1")
    muted, changed = (translate("{name}:").format(name=translate(name)) for name in ("Muted emotions", "Changed emoji"))
    assert f"**{muted}** nice\n**{changed}** toxic ☣️\n" in panel_text(panel)
    await world.rest()
    assert world.emoji_of(await world.alice.send(world.channel, "lovely")) == []
    assert world.emoji_of(await world.alice.send(world.channel, "you idiot")) == ["☣️"]


async def test_own_labels_are_shown_unchanged(world: World, translate: Translate) -> None:
    message = await world.alice.send(world.channel, "lovely")

    panel = response_of(await world.alice.slash(world.channel, "compare", text="you are lovely"))
    assert panel_text(panel).count("😊 nice\n") == panel_text(panel).count("🏷️ toxic\n") == 2
    assert translate("They agree on {emotion}.").format(emotion="**nice** 😊") in panel_text(panel)
    assert buttons(panel) == [translate("Heat map"), translate("Try a variation")]
    await world.alice.click(panel, label=translate("Heat map"))
    [picture] = [part["items"][0] for part in walk_components(panel.components) if part["type"] == 12]
    assert ": nice." in picture["description"]

    question = response_of(await world.alice.context_menu(world.channel, "Was this right?", message))
    sentence = translate("I hear **{emotion}** {emoji} in that message. Is that right?")
    assert question.content == sentence.format(emotion="nice", emoji="😊")
    [(menu, offered)] = menus(question).items()
    assert offered == ["toxic"]
    answered = await world.alice.select(question, ["toxic"], custom_id=menu)
    assert response_of(answered).content == translate(THANKS)
    assert await world.bot.store.corrections() == {("nice", "toxic"): 1}

    reason, reading, *_ = response_of(await world.alice.context_menu(world.channel, "Why?", message)).content.split(
        "\n"
    )
    assert reason == translate("I reacted with {emoji}.").format(emoji="😊")
    assert "**nice**" in reading

    for label, messages in (("nice", 29), ("toxic", 10)):
        world.bot.store.count_mood(world.guild.id, world.channel.id, world.env.now(), label, messages)
    mood = response_of(await world.alice.slash(world.channel, "mood"))
    shares = {label: translate.percent(share) for label, share in (("nice", 0.75), ("toxic", 0.25))}
    assert mood.content.split("\n")[1] == f"😊 nice {shares['nice']} · 🏷️ toxic {shares['toxic']}"
    description = mood.attachments[0].description or ""
    assert translate.join(f"{label} {share}" for label, share in shares.items()) in description
    assert translate("neutral") not in description


def test_dry_run_reacts_to_own_labels_with_an_emoji(
    models: Mapping[str, Classifier], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bot.analysis.models.load_models", lambda _directory: models)
    Path("chat.txt").write_text("lovely\nidiot\n")
    assert main(["dry-run", "--file", "chat.txt"]) == 0
    assert capsys.readouterr().out == (
        "😊\tnice            90%                  lovely\n-\ttoxic           80%  no emoji        idiot\n"
    )
