"""Hostile messages get an answer or silence, and cause no error in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import discord
import pytest
import simcord
from simcord.backend import serializers
from simcord.components import walk_components
from simcord.interactions import base_payload

from bot.server_settings import ServerSettings
from tests import hostile
from tests.bot.interactions import begin_press, panel_text
from tests.bot.settings.support import open_panel
from tests.bot.support import World

TEXTS = [
    *("@everyone **happy** ```" * 80, "ﷺ" * 2000, "> so\r@here happy\n" * 100, "a" + "\u0301" * 1999, "||happy" * 280),
    *("<@1> happy <:x:123456789012345678> [a](https://a.b) " * 35, "\u202ehappy\u2066 " * 200, "so happy\x00\x1b[31m"),
    "".join(hostile.UNICODE).encode("utf-8", "ignore").decode() * 8,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
async def test_any_message_can_be_written_edited_explained_and_deleted(
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


PANELS = ("about", "privacy", "mood", "settings", "compare")


@pytest.fixture
def admin(world: World) -> simcord.MemberActor:
    """A member who may change the settings of the server."""
    role = world.guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    return world.guild.add_member(world.env.create_user("admin"), roles=[role])


@pytest.fixture
def no_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check that the log of a test has no warning and no error."""
    caplog.set_level(logging.WARNING)
    yield
    assert caplog.messages == []


SNAPSHOT = {"type": 0, "content": "happy", "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None}
SNAPSHOT |= {"embeds": [], "attachments": [], "mentions": [], "mention_roles": [], "flags": 0, "components": []}
ANSWER = {"answer_id": 1, "poll_media": {"text": "happy"}}
PARTS: dict[str, dict[str, Any]] = {
    "a sticker": {"content": "", "sticker_items": [{"id": "1", "name": "happy", "format_type": 99}]},
    "a poll": {
        "content": "",
        "poll": {
            "question": {"text": "happy"},
            "answers": [ANSWER] * 10,
            "expiry": "2026-01-02T00:00:00+00:00",
            "allow_multiselect": False,
            "layout_type": 9,
        },
    },
    "forwarded messages": {"content": "", "message_snapshots": [{"message": SNAPSHOT}] * 3},
    "an empty forward": {"content": "", "message_snapshots": []},
    "an embed": {"content": "", "embeds": [{"type": "unheard of", "title": "happy", "fields": []}]},
    "unknown components": {"content": "happy", "components": [{"type": 999, "id": 1}]},
    "an unknown type": {"content": "happy", "type": 999},
    "all flags": {"content": "happy", "flags": (1 << 53) - 1},
    "people who are not there": {"content": "happy <@9>", "mention_roles": ["9"], "mention_channels": [{"id": "9"}]},
    "an activity and a call": {"content": "happy", "activity": {"type": 9}, "call": {"participants": ["9"]}},
    "what nobody knows": {"content": "happy", "unheard_of": [{"of": None}], "nonce": {}},
}


@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize("parts", PARTS)
async def test_any_kind_of_message_has_an_outcome_and_can_be_explained(world: World, parts: str) -> None:
    backend = world.env.backend
    stored = backend.create_message(world.channel.id, world.alice.id, "-")
    await world.env.settle()
    payload = {**serializers.message_payload(backend, stored), "id": str(stored.id + 1), **PARTS[parts]}
    backend.emit("MESSAGE_CREATE", {**payload, "member": {"roles": [], "joined_at": None, "flags": 0}})
    await world.env.settle()
    assert sum(world.outcomes.values()) == 2
    for name in ("Why?", "Compare emotions", "Was this right?"):
        command = backend.find_command(name, None, type=3)
        assert command
        command_data = {"id": command["id"], "name": name, "type": 3, "target_id": payload["id"]}
        record, interaction = base_payload(
            backend,
            type=2,
            channel_id=world.channel.id,
            guild_id=world.guild.id,
            user_id=world.alice.id,
            data={**command_data, "resolved": {"messages": {payload["id"]: payload}}},
        )
        backend.emit("INTERACTION_CREATE", interaction)
        await world.env.settle()
        assert simcord.InteractionResult(world.env, record).response


@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize("locale", ["tlh", "", "en_US.UTF-8", "../../de", "d" * 1000, "de\0", None])
async def test_unknown_language_falls_back_to_english(
    world: World, admin: simcord.MemberActor, locale: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit = world.env.backend.emit

    def emit_in_locale(event: str, payload: dict[str, Any], *more: Any, **options: Any) -> Any:
        if event == "INTERACTION_CREATE":
            payload = {**payload, "locale": locale, "guild_locale": locale}
            if locale is None:
                payload = {name: value for name, value in payload.items() if "locale" not in name}
        return emit(event, payload, *more, **options)

    english = [await visible_content(admin, world, command) for command in PANELS]
    monkeypatch.setattr(world.env.backend, "emit", emit_in_locale)
    assert [await visible_content(admin, world, command) for command in PANELS] == english


async def visible_content(member: simcord.MemberActor, world: World, command: str) -> list[Any]:
    """Return what a person who uses a command sees, without its random parts."""
    options = {"text": "happy"} if command == "compare" else {}
    response = (await member.slash(world.channel, command, **options)).response
    assert response
    return [response.content, [embed.to_dict() for embed in response.embeds], panel_text(response)]


@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize("command", PANELS)
async def test_other_people_pressing_every_control_of_a_panel_change_nothing(
    world: World, admin: simcord.MemberActor, command: str
) -> None:
    """Discord shows most panels to one person only, but a bot must not rely on that."""
    mallory = world.guild.add_member(world.env.create_user("mallory"))
    options = {"text": "happy"} if command == "compare" else {}
    panel = (await admin.slash(world.channel, command, **options)).response
    assert panel
    before = world.bot.store.settings(world.guild.id)
    pressed = 0
    for part in list(walk_components(panel.components)):
        if "custom_id" not in part:
            continue
        data: dict[str, Any] = {"custom_id": part["custom_id"], "component_type": part["type"]}
        if part["type"] != 2:
            data["values"] = [option["value"] for option in part.get("options", [])[:1]]
        result = begin_press(world, mallory.id, panel, data)
        await world.env.settle()
        assert result.acknowledged, part["custom_id"]
        pressed += 1
    assert pressed or command == "mood"
    assert world.bot.store.settings(world.guild.id) == before == ServerSettings()
    assert not world.bot.store.has_opted_out(admin.id)


@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
async def test_any_text_in_a_form_gets_an_answer(world: World, admin: simcord.MemberActor, text: str) -> None:
    panel = await open_panel(admin, world.channel)
    assert (await panel.give_emoji("joy", text[:100])).acknowledged
    assert panel.refusal
    await panel.click("page:mood")
    form = await panel.click("zone")
    assert (await panel.owner.submit_modal(form, {"zone": text[:60]})).acknowledged
    form_request = await world.alice.slash(world.channel, "compare")
    assert form_request.modal
    assert (await world.alice.submit_modal(form_request, {"text": text})).acknowledged
    assert world.bot.store.settings(world.guild.id) == ServerSettings()
