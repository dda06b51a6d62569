from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import available_timezones

import discord
import pytest
import simcord
from simcord.components import validate_components, walk_components

from bot.server_settings import ServerSettings
from bot.settings.panel.state import PanelState
from bot.settings.panel.view import Page, PanelContent, SettingsPanel
from classifiers import EMOJI
from tests.bot.interactions import install_bracket_language, private_text
from tests.bot.settings.support import LOCALES_TO_TRY, Panel, open_panel
from tests.bot.support import World

COMPONENTS_V2 = 1 << 15
NOW = datetime(2026, 11, 27, 20, tzinfo=UTC)  # a Friday
ZONES = sorted(available_timezones())
MOOD_WORDS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday AM PM UTC English t F".split()
"""What Babel says, and Discord's own form of a time."""
NOTHING = discord.PermissionOverwrite(add_reactions=False, read_message_history=False)


class TestInAnotherLanguage:
    MODELS: ClassVar = ["BiLSTM", "BiLSTM", "RNN", "BiLSTM"]  # in the overview and in the menu

    @pytest.fixture(autouse=True)
    def _brackets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        install_bracket_language(monkeypatch)

    async def test_every_page_is_translated(self, world: World, owner: simcord.MemberActor) -> None:
        channel = world.guild.create_text_channel("quiet", overwrites={world.guild.default_role: NOTHING})
        await world.alice.react(await world.alice.send(world.channel, "happy"), "❌")
        panel = await open_panel(owner, channel)
        assert untranslated_words_of(panel.message.components) == self.MODELS
        await panel.click("reset")
        assert untranslated_words_of(panel.message.components) == ["BiLSTM"]
        await panel.click("page:general")
        await panel.click("page:channels")
        assert untranslated_words_of(panel.message.components) == ["BiLSTM"]
        await panel.click("forgive")
        assert untranslated_words_of(panel.message.components) == ["BiLSTM"]
        await panel.click("page:mood")
        await panel.choose("weekly_channel", channel)
        await panel.owner.submit_modal(await panel.click("zone"), {"zone": "utc"})
        assert set(untranslated_words_of(panel.message.components)) <= {"BiLSTM", *MOOD_WORDS}
        form = await panel.click("zone")
        assert form.modal
        assert (
            untranslated_words_of(form.modal["components"])
            == untranslated_words_of([{"label": form.modal["title"]}])
            == []
        )
        for typed in ("nowhere", "Germany", "America"):
            await panel.owner.submit_modal(await panel.click("zone"), {"zone": typed})
            assert not set(untranslated_words_of(panel.message.components)) & {"zone", "zones", "There", "Which"}
        await panel.choose("weekly_channel")
        await panel.click("page:channels")
        await panel.choose("channels", channel)
        await panel.choose("channel_rule", "only")
        await panel.click("page:emotions")
        await panel.choose("muted:other", "anger", "grief")
        await panel.give_emoji("joy", "🎉")
        assert untranslated_words_of(panel.message.components) == ["BiLSTM"]

    async def test_forms_and_messages_are_translated(self, panel: Panel) -> None:
        file = await panel.click("import")
        await panel.import_file(b"nonsense")
        assert untranslated_words_of(panel.message.components) == self.MODELS
        await panel.import_file(b'{"channels": [1], "emoji": {"joy": "<:blob:123456789012345678>"}}')
        assert untranslated_words_of(panel.message.components) == self.MODELS
        await panel.click("page:emotions")
        emoji = await panel.choose("emoji:pleasant", "joy")
        assert file.modal
        assert emoji.modal
        assert untranslated_words_of([*file.modal["components"], *emoji.modal["components"]]) == []
        assert untranslated_words_of([{"label": form.modal["title"]} for form in (file, emoji) if form.modal]) == []
        for emotion, text in (("joy", "x"), ("joy", ":tada:"), ("grief", "🎉")):
            await panel.give_emoji(emotion, text)
            assert untranslated_words_of(panel.message.components) == ["BiLSTM"]
        await panel.click("page:general")
        exported = await panel.click("export")
        assert untranslated_words_of([{"label": private_text(exported)}]) == []


async def test_menu_has_another_id_than_others_and_than_before_a_choice(
    world: World, owner: simcord.MemberActor
) -> None:
    """A client may keep what was chosen by a menu's id, and show it in the menu that has the id after a redraw."""

    def menus(panel: Panel) -> dict[int, tuple[str, ...]]:
        """Return the menus of a panel by id: each with its control and the chosen options."""
        found = [part for part in walk_components(panel.message.components) if part["type"] in (3, 8)]
        by_id = {part["id"]: (part["custom_id"], *chosen_in(part)) for part in found}
        assert len(by_id) == len(found)
        return by_id

    def chosen_in(part: dict[str, Any]) -> list[str]:
        options = part.get("default_values", []) + [o for o in part.get("options", []) if o.get("default")]
        return [str(option.get("id", option.get("value"))) for option in options]

    panel, seen = await open_panel(owner, world.channel), dict[int, tuple[str, ...]]()
    for control, value in (("liveliness", "quiet"), ("page:channels", ""), ("page:mood", ""), ("weekly_hour", "7")):
        await (panel.choose(control, value) if value else panel.click(control))
        for identity, what in menus(panel).items():
            assert seen.setdefault(identity, what) == what
    assert len(set(seen.values())) == len(seen) >= 6


def untranslated_words_of(components: list[dict[str, Any]]) -> list[str]:
    """Return the words in components that are not in «brackets»."""
    texts = []
    for part in walk_components(components):
        for words in (part, *part.get("options", [])):
            texts += [words.get(key) or "" for key in ("content", "label", "placeholder", "description")]
    text = re.sub(r"<#\d+>", "", " ".join(texts))
    while (shorter := re.sub("«[^«»]*»", "", text)) != text:
        text = shorter
    return re.findall(r"[^\W\d_]+", text)


@pytest.mark.parametrize("locale", LOCALES_TO_TRY)
async def test_the_fullest_panel_fits_in_every_language(world: World, locale: discord.Locale) -> None:
    channels = [world.guild.create_text_channel(f"room-{number}").id for number in range(40)]
    emoji = {emotion: f"<a:{'x' * 32}:{2**63 - 1 - number}>" for number, emotion in enumerate(EMOJI)}
    await world.env.settle()
    guild = world.bot.get_guild(world.guild.id)
    assert guild
    for settings in (
        ServerSettings(
            channels=frozenset(channels),
            muted=frozenset(EMOJI),
            emoji=emoji,
            weekly_channel=channels[0],
            time_zone="America/Argentina/ComodRivadavia",
        ),
        ServerSettings(channels=frozenset(channels), channel_rule="only", emoji=dict.fromkeys(EMOJI, "👩🏽‍❤️‍💋‍👨🏽")),
        ServerSettings(enabled=False, channel_rule="only"),
    ):
        state = PanelState(
            settings,
            False,
            guild,
            world.bot.analyzer.models.keys(),
            discord.Permissions.none(),
            locale,
            EMOJI,
            "bilstm",
            NOW,
            holding_back=channels,
        )
        for page in Page:
            for asks in (False, True):
                panel: Any = SettingsPanel(state, PanelContent(page, "x" * 520, "joy", ZONES, asks))
                validate_components(panel.to_components(), flags=COMPONENTS_V2)


@pytest.mark.parametrize("locale", LOCALES_TO_TRY)
async def test_the_panel_fits_with_any_number_of_emotions(world: World, locale: discord.Locale) -> None:
    await world.env.settle()
    guild = world.bot.get_guild(world.guild.id)
    assert guild
    for many in (1, 25, 26, 150, 300):
        emotions = dict.fromkeys(f"{number} {'x' * 90}" for number in range(many))
        models, nothing = world.bot.analyzer.models.keys(), discord.Permissions.none()
        settings = ServerSettings(muted=frozenset(emotions))
        state = PanelState(settings, False, guild, models, nothing, locale, emotions, "bilstm", NOW)
        panel: Any = SettingsPanel(state, PanelContent(Page.EMOTIONS, refused="0"))
        validate_components(panel.to_components(), flags=COMPONENTS_V2)
        offered = [part for part in walk_components(panel.to_components()) if part["type"] == 3]
        assert sum(len(menu["options"]) for menu in offered) == 2 * min(many, 150)
