from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import discord
import pytest
import simcord
from simcord.backend.serializers import message_payload
from simcord.interactions import base_payload
from sqlalchemy import text

from bot import create_bot
from bot.configuration import Configuration
from bot.errors import NOT_ALLOWED, UNREADABLE, UNSAVED
from bot.local_time import latest_due, week_of
from bot.server_settings import Liveliness, ServerSettings
from bot.settings.cog import EXPORTED_UNREAD
from bot.settings.import_file import MAX_FILE
from bot.store import Store, StoreError
from bot.store.async_connection import AsyncConnection
from bot.store.cache import SERVER, Change
from classifiers import Classifier
from tests.bot.interactions import private_text
from tests.bot.settings.support import Panel, open_panel, resign, settings_of
from tests.bot.support import World


class TestPermissions:
    async def test_command_is_hidden_without_manage_server(self, world: World, owner: simcord.MemberActor) -> None:
        assert "settings" in owner.available_commands(world.channel)
        assert "settings" not in world.alice.available_commands(world.channel)
        assert "settings" not in world.alice.user.available_commands()

    async def test_person_with_only_the_command_permission_is_refused(self, world: World) -> None:
        command = world.env.backend.find_command("settings", world.guild.id)
        assert command
        world.guild.set_command_permissions(int(command["id"]), {world.alice: True})
        result = await world.alice.slash(world.channel, "settings")
        assert private_text(result) == NOT_ALLOWED

    @pytest.mark.parametrize("custom_id", ["enabled:off", "reset", "export", "import", "page:channels"])
    async def test_permission_is_checked_at_every_press(self, world: World, panel: Panel, custom_id: str) -> None:
        before = panel.text
        resign(world, panel.owner)
        result = await panel.click(custom_id)
        assert private_text(result) == NOT_ALLOWED
        assert (result.modal, panel.text) == (None, before)
        assert settings_of(world) == ServerSettings()

    async def test_permission_is_checked_at_every_form(self, world: World, panel: Panel) -> None:
        await panel.click("page:emotions")
        emoji = await panel.choose("emoji:pleasant", "joy")
        await panel.click("page:general")
        file = await panel.click("import")
        resign(world, panel.owner)
        for form, values in ((emoji, {"emoji": "🎉"}), (file, {"file": ("a.json", b'{"enabled": false}')})):
            assert private_text(await panel.owner.submit_modal(form, values)) == NOT_ALLOWED
        assert settings_of(world) == ServerSettings()


class TestFile:
    async def test_exported_settings_can_be_imported_unchanged(self, world: World, panel: Panel) -> None:
        emoji = world.guild.create_emoji("blob")
        await world.env.settle()
        settings = ServerSettings(
            enabled=False,
            channel_rule="only",
            channels=frozenset({world.channel.id}),
            age_restricted=True,
            liveliness=Liveliness.LIVELY,
            model="bilstm",
            muted=frozenset({"anger"}),
            emoji={"joy": f"<:blob:{emoji.id}>", "love": "🫶"},
            mood=False,
            weekly_channel=world.channel.id,
            weekly_hour=20,
            time_zone="Asia/Tokyo",
        )
        await world.bot.store.save_settings(world.guild.id, settings)
        exported = await panel.click("export")
        assert exported.ephemeral
        assert exported.response
        [file] = exported.response.attachments
        content = await file.read()
        assert file.filename == "emobot-settings.json"
        assert content.decode() == settings.to_json(indent=1)

        await panel.click("reset")
        await panel.click("reset:sure")
        await panel.import_file(content)
        assert panel.notice == "The settings from the file are now in effect."
        assert settings_of(world) == settings

    @pytest.mark.parametrize(
        ("content", "field"),
        [
            (b'{"liveliness": "frantic"}', "liveliness"),
            (b'{"channel_rule": 7}', "channel\\_rule"),
            (b'{"emoji": {"joy": "**@everyone**"}}', "emoji"),
            (b'{"colour": "red"}', "colour"),
            (b'{"@everyone": "red"}', "@\u200beveryone"),
        ],
    )
    async def test_invalid_field_is_named(self, world: World, panel: Panel, content: bytes, field: str) -> None:
        await panel.import_file(content)
        assert panel.refusal == f"That file cannot be used: its value for **{field}** is not valid."
        assert settings_of(world) == ServerSettings()

    @pytest.mark.parametrize("content", [b"nonsense", b"", b"\xff\xfe", b"[]", b"null"])
    async def test_file_without_settings_is_refused(self, world: World, panel: Panel, content: bytes) -> None:
        await panel.import_file(content)
        assert panel.refusal == "That file holds no settings: give me one that I exported."
        assert settings_of(world) == ServerSettings()

    async def test_file_is_refused_only_if_it_is_larger_than_allowed(self, world: World, panel: Panel) -> None:
        largest = b'{"enabled": false}'.ljust(MAX_FILE)
        await panel.import_file(largest + b" ")
        assert panel.refusal == "That file is too large to be an exported one."
        assert settings_of(world) == ServerSettings()
        await panel.import_file(largest)
        assert settings_of(world) == ServerSettings(enabled=False)

    async def test_import_drops_what_does_not_exist_here(self, world: World, panel: Panel) -> None:
        """As when the file comes from another server."""
        foreign = {
            "channels": [1, world.channel.id],
            "emoji": {"joy": "<:blob:123456789012345678>", "love": "🫶", "grief": "🎉"},
            "mood": False,
            "weekly_channel": 1,
        }
        await panel.import_file(json.dumps(foreign).encode())
        assert panel.notice == (
            "The settings from the file are now in effect, except what can't be used here: some channels, some emoji."
        )
        assert settings_of(world) == ServerSettings(
            channels=frozenset({world.channel.id}), emoji={"love": "🫶"}, mood=False
        )

    @pytest.mark.parametrize("turned_off_meanwhile", [False, True])
    async def test_import_that_turns_the_picture_of_the_week_on_skips_the_overdue_one(
        self, world: World, panel: Panel, monkeypatch: pytest.MonkeyPatch, turned_off_meanwhile: bool
    ) -> None:
        sync = world.bot.store.sync
        transaction = sync.transaction

        @asynccontextmanager
        async def open_after_another_change() -> AsyncIterator[tuple[AsyncConnection, list[Change]]]:
            monkeypatch.setattr(sync, "transaction", transaction)
            await world.configure(weekly_channel=None)
            async with transaction() as opened:
                yield opened

        if turned_off_meanwhile:
            await world.configure(weekly_channel=world.channel.id)
            monkeypatch.setattr(sync, "transaction", open_after_another_change)
        await panel.import_file(ServerSettings(weekly_channel=world.channel.id).to_json().encode())
        week = week_of(latest_due(world.env.now(), "monday", 9, "UTC"), "UTC")
        assert (await world.bot.store.export_guild(world.guild.id))["posted_week"] == week


class TestUnreadable:
    """Settings that a newer version has saved, or a broken row."""

    TEXT = '{"enabled": true, "telepathy": "all day"}'

    @pytest.fixture
    async def stale(self, world: World, panel: Panel) -> Panel:
        """A panel opened when they could still be read."""
        await panel.click("page:emotions")
        self.form = await panel.choose("emoji:pleasant", "joy")
        await panel.click("page:general")
        statement = text("INSERT INTO servers (guild_id, settings) VALUES (:guild_id, :settings)")
        async with world.bot.store.sync.transaction() as (connection, changes):
            await connection.execute(statement, {"guild_id": world.guild.id, "settings": self.TEXT})
            changes.append(Change(SERVER, world.guild.id, self.TEXT))
        return panel

    @pytest.fixture
    async def broken(self, world: World, stale: Panel) -> Panel:
        return await open_panel(stale.owner, world.channel)

    async def stored(self, world: World) -> object:
        return (await world.bot.store.export_guild(world.guild.id))["settings"]

    async def test_panel_says_so_and_offers_only_what_replaces_or_exports_them(self, broken: Panel) -> None:
        assert broken.text == f"## Settings\n⚠️ {UNREADABLE}"
        assert broken.custom_ids == ["settings:export", "settings:import", "settings:reset"]

    async def test_no_press_or_form_of_an_older_panel_replaces_them(self, world: World, stale: Panel) -> None:
        assert private_text(await stale.click("enabled:off")) == UNREADABLE
        assert private_text(await stale.choose("liveliness", "lively")) == UNREADABLE
        assert private_text(await stale.owner.submit_modal(self.form, {"emoji": "🎉"})) == UNREADABLE
        assert await self.stored(world) == json.loads(self.TEXT)
        assert len(world.env.errors) == 1  # of the form
        await stale.click("page:mood")
        assert UNREADABLE in stale.text

    async def test_export_gives_them_as_they_are_stored(self, broken: Panel) -> None:
        exported = await broken.click("export")
        assert private_text(exported) == EXPORTED_UNREAD
        assert exported.response
        assert await exported.response.attachments[0].read() == self.TEXT.encode()

    async def test_import_replaces_them(self, world: World, broken: Panel) -> None:
        await broken.import_file(b'{"colour": "red"}')
        assert "**colour** is not valid." in broken.text
        assert await self.stored(world) == json.loads(self.TEXT)
        await broken.import_file(b'{"mood": false}')
        assert broken.notice == "The settings from the file are now in effect."
        assert settings_of(world) == ServerSettings(mood=False)

    async def test_reset_replaces_them_once_it_is_confirmed(self, world: World, broken: Panel) -> None:
        await broken.click("reset")
        assert await self.stored(world) == json.loads(self.TEXT)
        await broken.click("reset:sure")
        assert broken.notice == "Everything is back to the defaults."
        assert settings_of(world) == ServerSettings()


class TestConcurrently:
    async def test_double_click_acts_once(self, world: World, panel: Panel) -> None:
        await press_at_once(world, (panel, "enabled:off"), (panel, "enabled:off"))
        assert settings_of(world).enabled is False
        assert panel.notice == "**Reactions:** off"

    async def test_two_panels_keep_the_changes_of_each_other(
        self, world: World, panel: Panel, owner: simcord.MemberActor
    ) -> None:
        other = await open_panel(owner, world.channel)
        await panel.click("page:mood")
        await panel.click("mood:off")
        await other.choose("liveliness", "lively")
        assert settings_of(world) == ServerSettings(mood=False, liveliness=Liveliness.LIVELY)
        assert "**Mood counting:** off" in other.text

    async def test_concurrent_changes_are_all_kept(
        self, world: World, panel: Panel, owner: simcord.MemberActor
    ) -> None:
        other = await open_panel(owner, world.channel)
        await panel.click("page:mood")
        await press_at_once(world, (panel, "mood:off"), (other, "enabled:off"))
        assert settings_of(world) == ServerSettings(mood=False, enabled=False)


async def press_at_once(world: World, *presses: tuple[Panel, str]) -> None:
    """Press buttons before the bot has handled any of them."""
    backend = world.env.backend
    for panel, custom_id in presses:
        record, payload = base_payload(
            backend,
            type=3,
            channel_id=world.channel.id,
            guild_id=world.guild.id,
            user_id=panel.owner.id,
            data={"custom_id": f"settings:{custom_id}", "component_type": 2},
        )
        record.source_message_id = panel.message.id
        stored = backend.get_message(world.channel.id, panel.message.id)
        backend.emit("INTERACTION_CREATE", {**payload, "message": dict(message_payload(backend, stored))})
    await world.env.settle()


async def test_panels_keep_no_state_in_the_bot(world: World, panel: Panel) -> None:
    before = list(world.bot.persistent_views)
    for _ in range(3):
        await open_panel(panel.owner, world.channel)
        await panel.click("page:channels")
        await panel.click("page:general")
    assert list(world.bot.persistent_views) == before


class TestAfterARestart:
    @pytest.fixture
    async def panel(self, world: World, models: dict[str, Classifier], panel: Panel) -> AsyncIterator[Panel]:
        """A panel opened before the restart."""
        await panel.click("page:mood")
        await panel.click("mood:off")
        await panel.click("page:general")
        await restart(world, models)
        yield panel
        await world.bot.store.close()

    async def test_panel_still_works(self, world: World, panel: Panel) -> None:
        await panel.click("enabled:off")
        assert settings_of(world) == ServerSettings(mood=False, enabled=False)
        await panel.click("page:channels")
        await panel.choose("channels", world.channel)
        assert panel.notice == f"**Channels:** all but <#{world.channel.id}>"

    async def test_open_form_still_works(self, world: World, models: dict[str, Classifier], panel: Panel) -> None:
        await panel.click("page:emotions")
        form = await panel.choose("emoji:pleasant", "joy")
        await panel.click("page:general")
        file = await panel.click("import")
        await restart(world, models)
        await panel.owner.submit_modal(form, {"emoji": "🎉"})
        assert panel.notice == "**Changed emoji:** joy 🎉"
        assert settings_of(world) == ServerSettings(mood=False, emoji={"joy": "🎉"})
        await panel.owner.submit_modal(file, {"file": ("a.json", b"{}")})
        assert settings_of(world) == ServerSettings()

    async def test_form_can_be_submitted_repeatedly(self, world: World, panel: Panel) -> None:
        for emoji in ("🎉", "🥳"):
            await panel.give_emoji("joy", emoji)
            assert settings_of(world).emoji == {"joy": emoji}


async def restart(world: World, models: dict[str, Classifier]) -> None:
    await world.bot.store.close()
    world.bot = create_bot(Configuration(), models=models)
    await world.env.restart_bot(world.bot)


async def test_defaults_are_not_shown_as_the_settings_before_these_are_read(world: World, panel: Panel) -> None:
    await panel.click("enabled:off")
    world.bot.store.cache.ready = False
    for custom_id in ("page:channels", "export", "enabled:on", "reset"):
        assert private_text(await panel.click(custom_id)) == UNSAVED
    assert private_text(await panel.owner.slash(world.channel, "settings")) == UNSAVED
    assert len(world.env.errors) == 1  # of the command
    assert settings_of(world) == ServerSettings(enabled=False)


class TestWithoutTheDatabase:
    @pytest.fixture(autouse=True)
    def _broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def fail(*_arguments: object, **_options: object) -> None:
            raise StoreError("the disk is full")

        monkeypatch.setattr(Store, "change_settings", fail)
        monkeypatch.setattr(Store, "save_settings", fail)

    @pytest.mark.parametrize("custom_id", ["enabled:off", "reset:sure"])
    async def test_press_reports_the_failure(self, world: World, panel: Panel, custom_id: str) -> None:
        if custom_id == "reset:sure":
            await panel.click("reset")
        before = panel.text
        assert private_text(await panel.click(custom_id)) == UNSAVED
        assert panel.text == before
        assert settings_of(world) == ServerSettings()

    async def test_concurrent_presses_report_the_failure_without_waiting_for_each_other(
        self,
        world: World,
        panel: Panel,
        owner: simcord.MemberActor,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The database may take as long as Discord waits for an answer, so no press has time to wait for another."""
        waiting: list[object] = []

        async def fail(_store: Store, _guild_id: int, change: object, *, replaces: bool) -> None:
            del replaces
            waiting.append(change)
            for _ in range(100):
                await asyncio.sleep(0)
            assert len(waiting) == 2
            raise StoreError("no answer in time")

        monkeypatch.setattr(Store, "change_settings", fail)
        other = await open_panel(owner, world.channel)
        await press_at_once(world, (panel, "enabled:off"), (other, "enabled:off"))
        assert caplog.messages == ["A control of /settings was not answered: no answer in time"] * 2

    async def test_form_reports_the_failure(self, world: World, panel: Panel) -> None:
        [followup] = (await panel.import_file(b'{"mood": false}')).followups
        assert (followup.content, followup.ephemeral) == (UNSAVED, True)
        assert private_text(await panel.give_emoji("joy", "🎉")) == UNSAVED
        assert settings_of(world) == ServerSettings()
        assert len(world.env.errors) == 2


async def test_import_accepts_a_byte_order_mark(world: World, panel: Panel) -> None:
    await panel.import_file(b'\xef\xbb\xbf{"mood": false}\r\n')
    assert settings_of(world) == ServerSettings(mood=False)


async def test_import_answers_before_reading_the_file(
    world: World, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = discord.Attachment.read
    answers: list[str] = []

    async def read_late(file: discord.Attachment) -> bytes:
        answers.extend(request.path for request in world.env.http_requests[before:])
        return await read(file)

    monkeypatch.setattr(discord.Attachment, "read", read_late)
    before = len(world.env.http_requests)
    await panel.import_file(b'{"mood": false}')
    assert [path.endswith("/callback") for path in answers] == [True, True]  # of the button and of the form
    assert panel.notice == "The settings from the file are now in effect."
