"""The message of *Try it here*: what the bot thinks of the latest messages in a channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import discord
from discord import ui

from bot.errors import BROKEN
from bot.i18n import Translate, mark
from bot.reactions.observers import MessageResult
from bot.reactions.outcomes import Outcome
from bot.reactions.sentences import WITHOUT_EMOTION, certainty_and_required, why_silent
from bot.ui.discord_limits import MESSAGE_TEXT
from bot.ui.emotions import label_name
from bot.ui.quotation import escape, shorten, utf16_length

STOP = "settings:try:stop"
"""The custom_id of the button that ends the trial."""

_LONGEST_NAME = 40


class EndReason(Enum):
    """Why a trial has ended, in the words of its message."""

    TIME = mark("The ten minutes are over.")
    STOPPED = mark("You stopped this.")
    MOVED = mark("You started this again, so it continues in the newer message.")
    HIDDEN = mark("This has ended because I can no longer see the channel.")
    NOT_ALLOWED = mark("This has ended because you may no longer manage this server or see this channel.")
    FAILED = BROKEN
    OVER = mark("This is over.")
    RESTARTED = mark("This has ended because I was stopped or restarted.")


@dataclass(frozen=True, slots=True)
class TrialLine:
    """What is shown about a message.

    Attributes:
        message_id: the message.
        author_id: its author, who is not named but may still opt out.
        result: what became of it.
    """

    message_id: int
    author_id: int
    result: MessageResult


class TrialPanel(ui.LayoutView):
    """The message of a trial. The cog handles its button."""

    def __init__(self, translate: Translate, header: Sequence[str], lines: Sequence[str], *, runs: bool) -> None:
        """Draw it.

        Args:
            translate: the reader's language.
            header: the text above the lines.
            lines: a line about each message, the oldest first. If there is no room for all, the newest are shown.
            runs: whether the trial is running, and so can be stopped.
        """
        super().__init__(timeout=None)
        head = "\n".join(("## " + translate("Try it here"), *header))
        parts: list[ui.Item[TrialPanel]] = [ui.TextDisplay(head)]
        if shown := _newest(lines, MESSAGE_TEXT - utf16_length(head)):
            parts += [ui.Separator(), ui.TextDisplay("\n".join(shown))]
        if runs:
            parts.append(ui.ActionRow(ui.Button(label=translate("Stop"), custom_id=STOP)))
        colour = discord.Colour.green() if runs else discord.Colour.light_grey()
        self.add_item(ui.Container(*parts, accent_colour=colour))
        self.stop()


def instructions(channel_id: int, until: datetime, translate: Translate) -> str:
    """Return a text that says what to do and until when, and what happens to the messages."""
    what = translate(
        "Write something in {channel}, or wait for others to: I say here what I think of each message, and only you "
        "can see it. This ends {when}."
    )
    kept = translate("I don't keep any of it, and I neither read nor show messages by people who have opted out.")
    return what.format(channel=f"<#{channel_id}>", when=discord.utils.format_dt(until, "R")) + f"\n-# {kept}"


def trial_line(line: TrialLine, guild_id: int, channel_id: int, translate: Translate) -> str:
    """Return a line with the time of a message, a link to it, its emotion, and the reaction or why there is none."""
    when = discord.utils.format_dt(discord.utils.snowflake_time(line.message_id), "T")
    link = f"https://discord.com/channels/{guild_id}/{channel_id}/{line.message_id}"
    return f"{when} [→]({link}) {_describe(line.result, translate)}"


def _describe(result: MessageResult, translate: Translate) -> str:
    outcome, decision = result.outcome, result.decision
    if decision is None:
        return why_silent(outcome, translate)
    if outcome == Outcome.REACTED:
        what = translate("I reacted with {emoji}.").format(emoji=decision.emoji)
    else:
        what = why_silent(outcome, translate, decision.profile)
    if outcome in WITHOUT_EMOTION:
        return what
    certainty, required = certainty_and_required(decision, translate)
    return translate("**{emotion}**, {certainty} certain, {required} needed: {what}").format(
        emotion=escape(shorten(label_name(decision.emotion, translate), _LONGEST_NAME)),
        certainty=certainty,
        required=required,
        what=what,
    )


def _newest(lines: Sequence[str], room: int) -> Sequence[str]:
    """Return as many of the last lines as fit into this many characters."""
    start = len(lines)
    while start and (room := room - utf16_length(lines[start - 1]) - 1) >= 0:
        start -= 1
    return lines[start:]
