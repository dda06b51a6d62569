"""Whoever attacks the bot with what they write gets an answer or silence, and the log no error."""

from __future__ import annotations

import logging

import pytest
import simcord

from tests import hostile
from tests.bot.scripted import World

TEXTS = [
    *("@everyone **happy** ```" * 80, "ﷺ" * 2000, "> so\r@here happy\n" * 100, "a" + "\u0301" * 1999, "||happy" * 280),
    *("<@1> happy <:x:123456789012345678> [a](https://a.b) " * 35, "\u202ehappy\u2066 " * 200, "so happy\x00\x1b[31m"),
    "".join(hostile.UNICODE).encode("utf-8", "ignore").decode() * 8,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
async def test_any_message_can_be_written_edited_asked_about_and_deleted(
    world: World, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    bob = world.guild.add_member(world.env.create_user("@everyone `x` \u202e**b**"))
    message = await bob.send(world.channel, text[:2000])
    results: list[simcord.InteractionResult] = [
        *[await world.alice.context_menu(world.channel, menu, message) for menu in ("Why?", "Compare emotions")],
        await world.alice.context_menu(world.channel, "Was this right?", message),
        await world.alice.slash(world.channel, "compare", text=text[:4000]),
        await world.alice.slash(world.channel, "compare", text=text[:4000], blind=True),
    ]
    assert all(result.response for result in results)
    for part in (text[:50], text[:2000]):
        await bob.edit(message, part)
    await bob.delete(message)
    assert caplog.messages == []
