"""Notice the servers that the bot has left between two sessions, of which discord.py takes no notice."""

from __future__ import annotations

from typing import Any

from discord.state import AutoShardedConnectionState


def notice_departures(state: AutoShardedConnectionState[Any]) -> None:
    """Let a shard that begins another session forget, with the event `guild_remove`, each server that it no longer has.

    Discord tells about a departure only while there is a session, and lists all servers at the start of each.

    Args:
        state: where discord.py keeps what it knows of Discord.
    """
    parse_ready = state.parsers["READY"]

    def parse(data: dict[str, Any]) -> None:
        listed = {int(guild["id"]) for guild in data["guilds"]}
        for guild in list(state.guilds):
            if guild.shard_id == data["shard"][0] and guild.id not in listed:
                state.parse_guild_delete({"id": guild.id})
        parse_ready(data)

    state.parsers["READY"] = parse
