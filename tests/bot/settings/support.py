"""Helpers shared by the tests of `/settings`: an open panel and its controls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import discord
import simcord
from simcord.components import walk_components

from bot.i18n import LANGUAGES, LOCALES
from bot.server_settings import ServerSettings
from tests.bot.support import World

LOCALES_TO_TRY = [
    discord.Locale.british_english,
    *(discord.Locale(locale) for locale, language in LANGUAGES.items() if (LOCALES / f"{language}.po").exists()),
]
"""One locale of Discord for each language of the bot."""


@dataclass
class Panel:
    """An open panel.

    Attributes:
        owner: the person who opened it and presses its controls.
        message: the message that contains it.
    """

    owner: simcord.MemberActor
    message: simcord.ResponseMessage

    @property
    def text(self) -> str:
        """All texts of the panel."""
        return "\n".join(part["content"] for part in self._parts() if part["type"] == 10)

    @property
    def notice(self) -> str | None:
        """The change that the panel reports."""
        return next((line[2:] for line in self.text.splitlines() if line.startswith("✅ ")), None)

    @property
    def refusal(self) -> str | None:
        """The reason that the panel gives for changing nothing."""
        return next((line[3:] for line in self.text.splitlines() if line.startswith("⚠️ ")), None)

    @property
    def custom_ids(self) -> list[str]:
        """The custom_ids of all controls."""
        return [str(part["custom_id"]) for part in self._parts() if "custom_id" in part]

    def find(self, custom_id: str) -> dict[str, Any]:
        """Return a control as Discord has it."""
        [found] = [part for part in self._parts() if part.get("custom_id") == f"settings:{custom_id}"]
        return found

    def chosen(self, custom_id: str) -> list[str]:
        """Return the values that a menu shows as chosen."""
        menu = self.find(custom_id)
        options = [option["value"] for option in menu.get("options", []) if option.get("default")]
        return options or [str(default["id"]) for default in menu.get("default_values", [])]

    async def click(self, custom_id: str) -> simcord.InteractionResult:
        return await self.owner.click(self.message, custom_id=f"settings:{custom_id}")

    async def choose(self, custom_id: str, *values: Any) -> simcord.InteractionResult:
        return await self.owner.select(self.message, values, custom_id=f"settings:{custom_id}")

    async def give_emoji(self, emotion: str, text: str) -> simcord.InteractionResult:
        """Choose an emotion, then type its emoji into the form."""
        await self.click("page:emotions")
        [menu] = [
            str(part["custom_id"]).removeprefix("settings:")
            for part in self._parts()
            if str(part.get("custom_id")).startswith("settings:emoji:")
            and any(option["value"] == emotion for option in part["options"])
        ]
        form = await self.choose(menu, emotion)
        return await self.owner.submit_modal(form, {"emoji": text})

    async def import_file(self, content: bytes) -> simcord.InteractionResult:
        """Submit a file to import."""
        form = await self.click("import")
        return await self.owner.submit_modal(form, {"file": ("emobot-settings.json", content)})

    def _parts(self) -> Iterator[dict[str, Any]]:
        return walk_components(self.message.components)


async def open_panel(owner: simcord.MemberActor, channel: simcord.ChannelHandle) -> Panel:
    """Return the panel that `/settings` opens."""
    result = await owner.slash(channel, "settings")
    assert result.ephemeral
    assert result.response
    return Panel(owner, result.response)


def settings_of(world: World) -> ServerSettings:
    return world.bot.store.settings(world.guild.id)


def resign(world: World, owner: simcord.MemberActor) -> None:
    """Take the role "managers" away from a member."""
    world.env.backend.remove_member_role(world.guild.id, owner.id, world.guild.roles["managers"].id)
