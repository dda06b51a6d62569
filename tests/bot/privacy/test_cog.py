from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import simcord

from bot.configuration import Configuration
from bot.errors import UNSAVED
from bot.store import GRACE_PERIOD, Store, StoreError
from classifiers import Classifier
from tests.bot.interactions import (
    bot_restarts,
    install_bracket_language,
    panel_text,
    press_twice,
    response_of,
    untranslated_words,
)
from tests.bot.support import StubClassifier, World

POLICY = Path(__file__).parents[3] / "docs" / "privacy.md"
READ = "You have not opted out: I read your messages."
NOT_READ = "You have opted out: I only read what you type into /compare."


async def opened(world: World) -> simcord.ResponseMessage:
    return response_of(await world.alice.slash(world.channel, "privacy"))


def status_line(message: simcord.ResponseMessage) -> str:
    """Return the bold text at the end of the panel."""
    [embed] = message.embeds
    [last] = re.findall(r"\*\*(.+)\*\*$", str(embed.description))
    return str(last)


def buttons(message: simcord.ResponseMessage) -> dict[str, bool]:
    """Return the labels of a message's buttons and whether they are enabled."""
    return {
        component["label"]: not component["disabled"] for row in message.components for component in row["components"]
    }


async def reaches_model(world: World) -> bool:
    """Return whether a message of Alice reaches the model."""
    model = world.bot.analyzer.models["bilstm"]
    assert isinstance(model, StubClassifier)
    model.batches.clear()
    await world.alice.send(world.channel, "happy")
    return model.batches == [["happy"]]


async def test_answer_is_private_and_says_what_is_kept(world: World, bob: simcord.MemberActor) -> None:
    result = await world.alice.slash(world.channel, "privacy")
    assert result.ephemeral
    assert world.channel.history(viewer=bob) == []
    [embed] = response_of(result).embeds
    text = str(embed.description)
    assert "I never keep what people write, I keep nothing by author, and I don't learn from messages." in text
    for kept in (
        *("the settings of a server", "for 90 days", "which emotion I heard"),
        *("how often people preferred which model", "only the user ID of everyone"),
    ):
        assert kept in text
    assert "erased 7 days after I leave it" in text
    assert status_line(response_of(result)) == READ
    assert buttons(response_of(result)) == {
        "Opt out": True,
        "Opt in": False,
        "What is kept about me": True,
        "Erase": True,
    }


class TestWithOtherDays:
    @pytest.fixture
    def configuration(self) -> Configuration:
        return Configuration(mood_days=30)

    async def test_days_are_those_of_the_configuration(self, world: World) -> None:
        [embed] = (await opened(world)).embeds
        assert "for 30 days" in str(embed.description)


async def test_privacy_is_available_to_everybody_everywhere(world: World) -> None:
    command = world.env.backend.commands[None]["privacy", 1]
    assert sorted(command["contexts"]) == [0, 1, 2]
    assert sorted(command["integration_types"]) == [0, 1]
    assert command.get("default_member_permissions") is None


async def test_opting_out_and_in_take_effect_at_once(world: World) -> None:
    panel = await opened(world)
    assert await reaches_model(world)
    out = await world.alice.click(panel, label="Opt out")
    assert status_line(response_of(out)) == NOT_READ
    assert buttons(response_of(out)) == {"Opt out": False, "Opt in": True, "What is kept about me": True, "Erase": True}
    assert not await reaches_model(world)
    back = await world.alice.click(panel, label="Opt in")
    assert status_line(response_of(back)) == READ
    assert await reaches_model(world)


async def test_opt_out_in_a_direct_message_holds_everywhere(world: World) -> None:
    panel = response_of(await world.alice.user.slash("privacy"))
    out = await world.alice.user.click(panel, label="Opt out")
    assert status_line(response_of(out)) == NOT_READ
    assert not await reaches_model(world)


async def test_opt_out_affects_nobody_else(world: World, bob: simcord.MemberActor) -> None:
    await world.alice.click(await opened(world), label="Opt out")
    assert world.emoji_of(await bob.send(world.channel, "happy")) == ["😃"]
    assert status_line(response_of(await bob.slash(world.channel, "privacy"))) == READ


async def test_compare_reads_text_typed_by_people_who_opted_out(world: World) -> None:
    await world.alice.click(await opened(world), label="Opt out")
    result = await world.alice.slash(world.channel, "compare", text="happy")
    assert "**joy**" in panel_text(response_of(result))


@pytest.mark.parametrize("custom_id", ["privacy:opt-out", "privacy:opt-in", "privacy:erase:yes", "privacy:erase:no"])
async def test_double_click_acts_once(world: World, custom_id: str) -> None:
    panel = await opened(world)
    if custom_id != "privacy:opt-out":
        await world.alice.click(panel, label="Opt out")
    if "erase" in custom_id:
        await world.alice.click(panel, label="Erase")
    first, second = await press_twice(world, world.alice, panel, custom_id)
    assert first.acknowledged
    assert second.acknowledged
    is_out = custom_id in ("privacy:opt-out", "privacy:erase:no")
    assert status_line(response_of(second)) == (NOT_READ if is_out else READ)
    assert await reaches_model(world) is not is_out


async def test_button_of_an_outdated_panel_does_what_it_says(world: World) -> None:
    outdated, other = await opened(world), await opened(world)
    await world.alice.click(other, label="Opt out")
    assert status_line(response_of(await world.alice.click(outdated, label="Opt out"))) == NOT_READ


async def test_panels_work_after_a_restart(world: World, models: dict[str, Classifier]) -> None:
    panel = await opened(world)
    async with bot_restarts(world, models) as restart:
        await restart()
        assert status_line(response_of(await world.alice.click(panel, label="Opt out"))) == NOT_READ
        await restart()
        assert not await reaches_model(world)
        await world.alice.click(panel, label="Erase")
        await restart()
        assert status_line(response_of(await world.alice.click(panel, label="Erase it"))) == READ
        assert await reaches_model(world)


async def test_panels_do_not_expire(world: World) -> None:
    panel = await opened(world)
    await world.rest(3600)
    assert status_line(response_of(await world.alice.click(panel, label="Opt out"))) == NOT_READ


async def test_person_gets_a_copy_of_their_data(world: World) -> None:
    panel = await opened(world)
    assert await copy_of_what_is_kept(world, panel) == {"user_id": world.alice.id, "opted_out": False}
    await world.alice.click(panel, label="Opt out")
    assert await copy_of_what_is_kept(world, panel) == {"user_id": world.alice.id, "opted_out": True}


async def copy_of_what_is_kept(world: World, panel: simcord.ResponseMessage) -> Any:
    result = await world.alice.click(panel, label="What is kept about me")
    assert result.ephemeral
    [copy] = re.findall(
        r"^This is all that is kept about you:\n```json\n(.+)\n```$", response_of(result).content, re.DOTALL
    )
    return json.loads(copy)


async def test_erasing_is_explained_and_asks_for_confirmation(world: World) -> None:
    panel = await opened(world)
    await world.alice.click(panel, label="Opt out")
    question = response_of(await world.alice.click(panel, label="Erase"))
    assert question.content == (
        "The only thing kept about you is that you opted out. If you erase it, I will read your messages again."
    )
    assert question.embeds == []
    assert buttons(question) == {"Keep it": True, "Erase it": True}
    assert not await reaches_model(world)

    kept = response_of(await world.alice.click(panel, label="Keep it"))
    assert (kept.content, status_line(kept)) == ("", NOT_READ)

    await world.alice.click(panel, label="Erase")
    erased = response_of(await world.alice.click(panel, label="Erase it"))
    assert (erased.content, status_line(erased)) == ("Erased. Nothing is kept about you any more.", READ)
    assert buttons(erased)["Opt out"]
    assert await reaches_model(world)


async def test_erasing_says_if_nothing_is_kept(world: World) -> None:
    result = await world.alice.click(await opened(world), label="Erase")
    assert result.ephemeral
    assert response_of(result).content == "Nothing is kept about you, so there is nothing to erase."


@pytest.mark.parametrize(
    ("method", "label", "is_out"),
    [("opt_out", "Opt out", False), ("opt_in", "Opt in", True), ("export_user", "What is kept about me", False)],
)
async def test_panel_is_unchanged_if_the_store_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, method: str, label: str, is_out: bool
) -> None:
    panel = await opened(world)
    if is_out:
        await world.alice.click(panel, label="Opt out")
    with monkeypatch.context() as broken:
        broken.setattr(Store, method, failing)
        result = await world.alice.click(panel, label=label)
    assert (response_of(result).content, result.ephemeral) == (UNSAVED, True)
    assert [type(error) for error in world.env.errors] == [StoreError]
    assert status_line(panel) == (NOT_READ if is_out else READ)
    assert await reaches_model(world) is not is_out
    assert (await world.alice.click(panel, label=label)).acknowledged


async def test_confirmation_stays_open_if_erasing_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = await opened(world)
    await world.alice.click(panel, label="Opt out")
    await world.alice.click(panel, label="Erase")
    with monkeypatch.context() as broken:
        broken.setattr(Store, "erase_user", failing)
        result = await world.alice.click(panel, label="Erase it")
    assert (response_of(result).content, result.ephemeral) == (UNSAVED, True)
    assert len(world.env.errors) == 1
    assert status_line(response_of(await world.alice.click(panel, label="Erase it"))) == READ


async def failing(*_arguments: Any) -> None:
    raise StoreError("the database is locked")


class TestWithoutADatabase:
    @pytest.fixture
    def configuration(self, tmp_path: Path) -> Configuration:
        return Configuration(database_url=f"sqlite+aiosqlite:///{tmp_path}/nowhere/emobot.db")

    async def test_opt_out_state_is_not_guessed(self, world: World) -> None:
        panel = await opened(world)
        assert status_line(panel) == "I can't check right now whether you have opted out."
        result = await world.alice.click(panel, label="Opt out")
        assert response_of(result).content == UNSAVED
        assert len(world.env.errors) == 1


async def test_every_word_is_translated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    install_bracket_language(monkeypatch)
    panel = await opened(world)
    assert untranslated_words(panel) == ""
    assert untranslated_words(response_of(await world.alice.click(panel, custom_id="privacy:erase"))) == ""
    await world.alice.click(panel, custom_id="privacy:opt-out")
    assert untranslated_words(panel) == ""
    for custom_id in ("privacy:erase", "privacy:erase:yes"):
        assert untranslated_words(response_of(await world.alice.click(panel, custom_id=custom_id))) == ""


def test_policy_matches_the_code() -> None:
    policy = POLICY.read_text()
    assert set(re.findall(r"(\d+) days", policy)) == {str(GRACE_PERIOD.days), str(Configuration().mood_days)}
    assert (
        f"| {Configuration().mood_days} days, or until {GRACE_PERIOD.days} days after the bot has left the server |"
        in policy
    )


def test_the_policy_can_be_published_once_two_placeholders_are_replaced() -> None:
    note, _, policy = POLICY.read_text().partition("\n\n# ")
    assert all(line.startswith("> ") for line in note.splitlines())
    assert sorted(re.findall(r"\[[A-Z]+\]", policy)) == ["[CONTACT]", "[OPERATOR]"]
    assert "[OPERATOR]" in note
    assert "[CONTACT]" in note
