"""Measure what a server costs the bot in memory, beside an empty bot of discord.py, and what takes it.

    python benchmarks/server_memory.py [--servers SERVERS] [--json]

Each row is a fresh process in a loopback Discord with servers of 20 channels, as communities have them. What is left of
its memory after that of a process in one server is divided by their number. The last rows leave out parts of what
Discord says of a server, which no option of discord.py does: so much each part takes.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # so that `benchmarks` can be imported

import argparse
import asyncio
import json
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.gateway import LoopbackDiscord, World
from benchmarks.load.process import started

PARTS = ("topics", "emojis and stickers", "overwrites", "roles", "channels")
_CATEGORIES, _VOICE, _CHANNELS = 2, 3, 20
_TEXT, _CATEGORY_TYPE, _VOICE_TYPE = 0, 4, 2
_RESTS_FOR = 3.0  # seconds until memory is measured, after the last server has come


@dataclass
class Communities(World):
    """Servers as communities have them: 2 categories, 3 voice channels, 15 text channels, 10 roles, 10 emoji.

    Attributes:
        without: the part that is left out, one of `PARTS`.
    """

    channels: int = _CHANNELS
    without: str | None = None

    def guild_payload(self, guild_id: int) -> dict[str, Any]:
        """Return what GUILD_CREATE says of a server."""
        payload = super().guild_payload(guild_id)
        everyone = payload["roles"][0]
        payload["roles"] = [everyone] + [
            {**everyone, "id": str(guild_id + 100 + number), "name": f"role {number}", "position": number}
            for number in range(1, 10)
        ]
        for number, channel in enumerate(payload["channels"]):
            channel |= _more_of_channel(guild_id, number)
        payload["emojis"] = [_emoji(guild_id + 300 + number) for number in range(10)]
        payload["stickers"] = [_sticker(guild_id + 400 + number, guild_id) for number in range(3)]
        payload["threads"] = [_thread(guild_id + 500 + number, guild_id) for number in range(2)]
        payload["features"] = ["COMMUNITY", "NEWS", "INVITE_SPLASH"]
        match self.without:
            case "topics":
                payload["channels"] = [{**channel, "topic": None} for channel in payload["channels"]]
            case "emojis and stickers":
                payload |= {"emojis": [], "stickers": []}
            case "overwrites":
                payload["channels"] = [{**channel, "permission_overwrites": []} for channel in payload["channels"]]
            case "roles":
                payload["roles"] = [everyone]
            case "channels":  # but for the last, in which a message tells that all servers have come
                payload |= {"channels": payload["channels"][-1:], "threads": []}
        return payload


def _more_of_channel(guild_id: int, number: int) -> dict[str, Any]:
    overwrites = [
        {"id": str(guild_id), "type": 0, "allow": "0", "deny": "2048"},
        {"id": str(guild_id + 101), "type": 0, "allow": "2048", "deny": "0"},
    ]
    more: dict[str, Any] = {"permission_overwrites": overwrites, "position": number, "nsfw": False}
    if number < _CATEGORIES:
        return {**more, "type": _CATEGORY_TYPE}
    more["parent_id"] = str(guild_id + 1 + number % _CATEGORIES)
    if number < _CATEGORIES + _VOICE:
        return {**more, "type": _VOICE_TYPE, "bitrate": 64_000, "user_limit": 0, "rtc_region": None}
    return {
        **more,
        "type": _TEXT,
        "topic": f"What channel {number} is for, and a rule or two",
        "last_message_id": str(guild_id + 600 + number),
        "rate_limit_per_user": 0,
    }


def _emoji(emoji_id: int) -> dict[str, Any]:
    flags = {"require_colons": True, "managed": False, "animated": False, "available": True}
    return {"id": str(emoji_id), "name": f"emoji_{emoji_id % 1000}", "roles": [], **flags}


def _sticker(sticker_id: int, guild_id: int) -> dict[str, Any]:
    sticker = {
        "id": str(sticker_id),
        "guild_id": str(guild_id),
        "name": "wave",
        "description": "A wave",
        "tags": "wave",
    }
    return {**sticker, "type": 2, "format_type": 1, "available": True}


def _thread(thread_id: int, guild_id: int) -> dict[str, Any]:
    moment = "2026-01-01T00:00:00+00:00"
    state = {"archived": False, "archive_timestamp": moment, "auto_archive_duration": 4320, "locked": False}
    return {
        **{"id": str(thread_id), "guild_id": str(guild_id), "parent_id": str(guild_id + 10), "owner_id": "3"},
        **{"type": 11, "name": f"thread {thread_id % 1000}", "last_message_id": None, "message_count": 5},
        **{"member_count": 3, "rate_limit_per_user": 0, "flags": 0, "total_message_sent": 5},
        "thread_metadata": {**state, "create_timestamp": moment},
    }


async def memory(which: str, servers: int, without: str | None = None) -> int:
    """Return the resident bytes of the `full` or the `empty` bot in so many servers."""
    discord = LoopbackDiscord(Communities(servers=servers, without=without))
    async with discord.running(), started(which, discord) as bot:
        await discord.say("hello", _CHANNELS * servers - 1)  # which comes after all servers
        if (await bot.settled(1, within=300)).handled != 1:
            raise RuntimeError("The bot is not in all servers after five minutes.")
        await asyncio.sleep(_RESTS_FOR)
        return bot.memory()


async def measure(servers: int) -> dict[str, float]:
    """Return the bytes that a server costs, by row: each bot, then the empty bot without each part."""
    costs = {}
    for which in ("full", "empty"):
        base = await memory(which, 1)
        costs[which] = (await memory(which, servers) - base) / (servers - 1)
    for part in PARTS:  # `base` is that of the empty bot
        costs[f"without {part}"] = (await memory("empty", servers, part) - base) / (servers - 1)
    return costs


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="Measure what a server costs the bot in memory.")
    parser.add_argument("--servers", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--json", action="store_true", help="print the bytes as JSON instead of a table")
    arguments = parser.parse_args()
    if arguments.servers < 2:
        parser.error("--servers must be at least 2, for the first one is what the others are compared with")
    costs = asyncio.run(measure(arguments.servers))
    if arguments.json:
        print(json.dumps(costs))
        return
    table = Table("bot", "MB for 1,000 servers", "of the empty bot's")
    for name, cost in costs.items():
        table.add_row(name, f"{cost / 1000:.1f}", f"{cost / costs['empty']:.0%}")
    Console().print(table)


if __name__ == "__main__":
    main()
