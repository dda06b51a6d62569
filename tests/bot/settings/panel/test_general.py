from __future__ import annotations

import pytest
import simcord

from bot.server_settings import Liveliness, ServerSettings
from classifiers import Classifier
from tests.bot.settings.support import Panel, open_panel, settings_of
from tests.bot.support import StubClassifier, World


class TestGeneral:
    @pytest.mark.parametrize(
        ("field", "name", "page"), [("enabled", "Reactions", "general"), ("mood", "Mood counting", "mood")]
    )
    async def test_a_switch_turns_a_setting_off_and_on_again(
        self, world: World, panel: Panel, field: str, name: str, page: str
    ) -> None:
        await panel.click(f"page:{page}")
        await panel.click(f"{field}:off")
        assert panel.notice == f"**{name}:** off"
        assert getattr(settings_of(world), field) is False
        await panel.click(f"{field}:on")
        assert panel.notice == f"**{name}:** on"
        assert settings_of(world) == ServerSettings()

    async def test_liveliness_can_be_chosen(self, world: World, panel: Panel) -> None:
        assert panel.chosen("liveliness") == ["normal"]
        meanings = {option["value"]: option["description"] for option in panel.find("liveliness")["options"]}
        assert meanings["quiet"] == "only when I am very sure, to at most 10% of the messages"
        await panel.choose("liveliness", "quiet")
        assert panel.notice == "**Liveliness:** quiet"
        assert panel.chosen("liveliness") == ["quiet"]
        assert settings_of(world).liveliness is Liveliness.QUIET

    async def test_model_can_be_chosen_and_reset_to_the_default(self, world: World, panel: Panel) -> None:
        labels = [option["label"] for option in panel.find("model")["options"]]
        assert labels == ["the default (BiLSTM)", "RNN", "BiLSTM"]
        await panel.choose("model", "rnn")
        assert (panel.notice, panel.chosen("model")) == ("**Model:** RNN", ["rnn"])
        assert settings_of(world).model == "rnn"
        await panel.choose("model", "default")
        assert (panel.notice, panel.chosen("model")) == ("**Model:** the default (BiLSTM)", ["default"])
        assert settings_of(world).model is None

    async def test_reset_asks_for_confirmation(self, world: World, panel: Panel) -> None:
        await panel.click("page:mood")
        await panel.click("mood:off")
        await panel.click("page:general")
        await panel.click("reset")
        assert "Do you really want to reset all of this to the defaults?" in panel.text
        await panel.click("page:general")
        assert settings_of(world).mood is False
        await panel.click("reset")
        await panel.click("reset:sure")
        assert panel.notice == "Everything is back to the defaults."
        assert settings_of(world) == ServerSettings()
        assert panel.find("enabled:off")


class TestWithOneModel:
    @pytest.fixture
    def models(self, bilstm: StubClassifier) -> dict[str, Classifier]:
        return {"bilstm": bilstm}

    async def test_only_loaded_models_are_offered(self, world: World, owner: simcord.MemberActor) -> None:
        await world.bot.store.save_settings(world.guild.id, ServerSettings(model="rnn"))
        panel = await open_panel(owner, world.channel)
        assert [option["value"] for option in panel.find("model")["options"]] == ["default", "bilstm"]
        assert panel.chosen("model") == ["default"]
        assert "**Model:** the default (BiLSTM)" in panel.text
