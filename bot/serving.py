"""Run the bot until it is stopped, and restart it after failures of Discord or of the network."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import aiohttp
import discord

from bot.client import create_bot
from bot.configuration import Configuration
from bot.meter import Meter
from classifiers import Classifier

if TYPE_CHECKING:
    from bot.monitoring.health import Health

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds until the bot is restarted; they double each time, up to the longest."""

_STABLE = 600.0  # seconds of running after which the next wait is `FIRST_WAIT` again


async def serve(
    configuration: Configuration,
    models: Mapping[str, Classifier],
    token: str,
    health: Health | None = None,
    meter: Meter | None = None,
) -> None:
    """Run the bot until it is stopped; when Discord fails or cannot be reached, wait and restart it.

    Args:
        configuration: the bot's configuration.
        models: classifiers by name.
        token: the token with which it logs in.
        health: follows each bot that is started; None for no health checks.
        meter: records measurements; None to record nothing.

    Raises:
        discord.LoginFailure: Discord does not accept the token, or no longer does.
        discord.DiscordException: Discord refuses the bot for another reason, which waiting does not change.
    """
    wait = FIRST_WAIT
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        try:
            await _serve_once(configuration, models, token, health, meter)
            return
        except Exception as error:
            if not _is_temporary(error):
                raise
            if loop.time() - started > _STABLE:
                wait = FIRST_WAIT
            pause = max(wait, _retry_after(error))
            log.warning("Discord cannot be reached (%s): the bot tries again in %.0f s.", _kind(error), pause)
        if health:
            health.leave()
        await asyncio.sleep(pause)
        wait = min(2 * wait, LONGEST_WAIT)


async def _serve_once(
    configuration: Configuration,
    models: Mapping[str, Classifier],
    token: str,
    health: Health | None,
    meter: Meter | None,
) -> None:
    """Run one bot until it is stopped or fails."""
    async with create_bot(configuration, models=models, meter=meter) as bot:
        if health:
            health.follow(bot)
        await bot.start(token)


def _is_temporary(error: Exception) -> bool:
    """Return whether a failure is a temporary one of Discord or of the network."""
    if isinstance(error, discord.GatewayNotFound) and error.__cause__:
        return _is_temporary(error.__cause__) if isinstance(error.__cause__, Exception) else False
    if isinstance(error, discord.HTTPException):
        return error.status >= 500 or error.status in (408, 429)  # a proxy answers with 408 if Discord does not answer
    return isinstance(error, (OSError, TimeoutError, aiohttp.ClientError, discord.RateLimited, json.JSONDecodeError))


def _retry_after(error: Exception) -> float:
    """Return the seconds that Discord asks to wait."""
    if isinstance(error, discord.RateLimited):
        return error.retry_after
    if isinstance(error, discord.HTTPException) and error.status == 429:
        return LONGEST_WAIT
    return 0.0


def _kind(error: Exception) -> str:
    return f"HTTP {error.status}" if isinstance(error, discord.HTTPException) else type(error).__name__
