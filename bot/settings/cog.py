"""`/settings`: the people who manage a server change how the bot behaves there."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.analysis.analyzer import Analyzer
from bot.errors import NOT_ALLOWED, report_error
from bot.i18n import mark, translator
from bot.local_time import latest_due, week_of
from bot.reactions.history import ChannelHistory
from bot.server_settings import CUSTOM_EMOJI, InvalidSettingsError, ServerSettings
from bot.settings.emoji import is_hurtful, usable_emoji
from bot.settings.forms import EmojiForm, ImportForm, ZoneForm
from bot.settings.import_file import FileTooLargeError, read_settings, usable_part
from bot.settings.panel import CONTROL
from bot.settings.panel.overview import summary
from bot.settings.panel.state import PanelState, hidden_channels
from bot.settings.panel.view import Page, PanelContent, SettingsPanel
from bot.settings.time_zones import matching_zones
from bot.settings.trial import Trials
from bot.store import Store, StoreError
from bot.ui.controls import create_listener
from bot.ui.discord_limits import MENU_OPTIONS
from bot.ui.emotions import emotions_of, group_emotions, label_key, label_with_emoji
from bot.ui.quotation import quote

FILE_NAME = "emobot-settings.json"

EXPORTED = mark("These are the settings of this server; you can import them again, here or in another server.")
EXPORTED_UNREAD = mark("These are the settings of this server as they are stored, which I can't read.")
IMPORTED = mark("The settings from the file are now in effect.")
PARTLY_IMPORTED = mark("The settings from the file are now in effect, except what can't be used here: {things}.")
TOO_LARGE = mark("That file is too large to be an exported one.")
NO_SETTINGS = mark("That file holds no settings: give me one that I exported.")
UNUSABLE = mark("That file cannot be used: its value for **{field}** is not valid.")
NO_EMOJI = mark("That is not a single emoji: give me one such as 🎉, or one of this server's own such as :name:.")
NO_SUCH_EMOJI = mark("This server has no emoji of that name that I can use.")
CHEERFUL = mark("I don't use cheerful emoji for {emotion}: that could hurt someone.")
FORGIVEN = mark("I now react as usual in all channels.")
NO_ZONE = mark("I know no time zone by that name: try a larger city nearby, or the country.")
WHICH_ZONE = mark("There are several time zones by that name.")
TOO_MANY_ZONES = mark("There are many time zones by that name; if yours is not among these, give a city.")
RESET = mark("Everything is back to the defaults.")

_OWN_EMOJI = re.compile(rf"{CUSTOM_EMOJI.pattern}|:\w{{2,32}}:")


class ServerSettingsCog(commands.Cog, name="Settings"):
    """Shows and changes a server's settings; keeps them by the server's id, and nothing about who changed them."""

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        analyzer: Analyzer,
        store: Store,
        channels: ChannelHistory,
        trials: Trials,
    ) -> None:
        self._bot = bot
        self._analyzer = analyzer
        self._store = store
        self._channels = channels
        self._trials = trials
        self._emotions = emotions_of(analyzer.models)

    async def cog_load(self) -> None:
        """Listen to panels and forms from before a restart."""
        self._bot.add_dynamic_items(create_listener(CONTROL, self._on_press, self.report))
        self._bot.add_view(ImportForm(None, self.import_file, self.report))
        self._bot.add_view(ZoneForm(None, self.set_time_zone, self.report))
        for emotion, default in self._emotions.items():
            self._bot.add_view(EmojiForm(emotion, default, None, None, self.set_emoji, self.report))

    async def cog_unload(self) -> None:
        """End all trials, which nothing would update any more."""
        await self._trials.close()

    @app_commands.command(name="settings", description="See and change how I behave in this server")
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.default_permissions(manage_guild=True)
    async def settings(self, interaction: discord.Interaction) -> None:
        """Open the panel."""
        if guild := await _require_manager(interaction):
            panel = SettingsPanel(self._state(interaction, guild), PanelContent(Page.GENERAL))
            await interaction.response.send_message(view=panel, ephemeral=True)

    async def _on_press(self, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> None:
        await self.press(interaction, match["control"], match["argument"] or "", _chosen_values(item))

    async def press(self, interaction: discord.Interaction, control: str, argument: str, chosen: list[str]) -> None:
        """Handle the use of a control.

        Args:
            interaction: the interaction.
            control: the name of the control.
            argument: what follows the name in the custom_id.
            chosen: the chosen options, if it is a menu.
        """
        if (control, argument) == ("try", "stop"):  # even if they no longer manage the server
            await self._trials.stop(interaction)
            return
        guild = await _require_manager(interaction)
        if guild is None:
            return
        match control, argument:
            case "page", page:
                await self._redraw(interaction, guild, PanelContent(Page(page)))
            case "emoji", _:
                await self._ask_for_emoji(interaction, guild, chosen)
            case "retry", key:
                emotions = [emotion for emotion in self._emotions if label_key(emotion) == key]
                await self._ask_for_emoji(interaction, guild, emotions)  # none if other models are loaded by now
            case "try", _:
                await self._trials.start(interaction, guild)
            case "export", _:
                await self._export(interaction, guild)
            case "import" | "zone", _:
                await interaction.response.send_modal(self._form(control, interaction.locale))
            case "reset", "":
                await self._redraw(interaction, guild, PanelContent(Page.GENERAL, asks_to_reset=True))
            case "reset", _:
                await self._store.save_settings(guild.id, ServerSettings())
                self._channels.forget_dislikes(_channel_ids(guild))
                notice = f"✅ {translator(interaction.locale)(RESET)}"
                await self._redraw(interaction, guild, PanelContent(Page.GENERAL, notice))
            case "forgive", _:
                self._channels.forget_dislikes(_channel_ids(guild))
                notice = f"✅ {translator(interaction.locale)(FORGIVEN)}"
                await self._redraw(interaction, guild, PanelContent(Page.CHANNELS, notice))
            case _:
                change = partial(self._apply_control, guild=guild, control=control, argument=argument, chosen=chosen)
                await self._save(interaction, guild, change)
                await self._redraw(interaction, guild, PanelContent(Page.with_control(control)), changed=control)

    async def set_emoji(self, interaction: discord.Interaction, emotion: str, text: str) -> None:
        """Give an emotion the emoji that was typed, or its default if the text is empty."""
        guild = await _require_manager(interaction)
        if guild is None:
            return
        emoji = usable_emoji(text, guild)
        if text and (emoji is None or is_hurtful(emotion, emoji)):
            translate = translator(interaction.locale)
            if emoji:
                sentence = translate(CHEERFUL).format(emotion=label_with_emoji(emotion, None, translate))
            else:
                sentence = translate(NO_SUCH_EMOJI) if _OWN_EMOJI.fullmatch(text) else translate(NO_EMOJI)
            await self._redraw(interaction, guild, PanelContent(Page.EMOTIONS, f"⚠️ {sentence}", refused=emotion))
            return
        await self._save(interaction, guild, lambda old: _with_emoji(old, emotion, emoji))
        await self._redraw(interaction, guild, PanelContent(Page.EMOTIONS), changed="emoji")

    async def set_time_zone(self, interaction: discord.Interaction, typed: str) -> None:
        """Set the time zone that was typed, or let the user choose if several match."""
        guild = await _require_manager(interaction)
        if guild is None:
            return
        translate = translator(interaction.locale)
        zones = await asyncio.to_thread(matching_zones, typed, translate)
        if len(zones) == 1:
            await self._save(interaction, guild, lambda old: old.replace(time_zone=zones[0]))
            await self._redraw(interaction, guild, PanelContent(Page.MOOD), changed="time_zone")
            return
        sentence = (TOO_MANY_ZONES if len(zones) > MENU_OPTIONS else WHICH_ZONE) if zones else NO_ZONE
        await self._redraw(interaction, guild, PanelContent(Page.MOOD, f"⚠️ {translate(sentence)}", zones=zones))

    async def import_file(self, interaction: discord.Interaction, file: discord.Attachment) -> None:
        """Import the settings from a file, except what cannot be used here."""
        guild = await _require_manager(interaction)
        if guild is None:
            return
        await interaction.response.defer()  # the download may take longer than Discord waits for an answer
        translate = translator(interaction.locale)
        try:
            given = await read_settings(file)
        except FileTooLargeError:
            await self._redraw(interaction, guild, PanelContent(Page.GENERAL, f"⚠️ {translate(TOO_LARGE)}"))
            return
        except InvalidSettingsError as error:
            sentence = translate(UNUSABLE).format(field=quote(error.field)) if error.field else translate(NO_SETTINGS)
            await self._redraw(interaction, guild, PanelContent(Page.GENERAL, f"⚠️ {sentence}"))
            return
        usable, left_out = usable_part(given, guild, self._emotions, self._analyzer.models.keys())
        await self._save(interaction, guild, lambda _old: usable, replaces=True)
        notice = (
            translate(PARTLY_IMPORTED).format(things=translate.join(map(translate, left_out)))
            if left_out
            else translate(IMPORTED)
        )
        await self._redraw(interaction, guild, PanelContent(Page.GENERAL, f"✅ {notice}"))

    async def report(self, interaction: discord.Interaction, error: Exception) -> None:
        """Report that a press or a form failed."""
        await report_error(interaction, "A control of /settings", error)

    def _form(self, control: str, locale: discord.Locale) -> ui.Modal:
        """Return the form that a button opens."""
        if control == "zone":
            return ZoneForm(locale, self.set_time_zone, self.report)
        return ImportForm(locale, self.import_file, self.report)

    async def _ask_for_emoji(self, interaction: discord.Interaction, guild: discord.Guild, chosen: list[str]) -> None:
        if not chosen:
            await self._redraw(interaction, guild, PanelContent(Page.EMOTIONS))
            return
        [emotion] = chosen
        own = self._current_settings(guild).emoji.get(emotion)
        default = self._emotions.get(emotion)
        form = EmojiForm(emotion, default, own, interaction.locale, self.set_emoji, self.report)
        await interaction.response.send_modal(form)

    async def _export(self, interaction: discord.Interaction, guild: discord.Guild) -> None:
        unread = self._store.unreadable_settings(guild.id)
        content = self._current_settings(guild).to_json(indent=1) if unread is None else unread
        sentence = translator(interaction.locale)(EXPORTED if unread is None else EXPORTED_UNREAD)
        file = discord.File(io.BytesIO(content.encode()), FILE_NAME)
        await interaction.response.send_message(sentence, file=file, ephemeral=True)

    async def _save(
        self,
        interaction: discord.Interaction,
        guild: discord.Guild,
        change: Callable[[ServerSettings], ServerSettings],
        *,
        replaces: bool = False,
    ) -> None:
        """Change the current settings and save them; `replaces` is that of `Store.change_settings`."""

        def apply_change(old: ServerSettings) -> tuple[ServerSettings, str | None]:
            new = change(old)
            return new, _overdue_week(old, new, interaction.created_at)

        await self._store.change_settings(guild.id, apply_change, replaces=replaces)

    async def _redraw(
        self,
        interaction: discord.Interaction,
        guild: discord.Guild,
        content: PanelContent,
        *,
        changed: str | None = None,
    ) -> None:
        """Redraw the panel with the current settings.

        Args:
            interaction: the interaction.
            guild: the server.
            content: the page and what was just done.
            changed: the setting that was changed, whose line in the overview becomes the notice; None for none.
        """
        state = self._state(interaction, guild)
        if changed:
            content = replace(content, notice=f"✅ {summary(state)[changed]}")
        panel = SettingsPanel(state, content)
        if interaction.response.is_done():
            await interaction.edit_original_response(view=panel)
        else:
            await interaction.response.edit_message(view=panel)

    def _current_settings(self, guild: discord.Guild) -> ServerSettings:
        """Return a server's settings.

        Raises:
            StoreError: they have not been read from the database yet, and the defaults would be shown as the server's.
        """
        if not self._store.ready:
            raise StoreError("The settings have not been read from the database yet.")
        return self._store.settings(guild.id)

    def _state(self, interaction: discord.Interaction, guild: discord.Guild) -> PanelState:
        return PanelState(
            settings=self._current_settings(guild),
            configured=self._store.is_configured(guild.id),
            readable=self._store.unreadable_settings(guild.id) is None,
            guild=guild,
            models=self._analyzer.models.keys(),
            permissions=interaction.app_permissions,
            locale=interaction.locale,
            emotions=self._emotions,
            default_model=self._analyzer.default_model,
            now=interaction.created_at,
            holding_back=self._channels.holding_back(_channel_ids(guild)),
        )

    def _apply_control(
        self, old: ServerSettings, guild: discord.Guild, control: str, argument: str, chosen: list[str]
    ) -> ServerSettings:
        """Return the settings as they are after the use of a control."""
        value: object
        match control:
            case "channels":
                value = {*hidden_channels(old, guild), *map(int, chosen)}
            case "muted":
                offered = group_emotions(self._emotions).get(argument, ())  # none if other models are loaded by now
                value = old.muted.difference(offered).union(chosen) if offered else old.muted
            case "model":
                value = next((name for name in chosen if name in self._analyzer.models), None)
            case "language":
                value = None if chosen == ["server"] else chosen[0]
            case "weekly_channel" | "weekly_hour":
                value = int(chosen[0]) if chosen else None
            case "liveliness" | "channel_rule" | "time_zone" | "weekly_day":
                [value] = chosen
            case _:
                value = argument == "on"
        return old.replace(**{control: value})


def _chosen_values(item: ui.Item[Any]) -> list[str]:
    if isinstance(item, ui.ChannelSelect):
        return [str(channel.id) for channel in item.values]
    return item.values if isinstance(item, ui.Select) else []


async def _require_manager(interaction: discord.Interaction) -> discord.Guild | None:
    """Return the server if the user may change its settings; otherwise say that they may not, and return None."""
    if interaction.guild is not None and interaction.permissions.manage_guild:
        return interaction.guild
    sentence = translator(interaction.locale)(NOT_ALLOWED)
    await interaction.response.send_message(sentence, ephemeral=True)
    return None


def _overdue_week(old: ServerSettings, new: ServerSettings, now: datetime) -> str | None:
    """Return the week whose picture new settings make overdue although it was not due with the old ones, or None.

    Nobody expects that picture at once, so it is to be skipped.
    """
    if not new.weekly_channel or _schedule(new) == _schedule(old):
        return None
    return week_of(latest_due(now, new.weekly_day, new.weekly_hour, new.time_zone), new.time_zone)


def _schedule(settings: ServerSettings) -> tuple[object, ...]:
    """Return the settings that decide whether and when a picture of the week is due."""
    on = settings.weekly_channel is not None and settings.mood
    return (on, settings.weekly_day, settings.weekly_hour, settings.time_zone)


def _channel_ids(guild: discord.Guild) -> list[int]:
    return [channel.id for channel in (*guild.channels, *guild.threads)]


def _with_emoji(old: ServerSettings, emotion: str, emoji: str | None) -> ServerSettings:
    """Return the settings with another emoji for an emotion, or with its default emoji if None."""
    others = {other: emoji for other, emoji in old.emoji.items() if other != emotion}
    return old.replace(emoji=others | {emotion: emoji} if emoji else others)
