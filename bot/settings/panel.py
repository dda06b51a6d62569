"""The panel of `/settings`: an overview of all settings, and a control for each.

It is redrawn after every press from the stored settings. The custom_id of a control says what it does, in the form of
`CONTROL`, so panels need no state and go on working after a restart.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias, get_args

import discord
from discord import ui

from bot.i18n import Translate, mark, translator
from bot.local_time import DAYS, next_due, wall_clock
from bot.reactions.pace import PROFILES
from bot.server_settings import CUSTOM_EMOJI, WEEKLY_MINIMUM, Language, Liveliness, ServerSettings
from bot.settings.emoji import usable_emoji
from bot.settings.time_zones import described
from bot.ui.emotions import groups_of, key_of, named, written
from bot.ui.form import Failed, Form
from bot.ui.limits import FORM_TITLE, MENU_LABEL, MENU_OPTIONS, MENU_PLACEHOLDER, MESSAGE_TEXT
from bot.ui.posting import lacking_to_post
from bot.ui.quotation import shortened
from classifiers import NAMES

CONTROL = re.compile(r"settings:(?P<control>[a-z_]+)(?::(?P<argument>[\w -]+))?")
"""The custom_id of a control: what it changes or does, and for a button to what."""

SHOWN_CHANNELS = 25
"""Channels that Discord lets one select menu show as chosen."""

SHOWN_GROUPS = 6
"""Groups of emotions whose menus, with all else, Discord takes in one message."""

NEEDED = {
    "view_channel": mark("View Channel"),
    "read_message_history": mark("Read Message History"),
    "add_reactions": mark("Add Reactions"),
}
"""What the bot must be allowed to, by discord.py's names, under the names that Discord shows."""

_CHANNEL_TYPES = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
    discord.ChannelType.category,
]
_LIVELINESS = {
    Liveliness.QUIET: (mark("quiet"), mark("only when I am very sure, to at most {share} of the messages")),
    Liveliness.NORMAL: (mark("normal"), mark("when I am sure, to at most {share} of the messages")),
    Liveliness.LIVELY: (mark("lively"), mark("even on a good guess, to at most {share} of the messages")),
}
_RULES = {"except": mark("All channels but these"), "only": mark("Only these channels")}
_A_MONDAY = date(1970, 1, 5)
_LISTED = MESSAGE_TEXT // 8
"""Characters of a list; the four lists and the news of a fifth, with all else, must fit into the message."""


EmojiGiven: TypeAlias = Callable[[discord.Interaction, str, str], Awaitable[None]]
ZoneGiven: TypeAlias = Callable[[discord.Interaction, str], Awaitable[None]]
FileGiven: TypeAlias = Callable[[discord.Interaction, discord.Attachment], Awaitable[None]]


class Page(StrEnum):
    """A part of the panel; one message could not hold all controls."""

    GENERAL = "general"
    CHANNELS = "channels"
    EMOTIONS = "emotions"
    MOOD = "mood"

    @classmethod
    def of(cls, control: str) -> Page:
        """Return the page that has a control."""
        if control in ("channel_rule", "channels", "age_restricted"):
            return cls.CHANNELS
        if control in ("mood", "time_zone", "language", "weekly_channel", "weekly_day", "weekly_hour"):
            return cls.MOOD
        return cls.EMOTIONS if control in ("muted", "emoji") else cls.GENERAL


_PAGES = {
    Page.GENERAL: mark("General"),
    Page.CHANNELS: mark("Channels"),
    Page.EMOTIONS: mark("Emotions"),
    Page.MOOD: mark("Mood"),
}


@dataclass(frozen=True, slots=True)
class PanelState:
    """What a panel shows.

    Attributes:
        settings: the server's.
        configured: whether they were ever saved; until then a guide stands above them.
        guild: the server.
        models: the names of the loaded models.
        emotions: their emotions, each with its default emoji, None where it has none.
        default_model: the name of the model that reacts where a server has chosen none.
        permissions: the bot's, in the channel of the panel.
        locale: the reader's.
        now: when the panel was asked for.
        holding_back: channels in which reactions were taken back of late, so that there are fewer of them.
    """

    settings: ServerSettings
    configured: bool
    guild: discord.Guild
    models: Collection[str]
    permissions: discord.Permissions
    locale: discord.Locale
    emotions: Mapping[str, str | None]
    default_model: str
    now: datetime
    holding_back: Collection[int] = ()

    @property
    def model(self) -> str | None:
        """The model that the server has chosen, or None if it is not loaded."""
        return self.settings.model if self.settings.model in self.models else None

    @property
    def weekly_channel(self) -> discord.abc.GuildChannel | None:
        """The channel for the picture of the week, None if there is none or it was deleted."""
        return self.guild.get_channel(self.settings.weekly_channel or 0)


def shown_channels(settings: ServerSettings, guild: discord.Guild) -> list[int]:
    """Return the chosen channels that the select menu shows; the others stay chosen whatever is done there."""
    return _present(settings, guild)[:SHOWN_CHANNELS]


def hidden_channels(settings: ServerSettings, guild: discord.Guild) -> list[int]:
    """Return the chosen channels that do not fit into the select menu, without those that no longer exist."""
    return _present(settings, guild)[SHOWN_CHANNELS:]


def lacking(permissions: discord.Permissions, translate: Translate) -> str:
    """Return what the bot needs and may not do in a channel, as a warning; empty if nothing is lacking."""
    names = [translate(name) for permission, name in NEEDED.items() if not getattr(permissions, permission)]
    if not names:
        return ""
    return translate("⚠️ In this channel I don't have: {permissions}.").format(permissions=", ".join(names))


def summary(state: PanelState) -> dict[str, str]:
    """Return a line on each setting, by the control that changes it."""
    translate = translator(state.locale)
    settings = state.settings
    channels = _listed(f"<#{channel_id}>" for channel_id in _present(settings, state.guild))
    if settings.channel_rule == "only":
        where = (
            translate("only {channels}").format(channels=channels)
            if channels
            else translate("none chosen yet, so nowhere")
        )
    else:
        where = translate("all but {channels}").format(channels=channels) if channels else translate("all")
    none = translate("none")
    told = {
        "enabled": (translate("Reactions"), _on_or_off(settings.enabled, translate)),
        "channels": (translate("Channels"), where),
        "age_restricted": (translate("Age-restricted channels"), _on_or_off(settings.age_restricted, translate)),
        "liveliness": (translate("Liveliness"), translate(_LIVELINESS[settings.liveliness][0])),
        "model": (translate("Model"), NAMES[state.model] if state.model else _default_model(state, translate)),
        "muted": (
            translate("Muted emotions"),
            _listed(written(each, None, translate) for each in sorted(settings.muted)) or none,
        ),
        "emoji": (
            translate("Changed emoji"),
            _listed(_own(state, emotion) for emotion in sorted(settings.emoji)) or none,
        ),
        "mood": (translate("Mood counting"), _on_or_off(settings.mood, translate)),
        "time_zone": (translate("Time zone"), translate.city(settings.time_zone)),
        "language": (translate("Language"), _language(state, translate)),
        "weekly_channel": (translate("Picture of the week"), _weekly(state, translate)),
    }
    told["weekly_day"] = told["weekly_hour"] = told["weekly_channel"]
    told["channel_rule"] = told["channels"]
    told["forgive"] = (
        translate("Holding back"),
        _listed(f"<#{channel_id}>" for channel_id in state.holding_back) or none,
    )
    return {control: f"**{name}:** {value}" for control, (name, value) in told.items()}


class SettingsPanel(ui.LayoutView):
    """One page of the panel. It does not listen, since the cog handles the presses of all panels."""

    def __init__(
        self,
        state: PanelState,
        page: Page,
        *,
        news: str = "",
        refused: str | None = None,
        zones: Sequence[str] = (),
        asks_to_reset: bool = False,
    ) -> None:
        """Draw it.

        Args:
            state: what it tells.
            page: the page to open.
            news: what was just done, in a sentence.
            refused: the emotion for which an emoji was just refused, so that another one can be given at once.
            zones: time zones of which one is to be chosen.
            asks_to_reset: show no page, but ask whether everything shall really be reset.
        """
        super().__init__(timeout=None)
        self._state = state
        self._zones = zones
        self._translate = translator(state.locale)
        if not state.configured:
            self.add_item(ui.TextDisplay(self._guide()))
        pages = {
            Page.GENERAL: self._general,
            Page.CHANNELS: self._channels,
            Page.EMOTIONS: self._emotions,
            Page.MOOD: self._mood,
        }
        controls = self._reset_question() if asks_to_reset else [self._tabs(page), *pages[page]()]
        colour = discord.Colour.green() if state.settings.enabled else discord.Colour.light_grey()
        overview: ui.TextDisplay[SettingsPanel] = ui.TextDisplay(self._overview(news))
        below = ui.Separator[SettingsPanel]() if refused is None else self._retry(refused)
        self.add_item(ui.Container(overview, below, *controls, accent_colour=colour))
        self.stop()

    def _guide(self) -> str:
        translate = self._translate
        return "\n".join(
            (
                "### " + translate("Welcome"),
                translate(
                    "I read messages, and when one shows a clear emotion, I react with a matching emoji. "
                    "I keep no messages."
                ),
                translate("The defaults work well, so you don't have to change anything here."),
                translate("In my first hour in a server I react more often, so that everyone can see what I do."),
                translate("`/privacy` shows you and your members what is kept, and lets anyone opt out."),
            )
        )

    def _overview(self, news: str) -> str:
        translate = self._translate
        told = summary(self._state)
        order = (
            *("enabled", "channels", "age_restricted", "liveliness", "model", "muted", "emoji", "mood"),
            "weekly_channel",
        )
        parts = ["## " + translate("Settings"), *(told[control] for control in order)]
        if self._state.holding_back:
            parts.append(told["forgive"])
        warnings = (lacking(self._state.permissions, translate), _obstacle_to_weekly(self._state, translate))
        return "\n".join(filter(None, (*parts, *warnings, news)))

    def _tabs(self, current: Page) -> ui.ActionRow[SettingsPanel]:
        return ui.ActionRow(
            *(
                ui.Button(
                    label=self._translate(name),
                    custom_id=f"settings:page:{page}",
                    style=discord.ButtonStyle.primary if page is current else discord.ButtonStyle.secondary,
                )
                for page, name in _PAGES.items()
            )
        )

    def _retry(self, emotion: str) -> ui.ActionRow[SettingsPanel]:
        """Return a button that opens the form for the emoji of an emotion again."""
        translate = self._translate
        return ui.ActionRow(
            ui.Button(
                label=translate("Try another emoji"),
                custom_id=f"settings:retry:{key_of(emotion)}",
                style=discord.ButtonStyle.primary,
            )
        )

    def _general(self) -> list[ui.Item[SettingsPanel]]:
        translate = self._translate
        settings = self._state.settings
        liveliness = [
            discord.SelectOption(
                label=translate(name),
                value=liveliness,
                description=translate(meaning).format(share=translate.percent(PROFILES[liveliness].share)),
                default=liveliness is settings.liveliness,
            )
            for liveliness, (name, meaning) in _LIVELINESS.items()
        ]
        model = self._state.model
        models = [
            discord.SelectOption(
                label=_default_model(self._state, translate),
                value="default",
                description=translate("chosen by the operator of this bot"),
                default=model is None,
            ),
            *(
                discord.SelectOption(label=NAMES[name], value=name, default=name == model)
                for name in self._state.models
            ),
        ]
        return [
            self._switch("enabled", translate("Reactions"), translate("Whether I react at all."), on=settings.enabled),
            self._trial(),
            ui.TextDisplay(_heading(translate("Liveliness"), translate("How readily I react."))),
            _menu("liveliness", liveliness),
            ui.TextDisplay(
                _heading(translate("Model"), translate("Which model decides; `/compare` shows how they differ."))
            ),
            _menu("model", models),
            ui.ActionRow(
                ui.Button(label=translate("Export"), custom_id="settings:export"),
                ui.Button(label=translate("Import"), custom_id="settings:import"),
                ui.Button(label=translate("Reset"), custom_id="settings:reset", style=discord.ButtonStyle.danger),
            ),
        ]

    def _trial(self) -> ui.Section[SettingsPanel]:
        """Return the button that shows for a while what the bot thinks of each message."""
        translate = self._translate
        meaning = translate(
            "For ten minutes, I show you what I think of each message in this channel. Nobody else sees it."
        )
        button: ui.Button[SettingsPanel] = ui.Button(label=translate("Try it here"), custom_id="settings:try")
        return ui.Section(_heading(translate("Why am I silent?"), meaning), accessory=button)

    def _channels(self) -> list[ui.Item[SettingsPanel]]:
        translate = self._translate
        settings = self._state.settings
        rules = [
            discord.SelectOption(label=translate(name), value=rule, default=rule == settings.channel_rule)
            for rule, name in _RULES.items()
        ]
        chosen = shown_channels(settings, self._state.guild)
        return [
            ui.TextDisplay(
                _heading(
                    translate("Channels"), translate("A category includes its channels, and a channel its threads.")
                )
            ),
            _menu("channel_rule", rules),
            ui.ActionRow(
                ui.ChannelSelect(
                    custom_id="settings:channels",
                    placeholder=translate("Channels and categories"),
                    channel_types=_CHANNEL_TYPES,
                    min_values=0,
                    max_values=SHOWN_CHANNELS,
                    default_values=[
                        discord.SelectDefaultValue(id=channel_id, type=discord.SelectDefaultValueType.channel)
                        for channel_id in chosen
                    ],
                )
            ),
            self._switch(
                "age_restricted",
                translate("Age-restricted channels"),
                translate("Whether I react there as well."),
                on=settings.age_restricted,
            ),
            *self._react_as_usual(),
        ]

    def _mood(self) -> list[ui.Item[SettingsPanel]]:
        translate, settings = self._translate, self._state.settings
        days = [
            discord.SelectOption(
                label=translate.weekday_name(_A_MONDAY + timedelta(days=place)),
                value=day,
                default=day == settings.weekly_day,
            )
            for place, day in enumerate(DAYS)
        ]
        hours = [
            discord.SelectOption(label=translate.hour(hour), value=str(hour), default=hour == settings.weekly_hour)
            for hour in range(24)
        ]
        languages = [
            discord.SelectOption(
                label=shortened(_servers_language(self._state, translate), MENU_LABEL),
                value="server",
                description=translate("chosen in Discord's own settings of the server"),
                default=settings.language is None,
            ),
            *(
                discord.SelectOption(
                    label=translator(discord.Locale(locale)).language_name(),
                    value=locale,
                    default=locale == settings.language,
                )
                for locale in get_args(Language)
            ),
        ]
        button: ui.Button[SettingsPanel] = ui.Button(label=translate("Change"), custom_id="settings:zone")
        return [
            self._switch(
                "mood",
                translate("Mood counting"),
                translate("Counts emotions for `/mood`, per channel and hour, never per person."),
                on=settings.mood,
            ),
            ui.TextDisplay(_heading(translate("Picture of the week"), self._about_weekly())),
            ui.ActionRow(
                ui.ChannelSelect(
                    custom_id="settings:weekly_channel",
                    placeholder=translate("Off; choose a channel to turn it on"),
                    channel_types=[discord.ChannelType.text, discord.ChannelType.news],
                    min_values=0,
                    max_values=1,
                    default_values=[
                        discord.SelectDefaultValue(id=channel.id, type=discord.SelectDefaultValueType.channel)
                        for channel in (self._state.weekly_channel,)
                        if channel
                    ],
                )
            ),
            _menu("weekly_day", days),
            _menu("weekly_hour", hours),
            ui.TextDisplay(_heading(translate("Language"), translate("In which I write the picture of the week."))),
            _menu("language", languages),
            ui.Section(
                _heading(
                    translate("Time zone") + f": {described(settings.time_zone, translate)}",
                    translate("By which I draw `/mood` and post the picture of the week."),
                ),
                accessory=button,
            ),
            *self._zones_found(),
        ]

    def _about_weekly(self) -> str:
        """Return what the picture of the week is, and when the next one comes."""
        translate, settings = self._translate, self._state.settings
        told = translate.plural(
            "Once a week I post the mood of the last seven days, if there was at least {count} message.",
            "Once a week I post the mood of the last seven days, if there were at least {count} messages.",
            WEEKLY_MINIMUM,
        )
        if self._state.weekly_channel is None:
            return told
        due = next_due(self._state.now, settings.weekly_day, settings.weekly_hour, settings.time_zone)
        return told + " " + translate("The next one: {when}").format(when=discord.utils.format_dt(due, "F"))

    def _zones_found(self) -> list[ui.Item[SettingsPanel]]:
        """Return the menu of time zones of which one is to be chosen, if there are any."""
        translate = self._translate
        options = [
            discord.SelectOption(
                label=shortened(described(zone, translate), MENU_LABEL),
                value=zone,
                description=f"{wall_clock(self._state.now, zone):%H:%M}",
            )
            for zone in self._zones[:MENU_OPTIONS]
        ]
        return [_menu("time_zone", options, placeholder=translate("Which one do you mean?"))] if options else []

    def _react_as_usual(self) -> list[ui.Item[SettingsPanel]]:
        """Return the button that lifts all holding back; nothing if the bot holds back nowhere."""
        translate = self._translate
        if not self._state.holding_back:
            return []
        meaning = translate("Where people removed my reactions, I react less for a day.")
        button: ui.Button[SettingsPanel] = ui.Button(label=translate("React as usual"), custom_id="settings:forgive")
        return [ui.Section(_heading(translate("Holding back"), meaning), accessory=button)]

    def _emotions(self) -> list[ui.Item[SettingsPanel]]:
        translate = self._translate
        settings = self._state.settings
        groups = [(name, self._sorted(group)) for name, group in groups_of(self._state.emotions).items()]
        shown = groups[:SHOWN_GROUPS]
        names = {name: self._group_name(name, emotions) for name, emotions in shown}
        muted = [
            _menu(
                f"muted:{group}",
                [self._option(emotion, default=emotion in settings.muted) for emotion in emotions],
                placeholder=names[group],
                at_least=0,
                at_most=len(emotions),
            )
            for group, emotions in shown
        ]
        emoji = [
            _menu(
                f"emoji:{group}",
                [self._option(emotion, own=settings.emoji.get(emotion)) for emotion in emotions],
                placeholder=names[group],
                at_least=0,  # whoever closes the form can take the choice back, and choose the same again
            )
            for group, emotions in shown
        ]
        hidden = sum(len(emotions) for _name, emotions in groups[SHOWN_GROUPS:])
        remark = translate.plural(
            "{count} more emotion can be set by importing a file.",
            "{count} more emotions can be set by importing a file.",
            hidden,
        )
        return [
            ui.TextDisplay(_heading(translate("Muted emotions"), translate("I never react to these."))),
            *muted,
            ui.TextDisplay(
                _heading(translate("Changed emoji"), translate("Choose an emotion to give it another emoji."))
            ),
            *emoji,
            *([ui.TextDisplay(f"-# {remark}")] if hidden else []),
        ]

    def _group_name(self, group: str, emotions: Sequence[str]) -> str:
        """Return the placeholder of a menu; one of several with emotions of other data names its first and last."""
        translate = self._translate
        if group in ("pleasant", "other"):
            return {"pleasant": translate("Pleasant emotions"), "other": translate("Other emotions")}[group]
        if len(self._state.emotions) <= MENU_OPTIONS:
            return translate("Emotions")
        return shortened(translate("Emotions") + f": {emotions[0]} – {emotions[-1]}", MENU_PLACEHOLDER)

    def _reset_question(self) -> list[ui.Item[SettingsPanel]]:
        translate = self._translate
        return [
            ui.TextDisplay(translate("Do you really want to reset all of this to the defaults?")),
            ui.ActionRow(
                ui.Button(
                    label=translate("Yes, reset"), custom_id="settings:reset:sure", style=discord.ButtonStyle.danger
                ),
                ui.Button(label=translate("No, keep them"), custom_id=f"settings:page:{Page.GENERAL}"),
            ),
        ]

    def _switch(self, control: str, name: str, meaning: str, *, on: bool) -> ui.Section[SettingsPanel]:
        """Return a setting with a button that turns it on or off; a second press of the same button changes nothing."""
        translate = self._translate
        button: ui.Button[SettingsPanel] = ui.Button(
            label=translate("Turn off") if on else translate("Turn on"),
            custom_id=f"settings:{control}:{'off' if on else 'on'}",
            style=discord.ButtonStyle.secondary if on else discord.ButtonStyle.success,
        )
        return ui.Section(_heading(name, meaning), accessory=button)

    def _option(self, emotion: str, *, own: str | None = None, default: bool = False) -> discord.SelectOption:
        """Return an option with the default emoji: Discord refuses a whole panel for one deleted custom emoji."""
        return discord.SelectOption(
            label=named(emotion, self._translate),
            value=emotion,
            emoji=self._state.emotions[emotion],
            description=as_typed(own) if own else self._without(emotion),
            default=default,
        )

    def _without(self, emotion: str) -> str | None:
        translate = self._translate
        return None if self._state.emotions[emotion] else translate("no emoji yet")

    def _sorted(self, emotions: Iterable[str]) -> list[str]:
        return sorted(emotions, key=lambda emotion: named(emotion, self._translate).casefold())


class EmojiForm(Form):
    """Asks for the emoji of one emotion."""

    def __init__(
        self,
        emotion: str,
        default: str | None,
        own: str | None,
        locale: discord.Locale | None,
        given: EmojiGiven,
        failed: Failed,
    ) -> None:
        """Draw it.

        Args:
            emotion: the emotion.
            default: its default emoji, if it has one.
            own: the server's emoji for it, if it has one.
            locale: the reader's.
            given: called with the emotion and the text that was typed for it.
            failed: called with the exception that `given` raised.
        """
        translate = translator(locale)
        title = shortened(translate("Emoji for {emotion}").format(emotion=named(emotion, translate)), FORM_TITLE)
        super().__init__(title, f"settings:emoji:{key_of(emotion)}", failed)
        self._emotion = emotion
        self._given = given
        self._text: ui.TextInput[EmojiForm] = ui.TextInput(
            custom_id="emoji", default=own and as_typed(own), required=False, max_length=100
        )
        if default:
            meaning = translate("One emoji, or :name: for one of this server's own; empty for the usual {emoji}")
        else:
            meaning = translate("One emoji, or :name: for one of this server's own; empty for none")
        self.add_item(
            ui.Label(text=translate("Emoji"), description=meaning.format(emoji=default), component=self._text)
        )

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Pass on what was typed."""
        await self._given(interaction, self._emotion, self._text.value.strip())


class ZoneForm(Form):
    """Asks for a time zone."""

    def __init__(self, locale: discord.Locale | None, given: ZoneGiven, failed: Failed) -> None:
        """Draw it; `given` is called with what was typed, `failed` with the exception that it raised."""
        translate = translator(locale)
        super().__init__(translate("Time zone"), "settings:zone", failed)
        self._given = given
        self._text: ui.TextInput[ZoneForm] = ui.TextInput(custom_id="zone", max_length=60)
        self.add_item(
            ui.Label(
                text=translate("City or country"),
                description=translate("A large city or a country, or a name such as Europe/Berlin"),
                component=self._text,
            )
        )

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Pass on what was typed."""
        await self._given(interaction, self._text.value.strip())


class ImportForm(Form):
    """Asks for a file with settings."""

    def __init__(self, locale: discord.Locale | None, given: FileGiven, failed: Failed) -> None:
        """Draw it; `given` is called with the file, `failed` with the exception that it raised."""
        translate = translator(locale)
        super().__init__(translate("Import settings"), "settings:import", failed)
        self._given = given
        self._file: ui.FileUpload[ImportForm] = ui.FileUpload(custom_id="file")
        self.add_item(
            ui.Label(
                text=translate("File"),
                description=translate("A file you exported, here or in another server"),
                component=self._file,
            )
        )

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Pass on the file."""
        [file] = self._file.values
        await self._given(interaction, file)


def as_typed(emoji: str) -> str:
    """Return an emoji as people type it: a custom one by its name between colons."""
    custom = CUSTOM_EMOJI.fullmatch(emoji)
    return f":{custom[2]}:" if custom else emoji


def _present(settings: ServerSettings, guild: discord.Guild) -> list[int]:
    return sorted(channel_id for channel_id in settings.channels if guild.get_channel(channel_id))


def _own(state: PanelState, emotion: str) -> str:
    """Return an emotion with the server's emoji for it, or with a note if that was deleted."""
    translate = translator(state.locale)
    emoji = usable_emoji(state.settings.emoji[emotion], state.guild)
    if emoji is None:
        default = state.emotions.get(emotion) or ""
        return translate("{emotion} {emoji} (the server's own was deleted)").format(
            emotion=written(emotion, None, translate), emoji=default
        )
    return written(emotion, emoji, translate)


def _default_model(state: PanelState, translate: Translate) -> str:
    return translate("the default") + f" ({NAMES[state.default_model]})"


def _servers_language(state: PanelState, translate: Translate) -> str:
    """Return the name of the language that a server has chosen in Discord, as that of its default."""
    chosen = translator(state.guild.preferred_locale).language_name()
    return translate("the server's own") + f" ({chosen})"


def _language(state: PanelState, translate: Translate) -> str:
    chosen = state.settings.language
    return translator(discord.Locale(chosen)).language_name() if chosen else _servers_language(state, translate)


def _weekly(state: PanelState, translate: Translate) -> str:
    """Return where and when the picture of the week is posted."""
    settings = state.settings
    if state.weekly_channel is None:
        return translate("off")
    day = translate.weekday_name(_A_MONDAY + timedelta(days=DAYS.index(settings.weekly_day)))
    hour, city = translate.hour(settings.weekly_hour), translate.city(settings.time_zone)
    return f"<#{state.weekly_channel.id}>, {day}, {hour} ({city})"


def _obstacle_to_weekly(state: PanelState, translate: Translate) -> str:
    """Return why no picture of the week can be posted, as a warning; empty if it can be, or if none is wanted."""
    if state.weekly_channel is None:
        return ""
    if not state.settings.mood:
        return translate("⚠️ There is no picture of the week while moods are not counted.")
    if names := lacking_to_post(state.weekly_channel):
        return translate("⚠️ For the picture of the week I don't have in {channel}: {permissions}.").format(
            channel=f"<#{state.weekly_channel.id}>", permissions=", ".join(map(translate, names))
        )
    return ""


def _listed(items: Iterable[str]) -> str:
    """Join items until the text is too long, with the number of those left out; empty if there are none."""
    shown: list[str] = []
    length = more = 0
    for item in items:
        length += len(item) + 2
        if length <= _LISTED:
            shown.append(item)
        else:
            more += 1
    return ", ".join(shown) + (f" +{more}" if more else "")


def _on_or_off(on: bool, translate: Translate) -> str:
    return translate("on") if on else translate("off")


def _heading(name: str, meaning: str) -> str:
    return f"**{name}**\n-# {meaning}"


def _menu(
    control: str,
    options: list[discord.SelectOption],
    *,
    placeholder: str | None = None,
    at_least: int = 1,
    at_most: int = 1,
) -> ui.ActionRow[SettingsPanel]:
    menu: ui.Select[SettingsPanel] = ui.Select(
        custom_id=f"settings:{control}",
        placeholder=placeholder,
        options=options,
        min_values=at_least,
        max_values=at_most,
    )
    return ui.ActionRow(menu)
