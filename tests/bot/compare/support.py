"""Helpers shared by the tests of `/compare`."""

from __future__ import annotations

from typing import Any

import simcord
from simcord.components import walk_components

from tests.bot.support import World


def panel_of(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    """Return the panel of an answer."""
    assert result.response
    assert result.response.flags.components_v2
    return result.response


def pictures(panel: simcord.ResponseMessage) -> list[str]:
    """Return the descriptions of the pictures that a panel shows."""
    return [
        item["description"]
        for part in walk_components(panel.components)
        if part["type"] == 12
        for item in part["items"]
        if [attachment.url for attachment in panel.attachments] == [item["media"]["url"]]
    ]


def buttons(panel: simcord.ResponseMessage) -> list[str]:
    """Return the labels of the buttons of a panel."""
    return [part["label"] for part in walk_components(panel.components) if part["type"] == 2]


async def compare_as_user_install(
    world: World, *, text: str, context: int, integration_owners: dict[str, str], blind: bool = False
) -> simcord.InteractionResult:
    """Use `/compare` as somebody who installed the bot for themselves, where the bot is not a member."""
    backend = world.env.backend
    await world.alice.user.slash("compare", text="hello")  # opens the conversation
    record = backend.new_interaction(2, world.alice.user.dm_channel.id, world.alice.id, None)
    command = backend.find_command("compare", None)
    assert command
    payload: dict[str, Any] = {
        "id": str(record.id),
        "application_id": str(backend.application_id),
        "type": 2,
        "token": record.token,
        "version": 1,
        "data": {
            "id": command["id"],
            "name": "compare",
            "type": 1,
            "options": [{"name": "text", "type": 3, "value": text}, {"name": "blind", "type": 5, "value": blind}],
        },
        "channel_id": str(record.channel_id),
        "channel": {
            "id": str(record.channel_id),
            "type": 3,
            "recipients": [],
            "name": None,
            "icon": None,
            "owner_id": "1",
        },
        "user": {"id": str(world.alice.id), "username": "alice", "discriminator": "0", "avatar": None},
        "locale": "en-GB",
        "entitlements": [],
        "app_permissions": "0",
        "attachment_size_limit": 1,
        "authorizing_integration_owners": integration_owners,
        "context": context,
    }
    backend.emit("INTERACTION_CREATE", payload)
    await world.env.settle()
    return simcord.InteractionResult(world.env, record)
