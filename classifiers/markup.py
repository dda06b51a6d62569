"""Separate the author's words in a Discord message from the markup around them."""

from __future__ import annotations

import re

import regex

from classifiers.emoticons import FACE

BLANK = "\N{NO-BREAK SPACE}"

_FLAGS = regex.VERBOSE | regex.DOTALL | regex.IGNORECASE

# A repetition without a bound cannot backtrack, or can begin only at few places, so that no message takes long.
_REFERENCES = regex.compile(
    r"""
      ```.*?```                              # code block
    | (?<!\\)(?:``[^\n]{1,2000}?``|`[^`\n]{1,2000}`)  # inline code
    | (?m:^\ *>>>\ ).*                       # block quote: the rest was written by someone else
    | (?m:^\ *>\ [^\n]*)                     # quoted line
    | <a?:\w{1,64}:\d+>                      # custom emoji
    | <(?:@[!&]?|\#)\d+> | @(?:everyone|here)\b
    | <t:-?\d+(?::[a-z])?>                   # time
    | </[^<>:\n]{1,100}:\d+>                 # slash command
    | <id:[\w-]{1,20}(?::\d+)?>              # place in the server's guide
    | <sound:\d+:\d+>
    | <(?:(?:mailto|tel|sms):|\+\d)[^<>\n]{1,200}> | <[^\s<>@]{1,64}@[^\s<>@]{1,200}>  # addresses
    | \[(?P<kept>[^\[\]\n]{1,500})\]\(<?[a-z]{2,10}://[^\s)]{1,2000}(?:\s[^)\n]{1,200})?\)  # link with a text
    | <?\b[a-z][a-z0-9+.-]{1,15}://[^\s<>]++>?
    """,
    _FLAGS,
)
_MARKS = regex.compile(
    rf"""
      (?P<kept>{FACE} | [:;=]-?\*(?![\w*]))
    | \|\| | \*{{1,3}} | ~~                  # spoiler, emphasis
    | (?m:^[ \t]{{0,8}}(?:-\#|\#{{1,3}}|[-•])[ \t])  # small print, heading, list
    """,
    _FLAGS,
)
_UNDERLINE = regex.compile(rf"(?P<kept>{FACE}) | __(?P<kept>.+?)__(?!_)", _FLAGS)
_ITALIC = regex.compile(rf"(?P<kept>{FACE}) | (?<!\w)_(?P<kept>(?:{FACE}|__|[^_])++)_(?!\w)", _FLAGS)
_ESCAPED = regex.compile(rf"(?P<kept>{FACE}) | \\(?:[*_~|`\\]|(?=[<>()\[:\#@-]))", _FLAGS)

_TRACE = re.compile(r"[`>@\[\\*|~_#•-]|://")
"""Something that every message with markup contains; most messages have none, so one quick test is enough."""

_PASSES = (
    (re.compile(r"[`<>@\[]|://"), _REFERENCES),
    (re.compile(r"\\"), _ESCAPED),
    (re.compile(r"[*|~]|^[ \t]*[-#•]", re.MULTILINE), _MARKS),
    (re.compile("__"), _UNDERLINE),
    (re.compile("_.*_", re.DOTALL), _ITALIC),
)
"""The patterns to remove, in this order, each with a quick test for whether the text can contain it."""

_VISIBLE = regex.compile(r"\p{Extended_Pictographic}|[^\p{Z}\p{C}\p{DI}]")


def strip_markup(message: str) -> str:
    """Return a Discord message without mentions, custom emoji, links, code, quotes and Markdown characters.

    Words in emphasis, spoilers and headings and the texts of links are kept. The result is empty if there is only
    markup and invisible characters.
    """
    left = blank_markup(message)
    return " ".join(left.split()) if _VISIBLE.search(left) else ""


def has_words(message: str) -> bool:
    """Return whether `strip_markup` leaves anything of a message."""
    return _VISIBLE.search(blank_markup(message)) is not None


def blank_markup(message: str) -> str:
    """Return a message of the same length, with `BLANK` in place of each character of markup."""
    if not _TRACE.search(message):
        return message
    for trace, part in _PASSES:
        if trace.search(message):
            message = part.sub(_blank, message)
    return message


def _blank(found: regex.Match[str]) -> str:
    kept = found["kept"] or ""
    before = found.start("kept") - found.start() if kept else 0
    return (BLANK * before + kept).ljust(len(found[0]), BLANK)
