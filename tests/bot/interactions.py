"""Interactions that SimCord's actors do not offer: double clicks, restarts of the bot, menus in direct messages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import discord
import pytest
import simcord
from simcord.backend import serializers
from simcord.components import walk_components
from simcord.interactions import base_payload

from bot import create_bot, i18n
from classifiers import Classifier
from tests.bot.languages import language
from tests.bot.support import World

_BUTTON, _SELECT, _TEXT = 2, 3, 10


def response_of(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    """Return the message with which the bot answered."""
    assert result.response
    return result.response


def private_response(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    """Return the message with which the bot answered privately."""
    assert result.ephemeral
    return response_of(result)


def private_text(result: simcord.InteractionResult) -> str:
    """Return the text with which the bot answered privately."""
    return private_response(result).content


def begin_press(
    world: World, user_id: int, message: simcord.ResponseMessage, data: dict[str, Any]
) -> simcord.InteractionResult:
    """Let Discord tell the bot that somebody, whoever it is, uses a control of a message; return what comes of it.

    Args:
        world: the world.
        user_id: who uses the control.
        message: the message.
        data: the control's `custom_id` and `component_type`, and the chosen `values` of a menu.
    """
    backend = world.env.backend
    stored = backend.get_message(message.channel_id, message.id)
    record, payload = base_payload(
        backend, type=3, channel_id=message.channel_id, guild_id=world.guild.id, user_id=user_id, data=data
    )
    record.source_message_id = message.id
    backend.emit("INTERACTION_CREATE", payload | {"message": dict(serializers.message_payload(backend, stored))})
    return simcord.InteractionResult(world.env, record)


async def press_twice(
    world: World, actor: simcord.MemberActor, message: simcord.ResponseMessage, custom_id: str, value: str | None = None
) -> list[simcord.InteractionResult]:
    """Double-click: Discord sends the second press before the bot has answered the first."""
    data: dict[str, Any] = {"custom_id": custom_id, "component_type": _SELECT if value else _BUTTON}
    if value:
        data["values"] = [value]
    results = [begin_press(world, actor.id, message, data) for _ in range(2)]
    await world.env.settle()
    return results


async def compare_concurrently(
    world: World, *asked: tuple[simcord.MemberActor, str]
) -> list[simcord.InteractionResult]:
    """Ask for several comparisons before the bot has answered any."""
    backend = world.env.backend
    command = backend.find_command("compare", None)
    assert command
    records = []
    for actor, text in asked:
        data = {"id": command["id"], "name": "compare", "type": 1}
        record, payload = base_payload(
            backend,
            type=2,
            channel_id=world.channel.id,
            guild_id=world.guild.id,
            user_id=actor.id,
            data=data | {"options": [{"name": "text", "type": 3, "value": text}]},
        )
        records.append(record)
        backend.emit("INTERACTION_CREATE", payload)
    await world.env.settle()
    return [simcord.InteractionResult(world.env, record) for record in records]


@asynccontextmanager
async def bot_restarts(world: World, models: dict[str, Classifier]) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Yield a function that closes the bot of the world and starts another one, which knows only what is stored."""

    async def restart() -> None:
        await world.bot.store.close()
        world.bot = create_bot(world.bot.configuration, models=models)
        await world.env.restart_bot(world.bot)

    yield restart
    await world.bot.store.close()


async def use_menu_in_direct_message(
    world: World, user: simcord.UserHandle, name: str, message: discord.Message
) -> simcord.InteractionResult:
    """Use the menu of a message that the user has sent to the bot."""
    backend = world.env.backend
    command = backend.find_command(name, None, type=3)
    assert command
    stored = backend.get_message(user.dm_channel.id, message.id)
    record, payload = base_payload(
        backend,
        type=2,
        channel_id=user.dm_channel.id,
        guild_id=None,
        user_id=user.id,
        data={
            "id": command["id"],
            "name": name,
            "type": 3,
            "target_id": str(message.id),
            "resolved": {"messages": {str(message.id): dict(serializers.message_payload(backend, stored))}},
        },
    )
    backend.emit("INTERACTION_CREATE", payload)
    await world.env.settle()
    return simcord.InteractionResult(world.env, record)


def panel_text(message: simcord.ResponseMessage) -> str:
    """Return all texts of a panel except its buttons."""
    return "\n".join(part["content"] for part in walk_components(message.components) if part["type"] == _TEXT)


def install_bracket_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a language in American English in which every translated text is in «brackets»."""
    monkeypatch.setitem(i18n.LANGUAGES, "en-US", "brackets")
    monkeypatch.setattr(i18n, "_translate", lambda _language: language("«{}»".format))


def untranslated_words(message: simcord.ResponseMessage) -> str:
    """Return the words of a message that are not in «brackets»."""
    words = [message.content]
    for embed in message.embeds:
        words += [embed.title or "", embed.description or ""]
        words += [text for field in embed.fields for text in (str(field.name), str(field.value))]
    for component in walk_components(message.components):
        words += [str(component.get("label", "")), str(component.get("placeholder", ""))]
        words += [option["label"] for option in component.get("options", [])]
    text = " ".join(words)
    while (shorter := re.sub("«[^«»]*»", "", text)) != text:
        text = shorter
    return " ".join(re.findall(r"[^\W\d_]+", text))
