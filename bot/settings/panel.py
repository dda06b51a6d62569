"""The panel of `/settings`: how everything stands at a glance, and a control for each of it.

It is drawn anew after every press, from what is stored. What a control is for stands in its custom_id, as `CONTROL`
reads it, so nothing needs to be remembered of a panel, and one from before a restart goes on working.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import discord
from discord import ui

from bot.i18n import Translate, mark, translator
from bot.reactions.policy import PROFILES
from bot.server_settings import CUSTOM_EMOJI, Liveliness, ServerSettings, is_emoji
from bot.ui.emotions import MENU, groups_of, key_of, named, written
from bot.ui.form import Failed, Form
from classifiers import NAMES

CONTROL = re.compile(r"settings:(?P<control>[a-z_]+)(?::(?P<argument>[a-z_0-9]+))?")
"""The custom_id of a control: what it changes or does, and for a button to what."""

SHOWN_CHANNELS = 25
"""Channels that Discord lets one select menu show as chosen."""

SHOWN_GROUPS = 7
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
    Liveliness.QUIET: (mark("quiet"), mark("only when I am very sure, and to {share} of the messages at most")),
    Liveliness.NORMAL: (mark("normal"), mark("when I am sure, and to {share} of the messages at most")),
    Liveliness.LIVELY: (mark("lively"), mark("already at a good guess, and to {share} of the messages at most")),
}
_RULES = {"except": mark("All channels but these"), "only": mark("Only these channels")}
_TITLE, _PLACEHOLDER = 45, 150
"""Characters that Discord takes on a form and on a menu."""
_LISTED = 500
"""Characters of a list; the four lists and the news of a fifth, with all else, must stay under 4,000."""


EmojiGiven: TypeAlias = Callable[[discord.Interaction, str, str], Awaitable[None]]
FileGiven: TypeAlias = Callable[[discord.Interaction, discord.Attachment], Awaitable[None]]


class Page(StrEnum):
    """A part of the panel; one message could not hold all controls."""

    GENERAL = "general"
    CHANNELS = "channels"
    EMOTIONS = "emotions"

    @classmethod
    def of(cls, control: str) -> Page:
        """The page on which a control is found."""
        if control in ("channel_rule", "channels", "age_restricted"):
            return cls.CHANNELS
        return cls.EMOTIONS if control in ("muted", "emoji") else cls.GENERAL


_PAGES = {Page.GENERAL: mark("General"), Page.CHANNELS: mark("Channels"), Page.EMOTIONS: mark("Emotions")}


@dataclass(frozen=True, slots=True)
class Situation:
    """What a panel tells.

    Attributes:
        settings: the server's.
        configured: whether they were ever saved; until then a guide stands above them.
        guild: the server.
        models: the names of the loaded models.
        emotions: their emotions, each with its default emoji, None where it has none.
        permissions: the bot's, in the channel of the panel.
        locale: the reader's.
        holding_back: channels in which reactions were taken back of late, so that there are fewer of them.
    """

    settings: ServerSettings
    configured: bool
    guild: discord.Guild
    models: Collection[str]
    permissions: discord.Permissions
    locale: discord.Locale
    emotions: Mapping[str, str | None]
    holding_back: Collection[int] = ()

    @property
    def model(self) -> str | None:
        """The model that the server has chosen, if it is loaded."""
        return self.settings.model if self.settings.model in self.models else None


def own_emoji(text: str, guild: discord.Guild) -> str | None:
    """A server's own emoji in the form in which Discord writes it in messages, None if the bot has no such emoji.

    Args:
        text: that form, or the name between colons as people type it.
        guild: the server.
    """
    written = CUSTOM_EMOJI.fullmatch(text)
    for emoji in guild.emojis:
        found = emoji.id == int(written[3]) if written else f":{emoji.name}:" == text
        if found and emoji.is_usable():
            return str(emoji)
    return None


def usable_emoji(text: str, guild: discord.Guild) -> str | None:
    """The Unicode emoji or the server's own one that a text stands for, None if it is nothing to react with."""
    return own_emoji(text, guild) or (text if is_emoji(text) and not CUSTOM_EMOJI.fullmatch(text) else None)


def shown_channels(settings: ServerSettings, guild: discord.Guild) -> list[int]:
    """The chosen channels that the select menu shows; the others of them stay chosen whatever is done there."""
    return _present(settings, guild)[:SHOWN_CHANNELS]


def hidden_channels(settings: ServerSettings, guild: discord.Guild) -> list[int]:
    """The chosen channels that do not fit into the select menu; what no longer exists is forgotten."""
    return _present(settings, guild)[SHOWN_CHANNELS:]


def lines(situation: Situation) -> dict[str, str]:
    """How every setting stands, in a line for each, by the control that changes it."""
    _ = translator(situation.locale)
    settings = situation.settings
    channels = _listed(f"<#{channel_id}>" for channel_id in _present(settings, situation.guild))
    if settings.channel_rule == "only":
        where = _("only {channels}").format(channels=channels) if channels else _("none chosen yet, so nowhere")
    else:
        where = _("all but {channels}").format(channels=channels) if channels else _("all")
    none = _("none")
    told = {
        "enabled": (_("Reactions"), _on_or_off(settings.enabled, _)),
        "channels": (_("Channels"), where),
        "age_restricted": (_("Age-restricted channels"), _on_or_off(settings.age_restricted, _)),
        "liveliness": (_("Liveliness"), _(_LIVELINESS[settings.liveliness][0])),
        "model": (_("Model"), NAMES[situation.model] if situation.model else _("the usual one")),
        "muted": (_("Muted emotions"), _listed(written(each, None, _) for each in sorted(settings.muted)) or none),
        "emoji": (_("Own emoji"), _listed(_own(situation, emotion) for emotion in sorted(settings.emoji)) or none),
        "mood": (_("Mood counting"), _on_or_off(settings.mood, _)),
    }
    told["channel_rule"] = told["channels"]
    told["forgive"] = (_("Holding back"), _listed(f"<#{channel_id}>" for channel_id in situation.holding_back) or none)
    return {control: f"**{name}:** {value}" for control, (name, value) in told.items()}


class SettingsPanel(ui.LayoutView):
    """One page of the panel. The cog hears its presses, so it stops listening before it is even sent."""

    def __init__(self, situation: Situation, page: Page, *, news: str = "", asks_to_reset: bool = False) -> None:
        """Draw it.

        Args:
            situation: what it tells.
            page: the page to open.
            news: what was just done, in a sentence.
            asks_to_reset: show no page, but ask whether everything shall really be reset.
        """
        super().__init__(timeout=None)
        self._situation = situation
        self._translate = translator(situation.locale)
        if not situation.configured:
            self.add_item(ui.TextDisplay(self._guide()))
        pages = {Page.GENERAL: self._general, Page.CHANNELS: self._channels, Page.EMOTIONS: self._emotions}
        controls = self._really() if asks_to_reset else [self._tabs(page), *pages[page]()]
        colour = discord.Colour.green() if situation.settings.enabled else discord.Colour.light_grey()
        overview: ui.TextDisplay[SettingsPanel] = ui.TextDisplay(self._overview(news))
        self.add_item(ui.Container(overview, ui.Separator(), *controls, accent_colour=colour))
        self.stop()

    def _guide(self) -> str:
        _ = self._translate
        return "\n".join(
            (
                f"### {_('Welcome')}",
                _("I read messages, and when one has a clear emotion, I react with its emoji. I keep no message."),
                _("The defaults are sensible, so there is nothing that you must change here."),
                _("`/privacy` tells you and your members what is kept, and lets everybody opt out."),
            )
        )

    def _overview(self, news: str) -> str:
        _ = self._translate
        told = lines(self._situation)
        order = ("enabled", "channels", "age_restricted", "liveliness", "model", "muted", "emoji", "mood")
        lacking = [
            _(name) for permission, name in NEEDED.items() if not getattr(self._situation.permissions, permission)
        ]
        parts = [f"## {_('Settings')}", *(told[control] for control in order)]
        if self._situation.holding_back:
            parts.append(told["forgive"])
        if lacking:
            parts.append(_("⚠️ In this channel I lack: {permissions}.").format(permissions=", ".join(lacking)))
        return "\n".join(filter(None, (*parts, news)))

    def _tabs(self, current: Page) -> ui.ActionRow[SettingsPanel]:
        return ui.ActionRow(
            *(
                ui.Button(
                    label=self._translate(name),
                    custom_id=f"settings:page:{page}",
                    style=discord.ButtonStyle.primary if page is current else discord.ButtonStyle.secondary,
                    disabled=page is current,
                )
                for page, name in _PAGES.items()
            )
        )

    def _general(self) -> list[ui.Item[SettingsPanel]]:
        _ = self._translate
        settings = self._situation.settings
        liveliness = [
            discord.SelectOption(
                label=_(name),
                value=liveliness,
                description=_(meaning).format(share=f"{PROFILES[liveliness].share:.0%}"),
                default=liveliness is settings.liveliness,
            )
            for liveliness, (name, meaning) in _LIVELINESS.items()
        ]
        model = self._situation.model
        models = [
            discord.SelectOption(
                label=_("the usual one"),
                value="default",
                description=_("which the operator of this bot has chosen"),
                default=model is None,
            ),
            *(
                discord.SelectOption(label=NAMES[name], value=name, default=name == model)
                for name in self._situation.models
            ),
        ]
        return [
            self._switch("enabled", _("Reactions"), _("Whether I react at all."), on=settings.enabled),
            ui.TextDisplay(_heading(_("Liveliness"), _("How readily I react."))),
            _menu("liveliness", liveliness),
            ui.TextDisplay(_heading(_("Model"), _("Which one decides; `/compare` shows how they differ."))),
            _menu("model", models),
            self._switch(
                "mood",
                _("Mood counting"),
                _("Counts emotions for `/mood`, by channel and hour and never by person."),
                on=settings.mood,
            ),
            ui.ActionRow(
                ui.Button(label=_("Export"), custom_id="settings:export"),
                ui.Button(label=_("Import"), custom_id="settings:import"),
                ui.Button(label=_("Reset"), custom_id="settings:reset", style=discord.ButtonStyle.danger),
            ),
        ]

    def _channels(self) -> list[ui.Item[SettingsPanel]]:
        _ = self._translate
        settings = self._situation.settings
        rules = [
            discord.SelectOption(label=_(name), value=rule, default=rule == settings.channel_rule)
            for rule, name in _RULES.items()
        ]
        chosen = shown_channels(settings, self._situation.guild)
        return [
            ui.TextDisplay(
                _heading(_("Channels"), _("A category stands for its channels, a channel for its threads as well."))
            ),
            _menu("channel_rule", rules),
            ui.ActionRow(
                ui.ChannelSelect(
                    custom_id="settings:channels",
                    placeholder=_("Channels and categories"),
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
                _("Age-restricted channels"),
                _("Whether I react in those as well."),
                on=settings.age_restricted,
            ),
            *self._forgiveness(),
        ]

    def _forgiveness(self) -> list[ui.Item[SettingsPanel]]:
        """What makes the bot react as usual again; nothing where it does."""
        _ = self._translate
        if not self._situation.holding_back:
            return []
        meaning = _("Where people took reactions of mine back, I react less for a day.")
        button: ui.Button[SettingsPanel] = ui.Button(label=_("React as usual"), custom_id="settings:forgive")
        return [ui.Section(_heading(_("Holding back"), meaning), accessory=button)]

    def _emotions(self) -> list[ui.Item[SettingsPanel]]:
        _ = self._translate
        settings = self._situation.settings
        groups = [(name, self._sorted(group)) for name, group in groups_of(self._situation.emotions).items()]
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
        remark = _("{count} more emotions can be set by importing a file.").format(count=hidden)
        return [
            ui.TextDisplay(_heading(_("Muted emotions"), _("I never react to these."))),
            *muted,
            ui.TextDisplay(_heading(_("Own emoji"), _("Choose an emotion to give it another emoji."))),
            *emoji,
            *([ui.TextDisplay(f"-# {remark}")] if hidden else []),
        ]

    def _group_name(self, group: str, emotions: Sequence[str]) -> str:
        """What stands on a menu; where there are several of own emotions, from which to which it goes."""
        _ = self._translate
        if group in ("pleasant", "other"):
            return {"pleasant": _("Pleasant emotions"), "other": _("Other emotions")}[group]
        if len(self._situation.emotions) <= MENU:
            return _("Emotions")
        return shortened(f"{_('Emotions')}: {emotions[0]} – {emotions[-1]}", _PLACEHOLDER)

    def _really(self) -> list[ui.Item[SettingsPanel]]:
        _ = self._translate
        return [
            ui.TextDisplay(_("Shall all of this really go back to the defaults?")),
            ui.ActionRow(
                ui.Button(label=_("Yes, reset"), custom_id="settings:reset:sure", style=discord.ButtonStyle.danger),
                ui.Button(label=_("No, keep"), custom_id=f"settings:page:{Page.GENERAL}"),
            ),
        ]

    def _switch(self, control: str, name: str, meaning: str, *, on: bool) -> ui.Section[SettingsPanel]:
        """What is on or off; its button says which of them it will be, so that a second press changes nothing."""
        _ = self._translate
        button: ui.Button[SettingsPanel] = ui.Button(
            label=_("Switch off") if on else _("Switch on"),
            custom_id=f"settings:{control}:{'off' if on else 'on'}",
            style=discord.ButtonStyle.secondary if on else discord.ButtonStyle.success,
        )
        return ui.Section(_heading(name, meaning), accessory=button)

    def _option(self, emotion: str, *, own: str | None = None, default: bool = False) -> discord.SelectOption:
        """An emotion to choose, under its default emoji: Discord refuses a whole panel for one emoji that is gone."""
        return discord.SelectOption(
            label=named(emotion, self._translate),
            value=emotion,
            emoji=self._situation.emotions[emotion],
            description=as_typed(own) if own else self._without(emotion),
            default=default,
        )

    def _without(self, emotion: str) -> str | None:
        _ = self._translate
        return None if self._situation.emotions[emotion] else _("no emoji yet")

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
        _ = translator(locale)
        title = shortened(_("Emoji for {emotion}").format(emotion=named(emotion, _)), _TITLE)
        super().__init__(title, f"settings:emoji:{key_of(emotion)}", failed)
        self._emotion = emotion
        self._given = given
        self._text: ui.TextInput[EmojiForm] = ui.TextInput(
            custom_id="emoji", default=own and as_typed(own), required=False, max_length=100
        )
        if default:
            meaning = _("One emoji, or :name: for one of this server's own; empty for the usual {emoji}")
        else:
            meaning = _("One emoji, or :name: for one of this server's own; empty for none")
        self.add_item(ui.Label(text=_("Emoji"), description=meaning.format(emoji=default), component=self._text))

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Hand on what was typed."""
        await self._given(interaction, self._emotion, self._text.value.strip())


class ImportForm(Form):
    """Asks for a file with settings."""

    def __init__(self, locale: discord.Locale | None, given: FileGiven, failed: Failed) -> None:
        """Draw it; `given` is called with the file, `failed` with the exception that it raised."""
        _ = translator(locale)
        super().__init__(_("Import settings"), "settings:import", failed)
        self._given = given
        self._file: ui.FileUpload[ImportForm] = ui.FileUpload(custom_id="file")
        self.add_item(
            ui.Label(
                text=_("File"),
                description=_("One that Export gave you, here or in another server"),
                component=self._file,
            )
        )

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Hand on the file."""
        [file] = self._file.values
        await self._given(interaction, file)


def shortened(text: str, most: int) -> str:
    """Return a text cut to a number of characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def as_typed(emoji: str) -> str:
    """An emoji as people type it: a custom one by its name between colons."""
    custom = CUSTOM_EMOJI.fullmatch(emoji)
    return f":{custom[2]}:" if custom else emoji


def _present(settings: ServerSettings, guild: discord.Guild) -> list[int]:
    return sorted(channel_id for channel_id in settings.channels if guild.get_channel(channel_id))


def _own(situation: Situation, emotion: str) -> str:
    """An emotion with the server's emoji for it, or a word on its being gone."""
    _ = translator(situation.locale)
    emoji = usable_emoji(situation.settings.emoji[emotion], situation.guild)
    if emoji is None:
        default = situation.emotions.get(emotion) or ""
        return _("{emotion} {emoji} (its own is gone)").format(emotion=written(emotion, None, _), emoji=default)
    return written(emotion, emoji, _)


def _listed(items: Iterable[str]) -> str:
    """Items in a row, and how many more there are; empty if there are none."""
    shown: list[str] = []
    length = more = 0
    for item in items:
        length += len(item) + 2
        if length <= _LISTED:
            shown.append(item)
        else:
            more += 1
    return ", ".join(shown) + (f" +{more}" if more else "")


def _on_or_off(on: bool, _: Translate) -> str:
    return _("on") if on else _("off")


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
