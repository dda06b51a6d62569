"""`python -m bot run`, or `python -m bot` alone: connect to Discord and react."""

from __future__ import annotations

import gc
import logging
from collections.abc import Mapping

import click
import discord

from bot import logs
from bot.analysis.models import load_configured_models
from bot.cli.application import replaced_addresses
from bot.cli.errors import discord_errors, reports_errors, token_of
from bot.cli.stopping import run_until_stopped
from bot.configuration import Configuration, load_configuration
from bot.serving import serve
from classifiers import Classifier
from classifiers.memory import keep_large_blocks_apart

log = logging.getLogger(__name__)


@click.command(help="Connect to Discord with the token in DISCORD_TOKEN and react to messages until Ctrl-C.")
@reports_errors
def run() -> None:
    """Run the bot until it is stopped."""
    configuration = load_configuration()
    token = token_of(configuration)
    logs.set_up(configuration.log_level, configuration.log_format)
    for line in replaced_addresses(configuration):
        log.info("One of Discord's addresses has been replaced. %s", line)
    # The bot joins no voice channel, so nobody should be told to install what voice needs.
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    models = load_configured_models(configuration)  # so that unusable models are reported before the bot logs in
    keep_large_blocks_apart()
    gc.freeze()  # otherwise each full collection would scan all libraries and models for a quarter of a second
    with discord_errors():
        run_until_stopped(_serve(configuration, models, token))


async def _serve(configuration: Configuration, models: Mapping[str, Classifier], token: str) -> None:
    """Run the bot, and serve its health and metrics meanwhile if a port for them is set."""
    if configuration.health_port is None:
        await serve(configuration, models, token)
        return

    from bot.monitoring.server import serve_health  # noqa: PLC0415 - few ask for it

    async with serve_health(configuration.health_host, configuration.health_port) as (health, meter):
        await serve(configuration, models, token, health, meter)
