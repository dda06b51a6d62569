"""All texts of the bot that may stand in docstrings, for a process of its own to print."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import click

from bot.cli import cli
from bot.client import create_bot
from bot.configuration import Configuration


def helps(command: click.Command = cli, name: str = "emobot") -> dict[str, str]:
    """The help of a command of the terminal and of those under it, by their names."""
    context = click.Context(command, info_name=name)
    found = {name: command.get_help(context)}
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            part = command.get_command(context, each)
            assert part
            found |= helps(part, f"{name} {each}")
    return found


async def discord_commands() -> list[dict[str, Any]]:
    """The commands as Discord is told of them, in no language but English."""
    bot = create_bot(Configuration())

    async def register_nothing() -> None: ...

    bot.registration.register_if_changed = register_nothing  # type: ignore[method-assign]
    async with bot:
        await bot.setup_hook()
        return [command.to_dict(bot.tree) for command in bot.tree.get_commands()]


if __name__ == "__main__":
    print(json.dumps([helps(), asyncio.run(discord_commands())]))  # noqa: T201
