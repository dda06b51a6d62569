"""The bot asks Discord only for what it uses."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord
from simcord.components import walk_components

from bot import Emobot
from bot.client import INTENTS, PERMISSIONS
from bot.monitoring.health import Health
from bot.ui.permissions import TO_POST, TO_REACT
from tests.bot.support import World

# Without the demo.
FILES = [path for path in (Path(__file__).parents[2] / "bot").rglob("*.py") if path.parent.name != "cli"]
SOURCES = [path.read_text(encoding="utf-8") for path in FILES]

EVENTS_WITHOUT_INTENT = {
    *("on_error", "on_ready", "on_shard_disconnect", "on_shard_ready", "on_shard_resumed"),
    "on_raw_bulk_message_delete",  # comes with on_raw_message_delete, which its documentation names alone
    "on_raw_reaction_clear_emoji",  # with on_raw_reaction_clear
}
"""Events that discord.py's documentation of the intents does not name."""

INTENTS_WITHOUT_EVENT = {"expressions": "get_emoji", "message_content": "content"}
"""Intents for what the bot looks up rather than hears, with the attribute that it looks up."""

ROUTES: dict[str, set[str]] = {
    "PUT /channels/ID/messages/ID/reactions/EMOJI/@me": {"view_channel", "read_message_history", "add_reactions"},
    "DELETE /channels/ID/messages/ID/reactions/EMOJI/@me": {"view_channel", "read_message_history"},
    "GET /channels/ID/messages/ID": {"view_channel", "read_message_history"},
    # Answers to commands have a token of their own.
    "POST /interactions/ID/TOKEN/callback": set(),
    "PATCH /webhooks/ID/TOKEN/messages/@original": set(),
    "POST /webhooks/ID/TOKEN": set(),
    # What a bot asks about itself
    "GET /oauth2/applications/@me": set(),
    "GET /applications/ID/commands": set(),
    "PUT /applications/ID/commands": set(),
    "GET /users/@me/guilds": set(),
}
"""What the bot asks of Discord, with the permissions that each needs in the channel."""


SENT_ONLY_IF_GRANTED = {"channel.send": {"view_channel", "send_messages", "attach_files"}}
"""Posts outside of answers to commands, as the source calls them, with what a server that wants them has to grant."""


def events_listened_to(bot: Emobot) -> set[str]:
    """Return the events that something in the bot listens to."""
    from_cogs = {name for cog in bot.cogs.values() for name, _ in cog.get_listeners()}
    added = {name for name, listeners in bot.extra_events.items() for each in listeners if is_ours(each)}
    return from_cogs | added | {name for name in vars(Emobot) if name.startswith("on_")}


def is_ours(listener: Callable[..., Any]) -> bool:
    """Return whether a listener belongs to the bot and not to SimCord."""
    return listener.__module__.startswith("bot.")


def events_of(intent: str) -> set[str]:
    """Return the events that need an intent, according to the documentation of discord.py."""
    return set(re.findall(r":func:`(on_\w+)`", getattr(discord.Intents, intent).__doc__ or ""))


async def test_every_intent_is_needed_and_every_event_has_one(simcord_bot: Emobot, simcord_env: simcord.Env) -> None:
    del simcord_env  # which has started it
    Health().follow(simcord_bot)
    events, intents = events_listened_to(simcord_bot), {name for name, wanted in INTENTS if wanted}
    assert {"on_message", "on_guild_join", "on_raw_reaction_add", "on_shard_ready"} <= events
    assert intents == {name for name, _ in INTENTS if events_of(name) & events} | INTENTS_WITHOUT_EVENT.keys()
    assert events - {event for name in intents for event in events_of(name)} == EVENTS_WITHOUT_INTENT
    assert [
        used for used in INTENTS_WITHOUT_EVENT.values() if not any(f".{used}" in source for source in SOURCES)
    ] == []


def test_messages_are_sent_only_where_the_server_granted_it() -> None:
    calls = [node.func for source in SOURCES for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    sent = {ast.unparse(call) for call in calls if isinstance(call, ast.Attribute) and call.attr == "send"}
    assert sent - {"interaction.followup.send"} == set(SENT_ONLY_IF_GRANTED)
    assert set().union(*SENT_ONLY_IF_GRANTED.values()) == set(TO_POST)


def route_of(request: simcord.types.HttpLogEntry) -> str:
    """Return a request in the notation of ROUTES."""
    path = re.sub(r"(?<=/reactions/)[^/]+", "EMOJI", request.path)
    path = re.sub(r"(?<=/)\d+(/)[\w-]{20,}", r"ID\1TOKEN", path)
    return f"{request.method} {re.sub(r'(?<=/)[0-9]+', 'ID', path)}"


async def test_permissions_of_the_invite_link_are_sufficient_and_each_is_needed(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    me, alice = world.guild.me, world.alice
    assert me
    only = discord.PermissionOverwrite.from_pair(PERMISSIONS, discord.Permissions.all() & ~PERMISSIONS)
    minimal = world.guild.create_text_channel("minimal", overwrites={me: only})
    manager = world.guild.create_role("manager", permissions=discord.Permissions(manage_guild=True))
    olga = world.guild.add_member(world.env.create_user("olga"), roles=[manager])

    message = await alice.send(minimal, "happy")
    await alice.edit(message, "thanks")
    assert world.emoji_of(message, minimal) == ["🙏"]
    menus = world.bot.tree.walk_commands(type=discord.AppCommandType.message)
    for menu in sorted(menus, key=lambda menu: menu.name == "Take the reaction back"):
        await press_every_button(alice, menu.name, minimal, message)
    assert world.emoji_of(message, minimal) == []
    await world.rest(3600)
    await alice.react(message, "❌")  # the bot no longer remembers it
    for command in world.bot.tree.walk_commands(type=discord.AppCommandType.chat_input):
        await press_every_button(olga, command.name, minimal)

    routes = {route_of(request) for request in world.env.http_requests}
    assert {route for route, needed in ROUTES.items() if needed} <= routes <= set(ROUTES)
    assert discord.Permissions(**dict.fromkeys(set().union(*ROUTES.values()), True)) == PERMISSIONS
    assert discord.Permissions(**dict.fromkeys(TO_REACT, True)) == PERMISSIONS
    assert caplog.records == []  # nothing was refused


async def press_every_button(
    person: simcord.MemberActor, name: str, channel: simcord.ChannelHandle, message: Any = None
) -> None:
    """Use a command, or the menu of a message, and press each button of the answer, each time in a new one."""

    async def answer_again() -> simcord.ResponseMessage:
        if message:
            result = await person.context_menu(channel, name, message)
        else:
            result = await person.slash(channel, name, **({"text": "happy"} if name == "compare" else {}))
        assert result.response
        return result.response

    for number in itertools.count():
        answer = await answer_again()
        buttons = [part for part in walk_components(answer.components) if "custom_id" in part and part["type"] == 2]
        pressable = [button["custom_id"] for button in buttons if not button.get("disabled")]
        if number >= len(pressable):
            break
        await person.click(answer, custom_id=pressable[number])
