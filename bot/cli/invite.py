"""`python -m bot invite`: the link that invites the bot to a server."""

from __future__ import annotations

import asyncio

import click

from bot.cli.application import fetch_application, invite_link
from bot.cli.errors import discord_errors, reports_errors, token_of
from bot.configuration import load_configuration


@click.command(
    help="Print the link that invites the bot to a server.\n\n"
    "It asks for the permissions that the bot needs and for nothing else: to see channels, read their history and add "
    "reactions."
)
@reports_errors
def invite() -> None:
    """Print the link that invites the bot to a server."""
    configuration = load_configuration()
    token = token_of(configuration)
    with discord_errors():
        click.echo(invite_link(asyncio.run(fetch_application(configuration, token))))
