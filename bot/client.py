"""The bot: its intents and permissions, its features, its connection to Discord, and its shutdown."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands
from yarl import URL

from bot import discord_address
from bot.about.cog import About
from bot.analysis.analyzer import Analyzer
from bot.analysis.models import load_configured_models, require_reacting_model
from bot.command_registration import CommandRegistration
from bot.compare.cog import Compare
from bot.configuration import Configuration, ConfigurationError, load_configuration
from bot.connection import gateway
from bot.connection.clock import loop_time
from bot.connection.gateway_proxy import fetch_shard_count
from bot.connection.identify_turns import IdentifyTurns
from bot.connection.left_guilds import detect_left_guilds
from bot.connection.requests import ANSWER_TIMEOUT, MAX_PAUSE_WAIT, DiscordRequests
from bot.connection.session_starts import SessionStarts
from bot.connection.strict_answers import (
    UNEXPECTED_SHAPE_ERRORS,
    UnreadableAnswerError,
    reading_answers,
    use_strict_answers,
    use_strict_interaction_answers,
)
from bot.corrections.cog import Corrections
from bot.errors import log_failure, report_error
from bot.maintenance.cog import Maintenance
from bot.meter import Meter
from bot.mood.cog import Mood
from bot.mood.weekly import WeeklyMood
from bot.privacy.cog import Privacy
from bot.reactions.cog import Reactions
from bot.reactions.dislikes import Dislikes
from bot.reactions.history import History
from bot.reactions.observers import Observers
from bot.reactions.outcomes import Outcome
from bot.reactions.policy import Policy
from bot.reactions.sending import ReactionSender
from bot.settings.cog import ServerSettingsCog
from bot.settings.trial import Trials
from bot.shards import format_ranges
from bot.store import Store
from bot.store.locks import AdvisoryLocks
from bot.ui.request_limits import RequestLimits
from bot.why.cog import Why
from classifiers import Classifier

log = logging.getLogger(__name__)

INTENTS = discord.Intents(
    guilds=True,
    emojis_and_stickers=True,  # to notice when a server deletes an emoji that it has chosen for the bot
    guild_messages=True,
    dm_messages=True,
    guild_reactions=True,
    dm_reactions=True,
    message_content=True,
)
PERMISSIONS = discord.Permissions(view_channel=True, read_message_history=True, add_reactions=True)
"""All permissions that the bot asks for; its answers to commands need none.

For the picture of the week, those who manage the server grant the permissions to post in that one channel.
"""


class _CommandTree(app_commands.CommandTree["Emobot"]):
    """Slash commands and menus, whose errors are reported to the user."""

    async def on_error(self, interaction: discord.Interaction[Emobot], error: app_commands.AppCommandError, /) -> None:
        command = interaction.command.qualified_name if interaction.command else "a command"
        await report_error(interaction, f"{command!r}", error)


class Emobot(commands.AutoShardedBot):
    """A Discord bot that reacts to messages with the emoji of their emotion.

    Attributes:
        configuration: the configuration it was started with.
        analyzer: runs the models off the event loop.
        store: its settings, opt-outs and counts.
        requests: limits its requests to Discord, and knows Discord's time.
        registration: registers its commands.
        outcomes: how many messages ended with each outcome since the start.
        sizes: returns the number of entries of each collection in memory, by the collection's name.
    """

    def __init__(
        self,
        configuration: Configuration,
        models: Mapping[str, Classifier],
        clock: Callable[[], float] | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._meter = meter or Meter()
        self.requests = DiscordRequests(
            loop_time, configuration.own_requests_per_second, self._close_in_background, self._meter
        )
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=_CommandTree,
            intents=INTENTS,
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
            activity=discord.CustomActivity("Reading the room"),
            max_messages=None,  # nothing looks messages up again, so none are cached
            shard_count=configuration.shard_count or 1,  # if it is not set, 1 until `connect` asks Discord
            heartbeat_timeout=gateway.SILENCE_TIMEOUT,
            http_trace=self.requests.trace(),
            max_ratelimit_timeout=MAX_PAUSE_WAIT,
        )
        use_strict_answers(self.http, timeout=ANSWER_TIMEOUT)
        self.configuration = configuration
        self.analyzer = Analyzer(models, configuration.reacts_with, meter=self._meter)
        self._clock = clock
        self._turns: IdentifyTurns | None = None
        if configuration.shard_ids:
            self.shard_ids = list(configuration.shard_ids)
            self._turns = IdentifyTurns(AdvisoryLocks(configuration.database_url))
        self.store = Store(configuration.database_url, configuration.mood_days)
        self._session_starts = SessionStarts(loop_time, self.requests.time.now)
        self._starts_sessions = True  # False if a proxy starts them
        self._closing: asyncio.Task[None] | None = None
        self.registration = CommandRegistration(self, self.requests, configuration.dev_guild)
        self.outcomes: Counter[Outcome] = Counter()
        self._react: Callable[[discord.Message], Awaitable[None]]  # set by `setup_hook`, before the first message
        self.sizes: Callable[[], Mapping[str, int]] = dict

    async def login(self, token: str) -> None:
        """Log in at the configured addresses; raise what discord.py raises."""
        discord_address.use(self.configuration.api_base, self.configuration.gateway_url)
        use_strict_interaction_answers()
        try:
            await super().login(token)
        except discord.HTTPException:
            if self.requests.token_refused:  # discord.py itself raises LoginFailure for the first request only
                raise discord.LoginFailure("The token was reset while the bot logged in.") from None
            raise
        except UNEXPECTED_SHAPE_ERRORS as error:
            if self.application:  # it is set from the last answer of the login, so this is a bug of ours
                raise
            raise UnreadableAnswerError(type(error).__name__) from error

    async def setup_hook(self) -> None:
        """Add all features, then register the commands; of several processes, the one with shard 0 does so."""
        analyzer, store, configuration = self.analyzer, self.store, self.configuration
        requests, clock = self.requests, self._clock or asyncio.get_running_loop().time
        history, observers = History(clock), Observers()
        sender = ReactionSender(self, requests, clock, self._meter)
        policy = Policy(configuration.min_certainty, sender.may_use)
        reactions = Reactions(self, analyzer, store, history, policy, sender, observers)
        self.outcomes, self._react = reactions.outcomes, reactions.handle_message
        await self.add_cog(Maintenance(self, store, requests.time))
        await self.add_cog(reactions)
        await self.add_cog(Dislikes(self, history, requests, sender))
        limits = RequestLimits()
        await self.add_cog(Compare(self, analyzer, store, limits))
        await self.add_cog(Why(self, analyzer, store, history, policy, limits))
        await self.add_cog(Mood(analyzer, store, requests.time))
        await self.add_cog(WeeklyMood(self, analyzer, store, requests))
        trials = Trials(self, store, requests, observers, clock)
        await self.add_cog(ServerSettingsCog(self, analyzer, store, history.channels, trials))
        await self.add_cog(Corrections(self, analyzer, store))
        await self.add_cog(Privacy(self, store))
        await self.add_cog(About(self, analyzer, store, configuration))
        self.sizes = lambda: {
            "messages": len(history.messages),
            "channels": len(history.channels),
            "pauses": len(sender),
            "trials": len(observers),
            **store.cache.sizes(),
        }
        if configuration.shard_ids is None or 0 in configuration.shard_ids:
            await self.registration.register_if_changed()

    async def connect(self, *, reconnect: bool = True) -> None:
        """Connect with the configured shards, or as many as Discord recommends today, until the bot is closed.

        If a proxy holds the sessions with Discord, the number of shards is the proxy's, and none waits for its turn.

        Raises:
            ConfigurationError: `SHARD_COUNT` differs from the proxy's number of shards.
            discord.LoginFailure: Discord no longer accepts the token.
        """
        address = self.configuration.gateway_url
        gateway.use(behind_proxy=address is not None)
        proxy_shards = await fetch_shard_count(address) if address else None
        self._starts_sessions = proxy_shards is None
        if self._starts_sessions:  # a proxy may list fewer servers than it has
            detect_left_guilds(self._connection)
        if proxy_shards and self.configuration.shard_count not in (None, proxy_shards):
            raise ConfigurationError(
                f"SHARD_COUNT is {self.configuration.shard_count}, but the proxy at DISCORD_GATEWAY_URL has "
                f"{proxy_shards} shards: both must be the same."
            )
        try:
            with reading_answers():
                recommended, _, limits = await self.http.get_bot_gateway()
                self._choose_shards(proxy_shards or recommended, limits["max_concurrency"])
                self._session_starts.note(dict(limits))
            if self._starts_sessions:
                await self._session_starts.wait_for(len(self.shard_ids or range(self.shard_count or 1)))
            await super().connect(reconnect=reconnect)
        except discord.DiscordException:
            if not self.requests.token_refused:
                raise
        if self.requests.token_refused:
            raise discord.LoginFailure("The token was reset while the bot ran.")

    async def launch_shard(self, gateway: URL, shard_id: int, *, initial: bool = False) -> None:
        """Connect a shard once it may start its session, since Discord closes a connection that waits for long.

        discord.py calls this again after a failure, even if the bot has been closed.
        """
        if self._turns and self._starts_sessions and not self.is_closed():
            await self._turns.wait(shard_id)
        if not self.is_closed():
            await super().launch_shard(gateway, shard_id, initial=initial)
        if self.is_closed() and (shard := self.get_shard(shard_id)):  # the bot was closed before this shard existed
            await shard.disconnect()
        task = asyncio.current_task()
        if task and task.cancelling():  # discord.py uses `wait_for`, which up to Python 3.11 may lose a cancellation
            raise asyncio.CancelledError

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:  # noqa: ARG002 - discord.py's name
        """Wait until a shard may start its session: five seconds after any other, also of another process.

        A shard that is being launched already has its turn, unlike one whose session Discord has ended.
        """
        if not self._starts_sessions:
            return
        await self._session_starts.begin(shard_id or 0)
        if self._turns and shard_id is not None:
            await self._turns.wait(shard_id)
            self._turns.use(shard_id)

    async def close(self) -> None:
        """Write the waiting counts, leave Discord, end the worker thread, write the rest, and give up all turns."""
        await self.store.write()  # first, since leaving Discord may take longer than the bot is given
        self.requests.close()
        self.registration.cancel()
        await super().close()
        await self.analyzer.close()
        await self.store.close()
        if self._turns:
            await self._turns.close()  # which may take five seconds

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the bot unless that has begun, and wait until everything is written, for which discord.py does not."""
        if self._closing:
            await self._closing
        await super().__aexit__(kind, error, traceback)

    async def on_ready(self) -> None:
        """Log that all shards are up."""
        log.info("Ready as %s in %d servers.", self.user, len(self.guilds))

    async def on_message(self, message: discord.Message, /) -> None:
        """Note Discord's time, and react; there are no commands in messages.

        A listener of the cog would be a second task for each message.
        """
        self.requests.time.note(message.created_at)
        await self._react(message)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - discord.py's
        """Log an exception in an event handler, without the event's data."""
        log_failure(event_method, sys.exc_info()[1])

    def _choose_shards(self, recommended: int, concurrency: int) -> None:
        self.shard_count = self.configuration.shard_count or recommended
        if self.shard_count < recommended:
            log.warning("SHARD_COUNT is %d, but Discord recommends %d shards.", self.shard_count, recommended)
        if self._turns and self.shard_ids:
            self._turns.concurrency = concurrency
            log.info("This process serves the shards %s of %d.", format_ranges(self.shard_ids), self.shard_count)

    def _close_in_background(self) -> None:
        """Close the bot in a task of its own; `connect` then returns."""
        self.requests.close()
        self._closing = asyncio.create_task(self.close())


def create_bot(
    configuration: Configuration | None = None,
    *,
    models: Mapping[str, Classifier] | None = None,
    clock: Callable[[], float] | None = None,
    meter: Meter | None = None,
) -> Emobot:
    """Return a bot with its models loaded, not yet started.

    Args:
        configuration: the bot's; read from the environment and `.env` if None.
        models: classifiers by name; loaded from the directory in the configuration if None.
        clock: monotonic seconds that pace reactions; the event loop's if None.
        meter: records measurements; None to record nothing.

    Raises:
        ConfigurationError: a setting is not allowed, or asks for a model that is not there.
        classifiers.ModelDirectoryError: the models cannot be loaded.
    """
    configuration = configuration or load_configuration()
    if models is None:
        models = load_configured_models(configuration)
    else:
        require_reacting_model(models, configuration)
    return Emobot(configuration, models, clock, meter)
