"""Detect servers that the bot left while it had no session; discord.py keeps them in its cache."""

from __future__ import annotations

from typing import Any

from discord.state import AutoShardedConnectionState


def detect_left_guilds(state: AutoShardedConnectionState[Any]) -> None:
    """Dispatch `guild_remove` for each cached server that Discord does not list when a shard starts a new session.

    Discord reports that the bot has left a server only to a running session, but lists all servers at each start.

    Args:
        state: discord.py's cache, whose handling of the event READY this replaces.
    """
    parse_ready = state.parsers["READY"]

    def parse(data: dict[str, Any]) -> None:
        listed = {int(guild["id"]) for guild in data["guilds"]}
        for guild in list(state.guilds):
            if guild.shard_id == data["shard"][0] and guild.id not in listed:
                state.parse_guild_delete({"id": guild.id})
        parse_ready(data)

    state.parsers["READY"] = parse
