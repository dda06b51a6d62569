"""The bot itself: what it asks of Discord, what it starts, how it fails and how it ends."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.analyzer import Analyzer, AnalyzerError
from bot.cogs.compare import Compare
from bot.cogs.reactions import Reactions
from bot.pacing import Pacer
from bot.settings import Settings, SettingsError, load_settings
from classifiers import Classifier, load_models

log = logging.getLogger(__name__)

BUSY = "I have my hands full right now; please try again in a moment."
BROKEN = "Something went wrong on my side; please try again later."


class _CommandTree(app_commands.CommandTree["Emobot"]):
    """Slash commands and menus, with a courteous answer when one of them fails."""

    async def on_error(self, interaction: discord.Interaction[Emobot], error: app_commands.AppCommandError, /) -> None:
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        command = interaction.command.qualified_name if interaction.command else "a command"
        if isinstance(cause, AnalyzerError):
            log.warning("%r was not answered: %s", command, cause)
        else:
            _log_failure(f"{command!r}", cause)
        sentence = BUSY if isinstance(cause, AnalyzerError) else BROKEN
        try:
            if interaction.response.is_done():
                await interaction.followup.send(sentence, ephemeral=True)
            else:
                await interaction.response.send_message(sentence, ephemeral=True)
        except discord.HTTPException as refusal:
            log.warning("The failure of %r could not be told to the user: %s", command, refusal.code)


class Emobot(commands.AutoShardedBot):
    """A Discord bot that reacts to messages with the emoji of their emotion.

    Attributes:
        settings: what it was started with.
        analyzer: the models, off the event loop.
    """

    def __init__(self, settings: Settings, models: Mapping[str, Classifier]) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=_CommandTree,
            intents=discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True),
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
            activity=discord.CustomActivity("Feeling along"),
            max_messages=None,  # nothing looks a message up again, so none is kept
            shard_count=1,  # until `connect` asks Discord
        )
        self.settings = settings
        self.analyzer = Analyzer(models)

    async def setup_hook(self) -> None:
        """Everything that starts: two features, then the commands are made known."""
        pacer = Pacer(asyncio.get_running_loop().time)
        await self.add_cog(Reactions(self, self.analyzer, pacer, self.settings))
        await self.add_cog(Compare(self, self.analyzer))
        await self._sync_commands()

    async def connect(self, *, reconnect: bool = True) -> None:
        """Connect with as many shards as Discord recommends today."""
        self.shard_count, _, _ = await self.http.get_bot_gateway()
        await super().connect(reconnect=reconnect)

    async def close(self) -> None:
        """Leave Discord, then end the worker thread."""
        await super().close()
        await self.analyzer.close()

    async def on_ready(self) -> None:
        """Say that all shards are up."""
        log.info("Ready as %s in %d servers.", self.user, len(self.guilds))

    async def on_message(self, message: discord.Message, /) -> None:
        """No message is a command: the cogs listen for themselves."""

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - discord.py's
        """Report an exception in an event handler, without what the event was about."""
        _log_failure(event_method, sys.exc_info()[1])

    async def _sync_commands(self) -> None:
        """Make the commands known, unless Discord knows them as they are: creating commands is limited."""
        guild = discord.Object(self.settings.dev_guild) if self.settings.dev_guild else None
        if guild:
            self.tree.copy_global_to(guild=guild)
        ours = [command.to_dict(self.tree) for command in self.tree.get_commands(guild=guild)]
        try:
            if _essence(ours, guild) != _essence(await self._known_commands(guild), guild):
                await self.tree.sync(guild=guild)
                log.info("Synced %d commands.", len(ours))
        except discord.HTTPException as error:
            log.warning(
                "The commands could not be synced%s: Discord answered with HTTP %d, code %d.",
                f" to the server {guild.id} of EMOBOT_DEV_GUILD" if guild else "",
                error.status,
                error.code,
            )

    async def _known_commands(self, guild: discord.Object | None) -> Sequence[Mapping[str, Any]]:
        """The commands that Discord knows, for one server or globally, as it sends them.

        `tree.fetch_commands` will not do: discord.py 2.7 misreads where a fetched command may be used.
        """
        if self.application_id is None:
            raise app_commands.MissingApplicationID
        if guild:
            return await self.http.get_guild_commands(self.application_id, guild.id)
        return await self.http.get_global_commands(self.application_id)


_COMPARED = {
    *("name", "type", "description", "options", "nsfw", "default_member_permissions"),
    *("required", "choices", "min_value", "max_value", "min_length", "max_length", "autocomplete"),
}
_COMPARED_GLOBALLY = _COMPARED | {"contexts", "integration_types"}  # a server's commands have neither


def _essence(payloads: Sequence[Mapping[str, Any]], guild: discord.Object | None) -> list[dict[str, Any]]:
    """What makes commands or options the same: without ids, order and what is left at its default."""
    compared = _COMPARED if guild else _COMPARED_GLOBALLY
    return sorted(
        (
            {
                key: _essence(value, guild) if key in ("options", "choices") else str(value)
                for key, value in payload.items()
                if key in compared and value
            }
            for payload in payloads
        ),
        key=lambda essence: (essence["name"], essence.get("type", "")),
    )


def _log_failure(what: str, error: BaseException | None) -> None:
    """Log where an exception was raised, but not its message, which may quote what somebody wrote."""
    trace = "".join(traceback.format_tb(error.__traceback__)) if error else ""
    log.error("%s failed with %s at\n%s", what, type(error).__name__, trace)


def create_bot(settings: Settings | None = None, *, models: Mapping[str, Classifier] | None = None) -> Emobot:
    """A bot with its models loaded, not yet started.

    Args:
        settings: what to build it from; read from the environment and `.env` if None.
        models: classifiers by name; loaded from the directory in the settings if None.

    Raises:
        SettingsError: a setting is not allowed, or asks for a model that is not there.
        classifiers.ModelDirectoryError: the models cannot be loaded.
    """
    settings = settings or load_settings()
    models = load_models(settings.models) if models is None else models
    if settings.reacts_with not in models:
        raise SettingsError(
            f"EMOBOT_REACTS_WITH asks for {settings.reacts_with}, but {settings.models} holds only "
            f"{' and '.join(models)}."
        )
    return Emobot(settings, models)
