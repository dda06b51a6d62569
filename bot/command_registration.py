"""Registers the commands with Discord: when they have changed, and for all servers or for one in development."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.connection.requests import DiscordRequests
from bot.connection.strict_answers import reading_answers
from bot.i18n import CommandTranslator

log = logging.getLogger(__name__)

_MAX_DEVELOPMENT_SERVERS = 200  # servers; Discord lists this many at once
_RETRY_DELAY = 60.0  # seconds


class CommandRegistration:
    """Keeps Discord's list of the bot's commands up to date."""

    def __init__(self, bot: commands.AutoShardedBot, requests: DiscordRequests, dev_guild: int | None) -> None:
        """Create it without registering anything.

        Args:
            bot: whose commands they are.
            requests: sends the requests once the bot is serving.
            dev_guild: the one server that gets the commands; None for all servers.
        """
        self._bot = bot
        self._requests = requests
        self._dev_guild = dev_guild
        self._in_background: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Cancel a registration in the background, if there is one, because the bot is stopping."""
        if self._in_background:
            self._in_background.cancel()

    async def register_if_changed(self) -> None:
        """Register the commands unless Discord already has the same, since it limits how often that may be done."""
        guild = discord.Object(self._dev_guild) if self._dev_guild else None
        if guild:
            self._bot.tree.copy_global_to(guild=guild)
        translator = CommandTranslator()
        await self._bot.tree.set_translator(translator)
        ours = [
            await command.get_translated_payload(self._bot.tree, translator)
            for command in self._bot.tree.get_commands(guild=guild)
        ]
        try:
            known = await self._known_commands(guild)
            if guild:
                await self._clear_global_commands()
            elif not known:
                self._in_background = asyncio.create_task(self._register_anew(ours))
                return
            if _comparable(ours, guild) != known:
                await self._register(ours, guild)
        except discord.HTTPException as error:
            _warn_of_failed_sync(error, guild)

    async def _register(self, commands: list[dict[str, Any]], guild: discord.Object | None) -> None:
        """Replace Discord's commands; `tree.sync` would translate each of them again."""
        if guild:
            await self._bot.http.bulk_upsert_guild_commands(self._application_id, guild.id, commands)
        else:
            await self._bot.http.bulk_upsert_global_commands(self._application_id, commands)
        log.info("Synced %d commands.", len(commands))

    async def _register_anew(self, ours: list[dict[str, Any]]) -> None:
        """Register the commands in the background if Discord has none, since many servers have to be checked first.

        While EMOBOT_DEV_GUILD is set there are no global commands. So only a bot without any can have been in
        development, and only then are its servers asked for commands of their own. Those are removed first, because a
        bot that is stopped in between would not look for them again.
        """
        while True:
            try:
                await self._requests.ask(self._clear_server_commands())
                await self._requests.ask(self._register(ours, None))
            except discord.HTTPException as error:
                _warn_of_failed_sync(error, None)
            except discord.DiscordException:  # Discord cannot be reached, which is already in the log
                await asyncio.sleep(_RETRY_DELAY)
                continue
            return

    async def _clear_global_commands(self) -> None:
        """Remove the commands that were registered before EMOBOT_DEV_GUILD was set, which would appear twice."""
        if await self._known_commands(None):
            await self._bot.http.bulk_upsert_global_commands(self._application_id, [])
            log.warning("EMOBOT_DEV_GUILD is set: no other server has commands until it is unset.")

    async def _clear_server_commands(self) -> None:
        """Remove the commands that were registered before EMOBOT_DEV_GUILD was unset, which would appear twice."""
        async for server in self._bot.fetch_guilds(limit=_MAX_DEVELOPMENT_SERVERS):
            try:
                if await self._known_commands(server):
                    await self._bot.http.bulk_upsert_guild_commands(self._application_id, server.id, [])
            except discord.Forbidden:
                log.debug("The bot may have no commands in server %d.", server.id)

    async def _known_commands(self, guild: discord.abc.Snowflake | None) -> list[dict[str, Any]]:
        """Return what matters of Discord's commands (`_comparable`), for one server or globally.

        `tree.fetch_commands` cannot be used: discord.py 2.7 misreads where a fetched command may be used, and does not
        request translations.
        """
        place = f"/guilds/{guild.id}" if guild else ""
        route = discord.http.Route("GET", f"/applications/{self._application_id}{place}/commands")
        known = await self._bot.http.request(route, params={"with_localizations": "true"})
        with reading_answers():
            return _comparable(known, guild)

    @property
    def _application_id(self) -> int:
        if self._bot.application_id is None:
            raise app_commands.MissingApplicationID
        return self._bot.application_id


def _warn_of_failed_sync(error: discord.HTTPException, guild: discord.Object | None) -> None:
    log.warning(
        "The commands could not be synced%s: Discord answered with HTTP %d, code %d.",
        f" to the server {guild.id} of EMOBOT_DEV_GUILD" if guild else "",
        error.status,
        error.code,
    )


_COMPARED = {
    *("name", "type", "description", "options", "nsfw", "default_member_permissions"),
    *("name_localizations", "description_localizations"),
    *("required", "choices", "min_value", "max_value", "min_length", "max_length", "autocomplete"),
}
_COMPARED_GLOBALLY = _COMPARED | {"contexts", "integration_types"}  # a server's commands have neither


def _comparable(payloads: Sequence[Mapping[str, Any]], guild: discord.abc.Snowflake | None) -> list[dict[str, Any]]:
    """Return the part of a command or option that is compared: without ids, order and defaults."""
    compared = _COMPARED if guild else _COMPARED_GLOBALLY
    return sorted(
        (
            {
                key: _comparable(value, guild) if key in ("options", "choices") else _as_text(value)
                for key, value in payload.items()
                if key in compared and value
            }
            for payload in payloads
        ),
        key=lambda essence: (essence["name"], essence.get("type", "")),
    )


def _as_text(value: object) -> str:
    return str(sorted(value.items()) if isinstance(value, dict) else value)
