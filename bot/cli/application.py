"""The bot's application at Discord, and the link that invites it."""

from __future__ import annotations

import aiohttp
import discord

from bot.client import PERMISSIONS


async def fetch_application(token: str, trace: aiohttp.TraceConfig | None = None) -> discord.AppInfo:
    """Log in, without connecting to the gateway, and return what Discord knows of the application.

    Args:
        token: the bot's.
        trace: hears the requests.

    Raises:
        discord.LoginFailure: Discord does not accept the token.
    """
    async with discord.Client(intents=discord.Intents.none(), http_trace=trace or aiohttp.TraceConfig()) as client:
        await client.login(token)
        return await client.application_info()


def invitation(application: discord.AppInfo) -> str:
    """Return the link that invites the bot with the permissions that it needs."""
    return discord.utils.oauth_url(application.id, permissions=PERMISSIONS)
