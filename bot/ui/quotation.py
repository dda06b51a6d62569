"""Quotations of other people's words, which are escaped, cut to fit, and can be read back from the message."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import discord

from bot.ui.discord_limits import MESSAGE_TEXT
from classifiers import strip_markup
from classifiers.explain import WordShare

MAX_QUOTED = MESSAGE_TEXT // 4
"""The most characters of a quotation in a panel; the rest is for the panel's other texts."""

MIN_SHARE = 0.05
"""How far a word must move a probability to be marked."""

_ONE_LINE = 500
_LINES = 15
_WORD = 40
_WHOLE, _CUT = 6001, 6002
"""The ids of the component that quotes a text; Discord numbers the others from 1."""

_SIGNIFICANT = re.compile(r"[\\*_~|`>#\-+\[\]<]|:(?=//)|(?<=\d)\.")
_ESCAPED = re.compile(r"\\(.)")
_LINE_END = re.compile(r"\r\n?")
_ZERO_WIDTH_SPACE = "\u200b"


def escape(text: str) -> str:
    """Return a text escaped so that Discord shows it as it is written, without Markdown, mentions and links."""
    return _SIGNIFICANT.sub(r"\\\g<0>", text).replace("@", f"@{_ZERO_WIDTH_SPACE}")


def unescape(text: str) -> str:
    """Return the text that was given to `escape`."""
    return _ESCAPED.sub(r"\1", text.replace(f"@{_ZERO_WIDTH_SPACE}", "@"))


def shorten(text: str, most: int) -> str:
    """Return a text cut to a number of characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def quote(text: str) -> str:
    """Return a text as one escaped line, cut to fit."""
    return escape(shorten(" ".join(text.split()), _ONE_LINE))


@dataclass(frozen=True, slots=True)
class Quotation:
    """The part of a text that a panel quotes and the models read; it is kept nowhere but in the panel.

    Attributes:
        text: the text, or its beginning.
        whole: whether no words are left out.
    """

    text: str
    whole: bool

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return as much of a text as fits; for a long text only its words, since the models read nothing else."""
        # Discord accepts every kind of line end and drops form feeds, so what follows them would escape the quotation.
        text = _LINE_END.sub("\n", text).replace("\f", " ")
        for form in (text.strip(), strip_markup(text)):
            if form.count("\n") < _LINES and utf16_length(_quote_lines(form)) <= MAX_QUOTED:
                return cls(form, True)
        end = longest_fit(len(form), MAX_QUOTED - 1, lambda end: _quote_lines(form[:end]))
        space = form.rfind(" ", end - _WORD, end + 1)
        return cls(form[: end if space < 0 else space], False)

    @classmethod
    def from_message(cls, message: discord.Message) -> Self | None:
        """Return the quotation in the panel of a message, or None if there is none."""
        for container in message.components:
            for part in container.children if isinstance(container, discord.Container) else ():
                if isinstance(part, discord.TextDisplay) and part.id in (_WHOLE, _CUT):
                    whole = part.id == _WHOLE
                    shown = part.content if whole else part.content.removesuffix("…")
                    lines = (line.removeprefix(">").removeprefix(" ") for line in shown.split("\n"))
                    return cls(unescape("\n".join(lines)), whole)
        return None

    def display(self) -> discord.ui.TextDisplay[discord.ui.LayoutView]:
        """Return the component that shows the quotation."""
        shown = _quote_lines(self.text)
        return discord.ui.TextDisplay(shown if self.whole else f"{shown}…", id=_WHOLE if self.whole else _CUT)


def is_decisive(word: WordShare) -> bool:
    """Return whether a word moves the probability enough to be marked."""
    return abs(word.share) >= MIN_SHARE


def mark_words(text: str, words: Sequence[WordShare], room: int) -> str:
    """Return a text as one quoted line with clear words marked, cut after the last word that was read or that fits.

    Words that speak for the label are bold, and words that speak against it are struck through.

    Args:
        text: the text that was read.
        words: its words with their shares.
        room: the most characters of the line.
    """
    return _mark_words(text, words[: longest_fit(len(words), room, lambda count: _mark_words(text, words[:count]))])


def longest_fit(count: int, room: int, shown: Callable[[int], str]) -> int:
    """Return the largest number up to `count` for which `shown` is at most `room` characters long."""
    return max(0, bisect_right(range(count + 1), room, key=lambda part: utf16_length(shown(part))) - 1)


def utf16_length(text: str) -> int:
    """Return the number of UTF-16 code units of a text, which is at least Discord's own count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _quote_lines(text: str) -> str:
    return "\n".join(f"> {line}" for line in escape(text).split("\n"))


def _mark_words(text: str, words: Sequence[WordShare]) -> str:
    pieces: list[tuple[str, str]] = []
    end = 0
    for word in words:
        mark = ("**" if word.share > 0 else "~~") if is_decisive(word) else ""
        gap = text[end : word.start]
        if pieces and pieces[-1][0] == mark and not gap.strip():
            # Neighbours share a mark: Discord would read the end of one and the start of the next as a single mark.
            pieces[-1] = (mark, f"{pieces[-1][1]}{gap}{word.text}")
        else:
            pieces += [("", gap), (mark, word.text)]
        end = word.end
    rest = text[end:]
    line = "".join(f"{mark}{_separate(escape(piece), mark)}{mark}" for mark, piece in pieces)
    return "> " + " ".join(f"{line}{escape(rest) if words and not strip_markup(rest) else ' …'}".split())


def _separate(piece: str, mark: str) -> str:
    """Return a piece whose end cannot be mistaken for part of the mark that follows."""
    return piece + _ZERO_WIDTH_SPACE if mark and piece.endswith(mark[0]) else piece
