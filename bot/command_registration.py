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

_MOST_IN_DEVELOPMENT = 200  # servers; Discord tells as many at once
_TRIES_AGAIN_AFTER = 60.0  # seconds


class CommandRegistration:
    """Keeps the commands that Discord has the same as those of the bot."""

    def __init__(self, bot: commands.AutoShardedBot, requests: DiscordRequests, dev_guild: int | None) -> None:
        """Register nothing yet.

        Args:
            bot: whose commands they are.
            requests: by which Discord is asked while the bot serves already.
            dev_guild: the one server that gets the commands; None for all servers.
        """
        self._bot = bot
        self._requests = requests
        self._dev_guild = dev_guild
        self._in_background: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """End the registration that goes on while the bot serves already, if there is one, since the bot stops."""
        if self._in_background:
            self._in_background.cancel()

    async def register_if_changed(self) -> None:
        """Register the commands, unless Discord has them as they are: it limits how often that may be done."""
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
            if _essence(ours, guild) != known:
                await self._register(ours, guild)
        except discord.HTTPException as error:
            _warn_of_commands(error, guild)

    async def _register(self, commands: list[dict[str, Any]], guild: discord.Object | None) -> None:
        """Replace the commands that Discord has; `tree.sync` would translate each once more."""
        if guild:
            await self._bot.http.bulk_upsert_guild_commands(self._application_id, guild.id, commands)
        else:
            await self._bot.http.bulk_upsert_global_commands(self._application_id, commands)
        log.info("Synced %d commands.", len(commands))

    async def _register_anew(self, ours: list[dict[str, Any]]) -> None:
        """Register the commands where Discord knows none, while the bot serves already: many servers are asked before.

        While EMOBOT_DEV_GUILD is set there are no global commands. So only a bot without any can have been in
        development, and only then its servers are asked for theirs. They go first, or else a bot that is stopped
        meanwhile would not look for them again.
        """
        while True:
            try:
                await self._requests.ask(self._clear_server_commands())
                await self._requests.ask(self._register(ours, None))
            except discord.HTTPException as error:
                _warn_of_commands(error, None)
            except discord.DiscordException:  # Discord is away, which the log says already
                await asyncio.sleep(_TRIES_AGAIN_AFTER)
                continue
            return

    async def _clear_global_commands(self) -> None:
        """Remove the commands that were registered before EMOBOT_DEV_GUILD was set, or they would be doubled."""
        if await self._known_commands(None):
            await self._bot.http.bulk_upsert_global_commands(self._application_id, [])
            log.warning("EMOBOT_DEV_GUILD is set: the commands are gone from all other servers until it is unset.")

    async def _clear_server_commands(self) -> None:
        """Remove the commands that were registered before EMOBOT_DEV_GUILD was unset, or they would be doubled."""
        async for server in self._bot.fetch_guilds(limit=_MOST_IN_DEVELOPMENT):
            try:
                if await self._known_commands(server):
                    await self._bot.http.bulk_upsert_guild_commands(self._application_id, server.id, [])
            except discord.Forbidden:
                log.debug("The bot may have no commands in server %d.", server.id)

    async def _known_commands(self, guild: discord.abc.Snowflake | None) -> list[dict[str, Any]]:
        """Return the essence of the commands that Discord has, for one server or globally.

        `tree.fetch_commands` will not do: discord.py 2.7 misreads where a fetched command may be used, and asks for
        no translations.
        """
        place = f"/guilds/{guild.id}" if guild else ""
        route = discord.http.Route("GET", f"/applications/{self._application_id}{place}/commands")
        known = await self._bot.http.request(route, params={"with_localizations": "true"})
        with reading_answers():
            return _essence(known, guild)

    @property
    def _application_id(self) -> int:
        if self._bot.application_id is None:
            raise app_commands.MissingApplicationID
        return self._bot.application_id


def _warn_of_commands(error: discord.HTTPException, guild: discord.Object | None) -> None:
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


def _essence(payloads: Sequence[Mapping[str, Any]], guild: discord.abc.Snowflake | None) -> list[dict[str, Any]]:
    """Return what two equal commands or options have in common: no ids, no order, no defaults."""
    compared = _COMPARED if guild else _COMPARED_GLOBALLY
    return sorted(
        (
            {
                key: _essence(value, guild) if key in ("options", "choices") else _plain(value)
                for key, value in payload.items()
                if key in compared and value
            }
            for payload in payloads
        ),
        key=lambda essence: (essence["name"], essence.get("type", "")),
    )


def _plain(value: object) -> str:
    return str(sorted(value.items()) if isinstance(value, dict) else value)
