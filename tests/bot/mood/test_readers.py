from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, combinations
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import discord
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.mood.readers import channels_open_to_readers_of

EVERYONE, OWNER, MEMBER = 100, 1, 7
ROLES = range(EVERYONE, EVERYONE + 3)
VIEW, CONNECT, ADMINISTRATOR = (
    discord.Permissions(**{name: True}).value for name in ("view_channel", "connect", "administrator")
)
permissions = st.sampled_from([0, CONNECT, VIEW | CONNECT, VIEW | CONNECT, ADMINISTRATOR])
overwrites = st.dictionaries(
    st.sampled_from(ROLES),
    st.sampled_from([(VIEW, 0), (0, VIEW), (0, VIEW), (0, CONNECT), (VIEW | CONNECT, 0), (VIEW, CONNECT)]),
    max_size=2,
)
channels = st.tuples(
    st.tuples(st.just("text"), overwrites), st.tuples(st.sampled_from(["text", "text", "voice"]), overwrites)
)


def server(granted: Iterable[int], drawn: tuple[tuple[str, dict[int, tuple[int, int]]], ...]) -> discord.Guild:
    """A server whose roles are granted these permissions, with channels of these types and overwrites."""
    state = MagicMock(self_id=999, user=SimpleNamespace(id=999), shard_count=None)
    state.store_user = lambda data, **_: SimpleNamespace(id=int(data["id"]), bot=False)
    types = {"text": discord.ChannelType.text.value, "voice": discord.ChannelType.voice.value}
    data: Any = {
        "id": str(EVERYONE),
        "name": "server",
        "owner_id": str(OWNER),
        "roles": [
            {"id": str(role), "name": str(role), "permissions": str(each), "position": role - EVERYONE}
            for role, each in zip(ROLES, granted, strict=True)
        ],
        "channels": [
            {
                "id": str(500 + place),
                "type": types[kind],
                "name": str(place),
                "position": place,
                "bitrate": 64_000,
                "user_limit": 0,
                "permission_overwrites": [
                    {"id": str(role), "type": 0, "allow": str(allow & ~deny), "deny": str(deny)}
                    for role, (allow, deny) in overwritten.items()
                ],
            }
            for place, (kind, overwritten) in enumerate(drawn)
        ],
    }
    return discord.Guild(data=data, state=state)


def member(guild: discord.Guild, roles: Iterable[int]) -> discord.Member:
    user = {"id": str(MEMBER), "username": "alice", "discriminator": "0", "avatar": None}
    data: Any = {"user": user, "roles": [str(role) for role in roles], "joined_at": None, "flags": 0}
    return discord.Member(data=data, guild=guild, state=guild._state)


def can_read(person: discord.Member, channel: discord.abc.GuildChannel) -> bool:
    granted = channel.permissions_for(person)
    return granted.view_channel and (granted.connect or not isinstance(channel, discord.VoiceChannel))


@settings(max_examples=4 * settings().max_examples)  # most have no second role that matters
@given(st.tuples(*[permissions] * len(ROLES)), channels)
def test_nobody_is_told_of_a_channel_that_they_cannot_read_whatever_roles_they_have(
    granted: tuple[int, ...], drawn: tuple[tuple[str, dict[int, tuple[int, int]]], ...]
) -> None:
    guild = server(granted, drawn)
    own = ROLES[1:]
    people = [member(guild, roles) for roles in chain.from_iterable(combinations(own, n) for n in range(len(own) + 1))]
    for channel in guild.text_channels:
        shown = [guild.get_channel(channel_id) for channel_id in channels_open_to_readers_of(channel)]
        readers = [person for person in people if can_read(person, channel)]
        assert all(other and can_read(person, other) for other in shown for person in readers)
