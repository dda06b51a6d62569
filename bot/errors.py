"""Report errors of commands, buttons and forms: to the person who used them, and in the log."""

from __future__ import annotations

import json
import logging

import aiohttp
import discord
from discord import app_commands

from bot.analysis.analyzer import AnalyzerError
from bot.i18n import mark, translator
from bot.logs import FAILURE
from bot.store import StoreError, UnreadableSettingsError

log = logging.getLogger(__name__)

BUSY = mark("I have my hands full right now; please try again in a moment.")
UNSAVED = mark("I couldn't look that up or save it just now; please try again in a moment.")
UNREADABLE = mark(
    "I can't read this server's settings, perhaps because a newer version of me saved them, so I am silent until "
    "someone resets or imports them in `/settings`."
)
BROKEN = mark("Something went wrong on my side; please try again later.")
NOT_ALLOWED = mark("You need the Manage Server permission for that.")


async def report_error(interaction: discord.Interaction, what: str, error: Exception) -> None:
    """Tell a user privately that their interaction failed, and log why.

    Args:
        interaction: the interaction that failed, whether it has been answered or not.
        what: the command or control, for the log.
        error: the exception; one that discord.py has wrapped is unwrapped.
    """
    if interaction.client.is_closed():
        log.debug("%s was not answered: the bot is stopping.", what)
        return
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    sentence = _sentence(cause)
    if isinstance(cause, _REQUEST_FAILED):
        log.warning("%s was not answered: Discord failed (%s).", what, loggable_text(cause))
    elif sentence == BROKEN:
        log_failure(what, cause)
    else:
        log.warning("%s was not answered: %s", what, cause)
    sentence = translator(interaction.locale)(sentence)
    try:
        if interaction.response.is_done():
            await interaction.followup.send(sentence, ephemeral=True)
        else:
            await interaction.response.send_message(sentence, ephemeral=True)
    except Exception as refusal:  # discord.py may raise anything if it cannot read Discord's answer
        log.warning("%s failed, but the user could not be told: %s", what, loggable_text(refusal))


def log_failure(what: str, error: BaseException | None) -> None:
    """Log where an exception was raised, but not its message, which may quote a user's text."""
    log.error("%s failed", what, extra={FAILURE: error})


_REQUEST_FAILED = (
    discord.HTTPException,
    discord.RateLimited,
    aiohttp.ClientError,
    ConnectionError,
    TimeoutError,
    json.JSONDecodeError,
)


def loggable_text(error: Exception) -> str:
    """Return what may be logged about an error of Discord or the database, which never quotes a user's text."""
    if isinstance(error, discord.HTTPException):
        return f"HTTP {error.status}, code {error.code}"
    return str(error) if isinstance(error, StoreError) else type(error).__name__


def _sentence(cause: Exception) -> str:
    match cause:
        case AnalyzerError():
            return BUSY
        case UnreadableSettingsError():
            return UNREADABLE
        case StoreError():
            return UNSAVED
        case app_commands.MissingPermissions():
            return NOT_ALLOWED
        case _:
            return BROKEN
