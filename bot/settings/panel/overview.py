"""The overview at the top of a panel: lines about the settings, and warnings about what the bot lacks."""

from __future__ import annotations

from collections.abc import Iterable

from bot.errors import UNREADABLE
from bot.i18n import Translate
from bot.settings.emoji import usable_emoji
from bot.settings.panel.general import LIVELINESS, default_model_label
from bot.settings.panel.mood import day_name, language_name
from bot.settings.panel.state import PanelState, chosen_channels
from bot.settings.permissions import permission_warning
from bot.ui.discord_limits import MESSAGE_TEXT
from bot.ui.emotions import label_with_emoji
from bot.ui.permissions import TO_POST, missing_permissions
from classifiers import NAMES

_LISTED = MESSAGE_TEXT // 8
"""The most characters of a list: four lists, news about a fifth, and everything else must fit into the message."""


def overview(state: PanelState, notice: str) -> str:
    """Return lines about the settings, or a warning if they could not be read; then other warnings, then the notice."""
    heading = "## " + state.translate("Settings")
    if not state.readable:
        return "\n".join(filter(None, (heading, f"⚠️ {state.translate(UNREADABLE)}", notice)))
    lines = summary(state)
    order = (
        *("enabled", "channels", "age_restricted", "liveliness", "model", "muted", "emoji", "mood", "weekly_channel"),
        *(["forgive"] if state.holding_back else []),
    )
    parts = [heading, *(lines[control] for control in order)]
    return "\n".join(
        filter(None, (*parts, permission_warning(state.permissions, state.translate), _weekly_warning(state), notice))
    )


def summary(state: PanelState) -> dict[str, str]:
    """Return a line about each setting, by the name of the control that changes it."""
    translate, settings = state.translate, state.settings
    none = translate("none")
    lines = {
        "enabled": (translate("Reactions"), _on_or_off(settings.enabled, translate)),
        "channels": (translate("Channels"), _reacting_channels(state)),
        "age_restricted": (translate("Age-restricted channels"), _on_or_off(settings.age_restricted, translate)),
        "liveliness": (translate("Liveliness"), translate(LIVELINESS[settings.liveliness][0])),
        "model": (translate("Model"), NAMES[state.model] if state.model else default_model_label(state)),
        "muted": (
            translate("Muted emotions"),
            _join_fitting((label_with_emoji(each, None, translate) for each in sorted(settings.muted)), translate)
            or none,
        ),
        "emoji": (
            translate("Changed emoji"),
            _join_fitting((_own_emoji(state, emotion) for emotion in sorted(settings.emoji)), translate) or none,
        ),
        "mood": (translate("Mood counting"), _on_or_off(settings.mood, translate)),
        "time_zone": (translate("Time zone"), translate.city(settings.time_zone)),
        "language": (translate("Language"), language_name(state)),
        "weekly_channel": (translate("Picture of the week"), _weekly(state)),
        "forgive": (
            translate("Holding back"),
            _join_fitting((f"<#{each}>" for each in state.holding_back), translate) or none,
        ),
    }
    lines["weekly_day"] = lines["weekly_hour"] = lines["weekly_channel"]
    lines["channel_rule"] = lines["channels"]
    label = translate("{name}:")
    return {control: f"**{label.format(name=name)}** {value}" for control, (name, value) in lines.items()}


def _reacting_channels(state: PanelState) -> str:
    """Return in which channels the bot reacts."""
    translate = state.translate
    channels = _join_fitting((f"<#{each}>" for each in chosen_channels(state.settings, state.guild)), translate)
    if state.settings.channel_rule == "only":
        if not channels:
            return translate("none chosen yet, so nowhere")
        return translate("only {channels}").format(channels=channels)
    return translate("all but {channels}").format(channels=channels) if channels else translate("all")


def _own_emoji(state: PanelState, emotion: str) -> str:
    """Return an emotion with the server's emoji for it, or with a note if the emoji was deleted."""
    translate = state.translate
    emoji = usable_emoji(state.settings.emoji[emotion], state.guild)
    if emoji is None:
        default = state.emotions.get(emotion) or ""
        return translate("{emotion} {emoji} (the server's own was deleted)").format(
            emotion=label_with_emoji(emotion, None, translate), emoji=default
        )
    return label_with_emoji(emotion, emoji, translate)


def _weekly(state: PanelState) -> str:
    """Return where and when the picture of the week is posted."""
    translate, settings = state.translate, state.settings
    if state.weekly_channel is None:
        return translate("off")
    hour, city = translate.hour(settings.weekly_hour), translate.city(settings.time_zone)
    return translate.join((f"<#{state.weekly_channel.id}>", day_name(state, settings.weekly_day), f"{hour} ({city})"))


def _weekly_warning(state: PanelState) -> str:
    """Return a warning if the picture of the week cannot be posted; empty if it can, or if none is wanted."""
    translate = state.translate
    if state.weekly_channel is None:
        return ""
    if not state.settings.mood:
        return translate("⚠️ There is no picture of the week while moods are not counted.")
    if names := missing_permissions(state.weekly_channel.permissions_for(state.guild.me), TO_POST):
        return translate("⚠️ For the picture of the week, I lack these permissions in {channel}: {permissions}.").format(
            channel=f"<#{state.weekly_channel.id}>", permissions=translate.join(map(translate, names))
        )
    return ""


def _join_fitting(items: Iterable[str], translate: Translate) -> str:
    """Join as many items as fit, with the number of those left out; empty if there are none."""
    shown: list[str] = []
    length = more = 0
    for item in items:
        length += len(item) + 2
        if length <= _LISTED:
            shown.append(item)
        else:
            more += 1
    return translate.join(shown) + (f" +{more}" if more else "")


def _on_or_off(on: bool, translate: Translate) -> str:
    return translate("on") if on else translate("off")
