"""Print all texts of the bot that might come from docstrings; run in another process."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import click

from bot.cli import cli
from bot.client import create_bot
from bot.configuration import Configuration


def helps(command: click.Command = cli, name: str = "emobot", parent: click.Context | None = None) -> dict[str, str]:
    """Return the help of a terminal command and of its subcommands, by the words that call it."""
    # Click keeps a command's help option, so it must have the names here that it has in a real call.
    context = click.Context(command, parent, name, **command.context_settings)
    found = {context.command_path: command.get_help(context)}
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            part = command.get_command(context, each)
            assert part
            found |= helps(part, each, context)
    return found


async def discord_commands() -> list[dict[str, Any]]:
    """Return the commands as they are sent to Discord, in English only."""
    bot = create_bot(Configuration())

    async def register_nothing() -> None: ...

    bot.registration.register_if_changed = register_nothing  # type: ignore[method-assign] # nothing is to be sent
    async with bot:
        await bot.setup_hook()
        return [command.to_dict(bot.tree) for command in bot.tree.get_commands()]


if __name__ == "__main__":
    print(json.dumps([helps(), asyncio.run(discord_commands())]))  # noqa: T201 - the parent process reads it
