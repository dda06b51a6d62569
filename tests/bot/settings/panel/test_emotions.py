from __future__ import annotations

import pytest
import simcord
from simcord.components import walk_components

from bot.server_settings import ServerSettings
from bot.ui.emotions import group_emotions, label_key
from classifiers import EMOJI, Classifier, Prediction
from tests.bot.settings.support import Panel, open_panel, settings_of
from tests.bot.support import StubClassifier, World


class TestEmotions:
    @pytest.fixture
    async def panel(self, world: World, owner: simcord.MemberActor) -> Panel:
        panel = await open_panel(owner, world.channel)
        await panel.click("page:emotions")
        return panel

    async def test_all_27_emotions_can_be_muted(self, world: World, panel: Panel) -> None:
        for group in group_emotions(EMOJI):
            offered = [option["value"] for option in panel.find(f"muted:{group}")["options"]]
            await panel.choose(f"muted:{group}", *offered)
            assert panel.chosen(f"muted:{group}") == offered
        assert settings_of(world).muted == set(EMOJI)

    async def test_menus_of_muted_emotions_do_not_affect_each_other(self, world: World, panel: Panel) -> None:
        await panel.choose("muted:other", "grief", "anger")
        await panel.choose("muted:pleasant", "love")
        assert panel.notice == "**Muted emotions:** anger, grief, love"
        await panel.choose("muted:other")
        assert panel.notice == "**Muted emotions:** love"
        assert settings_of(world).muted == {"love"}

    async def test_unicode_emoji_is_accepted(self, world: World, panel: Panel) -> None:
        form = await panel.choose("emoji:pleasant", "joy")
        assert form.modal
        assert form.modal["title"] == "Emoji for joy"
        await panel.owner.submit_modal(form, {"emoji": " 🎉 "})
        assert panel.notice == "**Changed emoji:** joy 🎉"
        assert settings_of(world).emoji == {"joy": "🎉"}

    async def test_form_is_prefilled_with_the_current_emoji(self, panel: Panel) -> None:
        await panel.give_emoji("joy", "🎉")
        form = await panel.choose("emoji:pleasant", "joy")
        assert form.modal
        assert form.modal["components"][0]["component"]["value"] == "🎉"

    async def test_empty_text_restores_the_default_emoji(self, world: World, panel: Panel) -> None:
        await panel.give_emoji("joy", "🎉")
        await panel.give_emoji("anger", "🌋")
        await panel.give_emoji("joy", "")
        assert panel.notice == "**Changed emoji:** anger 🌋"
        assert settings_of(world).emoji == {"anger": "🌋"}

    @pytest.mark.parametrize("typed", [":blob:", "<{}:blob:{}>", "<{}:renamed_since:{}>"])
    @pytest.mark.parametrize("animated", [False, True])
    async def test_custom_emoji_of_the_server_is_accepted(
        self, world: World, panel: Panel, typed: str, animated: bool
    ) -> None:
        emoji = world.guild.create_emoji("blob", animated=animated)
        await world.env.settle()
        await panel.give_emoji("grief", typed.format("a" if animated else "", emoji.id))
        stored = f"<{'a' if animated else ''}:blob:{emoji.id}>"
        assert panel.notice == f"**Changed emoji:** grief {stored}"
        assert settings_of(world).emoji == {"grief": stored}
        [option] = [option for option in panel.find("emoji:other")["options"] if option["value"] == "grief"]
        assert (option["emoji"]["name"], option["description"]) == (EMOJI["grief"], ":blob:")

    @pytest.mark.parametrize("text", ["happy", "🎉🎉", "🎉 yes", ":)", "1", "<@123456789012345678>", "x" * 100])
    async def test_text_that_is_not_an_emoji_is_refused(self, world: World, panel: Panel, text: str) -> None:
        await panel.give_emoji("joy", text)
        assert (panel.refusal or "").startswith("That is not a single emoji")
        assert settings_of(world) == ServerSettings()

    @pytest.mark.parametrize("text", [":tada:", "<:blob:123456789012345678>"])
    async def test_unknown_custom_emoji_is_refused(self, world: World, panel: Panel, text: str) -> None:
        await panel.give_emoji("joy", text)
        assert panel.refusal == "This server has no emoji of that name that I can use."
        assert settings_of(world) == ServerSettings()

    async def test_emoji_of_another_server_is_refused(self, world: World, panel: Panel) -> None:
        foreign = world.env.create_guild("Elsewhere").create_emoji("blob")
        await world.env.settle()
        assert world.bot.get_emoji(foreign.id)
        for text in (":blob:", f"<:blob:{foreign.id}>"):
            await panel.give_emoji("joy", text)
            assert panel.refusal == "This server has no emoji of that name that I can use."
        assert settings_of(world) == ServerSettings()

    async def test_emoji_restricted_to_a_role_is_refused(self, world: World, panel: Panel) -> None:
        assert world.bot.user
        role = world.guild.create_role("supporters")
        world.env.backend.create_emoji(world.guild.id, "gold", world.bot.user.id, role_ids=[role.id])
        await world.env.settle()
        await panel.give_emoji("joy", ":gold:")
        assert panel.refusal == "This server has no emoji of that name that I can use."

    async def test_deleted_emoji_falls_back_to_the_default(self, world: World, panel: Panel) -> None:
        emoji = world.guild.create_emoji("blob")
        await world.env.settle()
        await panel.give_emoji("joy", ":blob:")
        world.env.backend.delete_emoji(world.guild.id, emoji.id)
        await world.env.settle()
        await panel.give_emoji("love", f"<:blob:{emoji.id}>")
        assert panel.refusal == "This server has no emoji of that name that I can use."
        panel = await open_panel(panel.owner, world.channel)
        assert "**Changed emoji:** joy 😃 (the server's own was deleted)" in panel.text

    @pytest.mark.parametrize("emotion", ["grief", "fear", "sadness"])
    async def test_cheerful_emoji_for_a_sad_emotion_is_refused(self, world: World, panel: Panel, emotion: str) -> None:
        await panel.give_emoji(emotion, "🎉")
        assert panel.refusal == f"I don't use cheerful emoji for {emotion}: that could hurt someone."
        assert settings_of(world) == ServerSettings()
        await panel.give_emoji(emotion, "🖤")
        assert settings_of(world).emoji == {emotion: "🖤"}

    async def test_a_refused_emoji_can_be_tried_again_at_once(self, world: World, panel: Panel) -> None:
        await panel.give_emoji("joy", ":tada:")
        form = await panel.click("retry:joy")
        assert form.modal
        assert form.modal["title"] == "Emoji for joy"
        await panel.owner.submit_modal(form, {"emoji": "no emoji either"})
        form = await panel.click("retry:joy")
        await panel.owner.submit_modal(form, {"emoji": "🎈"})
        assert panel.notice == "**Changed emoji:** joy 🎈"
        assert settings_of(world).emoji == {"joy": "🎈"}
        assert "settings:retry:joy" not in [part.get("custom_id") for part in walk_components(panel.message.components)]

    async def test_repeated_choice_without_the_form_changes_nothing(self, world: World, panel: Panel) -> None:
        """If somebody closes the form and chooses the same emotion again, Discord deselects it."""
        before = panel.text
        result = await panel.choose("emoji:pleasant")
        assert (result.modal, panel.text) == (None, before)
        assert settings_of(world) == ServerSettings()


class TestWithLabelsOfAnotherDataSet:
    LABELS = ("happy", "guilt", "self_doubt: " + "x" * 80, "joy", "neutral")
    LONG = LABELS[2]

    @pytest.fixture
    def models(self) -> dict[str, Classifier]:
        emoji = {**EMOJI, "happy": "😊"}
        predictions = {
            label[:5]: Prediction(
                self.LABELS, tuple(0.9 if each == label else 0.01 for each in self.LABELS), (0.3,) * 5, emoji=emoji
            )
            for label in self.LABELS
        }
        return {"bilstm": StubClassifier(predictions, labels=self.LABELS, emoji=emoji)}

    async def test_own_labels_are_offered_with_their_emoji_or_none(self, panel: Panel) -> None:
        await panel.click("page:emotions")
        for control in ("muted", "emoji"):
            assert [option["value"] for option in panel.find(f"{control}:pleasant")["options"]] == ["joy"]
            options = panel.find(f"{control}:own1")["options"]
            assert [option["value"] for option in options] == ["guilt", "happy", self.LONG]
            assert [option.get("emoji", {}).get("name") for option in options] == [None, "😊", None]
            assert [option.get("description") for option in options] == ["no emoji yet", None, "no emoji yet"]

    async def test_own_label_gets_reactions_once_it_has_an_emoji(self, world: World, panel: Panel) -> None:
        await world.configure(liveliness="lively")
        for text, emotion, emoji in (("guilty", "guilt", "🫥"), ("self_d", self.LONG, "🪞"), ("happy", "happy", "🎈")):
            await world.rest()
            before = world.emoji_of(await world.alice.send(world.channel, text))
            assert before == (["😊"] if text == "happy" else [])
            await panel.give_emoji(emotion, emoji)
            assert settings_of(world).emoji[emotion] == emoji
            await world.rest()
            assert world.emoji_of(await world.alice.send(world.channel, text)) == [emoji]
        assert world.outcomes == {"no emoji": 2, "reacted": 4}
        await panel.give_emoji(self.LONG, "no emoji")
        form = await panel.click(f"retry:{label_key(self.LONG)}")
        assert form.modal
        assert form.modal["title"].startswith("Emoji for self_doubt: ")
        await panel.give_emoji("guilt", "")
        assert "guilt" not in settings_of(world).emoji

    async def test_own_labels_can_be_muted(self, world: World, panel: Panel) -> None:
        await panel.click("page:emotions")
        await panel.choose("muted:own1", "happy", self.LONG)
        assert settings_of(world).muted == {"happy", self.LONG}
        assert panel.notice == f"**Muted emotions:** happy, self\\_doubt: {'x' * 80}"
        await panel.choose("muted:pleasant", "joy")
        await panel.choose("muted:own1", "guilt")
        assert settings_of(world).muted == {"joy", "guilt"}
        await panel.choose("muted:own1")
        assert settings_of(world).muted == {"joy"}

    async def test_import_keeps_labels_of_the_models_and_drops_the_rest(self, world: World, panel: Panel) -> None:
        await panel.import_file(
            b'{"muted": ["HAPPY", "Joy", "guilt"], "emoji": {"guilt": "\xf0\x9f\xab\xa5", "love": "\xf0\x9f\x8e\x89"}}'
        )
        assert (
            panel.notice
            == "The settings from the file are now in effect, except what can't be used here: some emotions."
        )
        assert settings_of(world) == ServerSettings(muted=frozenset({"joy", "guilt"}), emoji={"guilt": "🫥"})
