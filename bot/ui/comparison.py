"""How two answers to one text are shown."""

from __future__ import annotations

from collections.abc import Mapping

import discord

from bot.i18n import Translate, mark
from classifiers import EMOJI, NAMES, Answer, agree

QUOTED = 500
"""Characters of the text that are quoted; escaping may double them, and a description holds 4,096."""

_TOP = 3
_CELLS = 10
_EIGHTHS = " ▏▎▍▌▋▊▉"
_NO_EMOJI = "😐"


def comparison_embed(text: str, answers: Mapping[str, Answer], _: Translate = mark) -> discord.Embed:
    """The text, a verdict in a sentence, and for each model its strongest emotions with their probabilities.

    Args:
        text: what was read, of any length and with any Markdown in it.
        answers: what each model made of it, by name; one model or several.
        _: into the reader's language.
    """
    embed = discord.Embed(
        description=f"> {quote(text)}\n\n{verdict(answers, _)}",
        colour=discord.Colour.green() if agree(answers) else discord.Colour.orange(),
    )
    for name, answer in answers.items():
        embed.add_field(
            name=f"{NAMES[name]} · {answer.milliseconds:.1f} ms",
            value="\n".join(
                f"{_emoji(label)} {_(label)}\n`{bar(probability)}` {probability:.0%}"
                for label, probability in answer.prediction.top(_TOP)
            ),
        )
    return embed.set_footer(text=_("Nothing you write is kept."))


def quote(text: str) -> str:
    """A text as one harmless line: cut to fit, without Markdown and without mentions."""
    line = " ".join(text.split())
    if len(line) > QUOTED:
        line = line[: QUOTED - 1] + "…"
    return discord.utils.escape_mentions(discord.utils.escape_markdown(line))


def verdict(answers: Mapping[str, Answer], _: Translate = mark) -> str:
    """Whether the models agree on the strongest emotion, in one sentence; `_` translates it."""
    strongest = {NAMES[name]: answer.prediction.top(1)[0][0] for name, answer in answers.items()}
    readings = {name: f"**{_(label)}** {_emoji(label)}" for name, label in strongest.items()}
    [(first, reading), *others] = readings.items()
    if not others:
        return _("Only the {model} is loaded; it reads {emotion}.").format(model=first, emotion=reading)
    if agree(answers):
        return _("The models agree: both read {emotion}.").format(emotion=reading)
    each = (_("the {model} reads {emotion}").format(model=name, emotion=read) for name, read in readings.items())
    return _("The models disagree: {readings}.").format(readings=", ".join(each))


def bar(probability: float) -> str:
    """A bar of block characters, exact to an eighth of a cell."""
    eighths = round(probability * _CELLS * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(_CELLS)


def _emoji(label: str) -> str:
    return EMOJI.get(label, _NO_EMOJI)
