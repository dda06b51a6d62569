"""The bot's application at Discord, and the link that invites it."""

from __future__ import annotations

import aiohttp
import discord

from bot import discord_address
from bot.client import PERMISSIONS
from bot.configuration import Configuration
from bot.connection.strict_answers import reading_answers, use_strict_answers


async def fetch_application(
    configuration: Configuration, token: str, trace: aiohttp.TraceConfig | None = None
) -> discord.AppInfo:
    """Log in, without connecting to the gateway, and return Discord's data about the application.

    Args:
        configuration: has the addresses of Discord.
        token: the bot's.
        trace: observes the requests.

    Raises:
        discord.LoginFailure: Discord does not accept the token.
        UnreadableAnswerError: something else answers in Discord's place.
    """
    discord_address.use(configuration.api_base, configuration.gateway_url)
    async with discord.Client(intents=discord.Intents.none(), http_trace=trace or aiohttp.TraceConfig()) as client:
        use_strict_answers(client.http)
        with reading_answers():
            await client.login(token)
            return await client.application_info()


def invite_link(application: discord.AppInfo) -> str:
    """Return the link that invites the bot with the permissions that it needs."""
    return discord.utils.oauth_url(application.id, permissions=PERMISSIONS)


def replaced_addresses(configuration: Configuration) -> list[str]:
    """Return a line for each of Discord's addresses that the operator has replaced with another."""
    addresses = {
        "API": (configuration.api_base, "DISCORD_API_BASE"),
        "gateway": (configuration.gateway_url, "DISCORD_GATEWAY_URL"),
    }
    return [
        f"Discord's {name}: {address}, because {variable} says so."
        for name, (address, variable) in addresses.items()
        if address
    ]
