"""Provide realistic servers: channels of several kinds, roles, emoji, stickers and threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.gateway.world import World

CHANNELS = 20
"""The number of channels of each server; the last one is a text channel."""

PARTS = ("topics", "emojis and stickers", "overwrites", "roles", "channels")
"""The parts that can be left out."""

_CATEGORIES, _VOICE = 2, 3
_TEXT, _CATEGORY_TYPE, _VOICE_TYPE = 0, 4, 2


@dataclass
class Communities(World):
    """Realistic servers, with 2 categories, 3 voice channels, 15 text channels, 10 roles and 10 emoji each.

    Attributes:
        channels: as in `World`; the mixture above is that of `CHANNELS`.
        without: the part that is left out, one of `PARTS`.
    """

    channels: int = CHANNELS
    without: str | None = None

    def guild_payload(self, guild_id: int) -> dict[str, Any]:
        """Return the data of GUILD_CREATE for a server."""
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
            case "channels":  # except the last: a message in it shows that the bot knows all servers
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
    created = "2026-01-01T00:00:00+00:00"
    return {
        "id": str(thread_id),
        "guild_id": str(guild_id),
        "parent_id": str(guild_id + 10),
        "owner_id": "3",
        "type": 11,
        "name": f"thread {thread_id % 1000}",
        "last_message_id": None,
        "message_count": 5,
        "member_count": 3,
        "rate_limit_per_user": 0,
        "flags": 0,
        "total_message_sent": 5,
        "thread_metadata": {
            "archived": False,
            "archive_timestamp": created,
            "auto_archive_duration": 4320,
            "locked": False,
            "create_timestamp": created,
        },
    }
