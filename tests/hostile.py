"""Provide Hypothesis strategies for hostile texts and files.

The texts consist of pieces that once broke a tokenizer or escaped from a quotation. The files are valid ones with some
bytes changed.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import strategies as st

WORDS = ("so ", "happy ", "don't ", "my dad ", "lost a ", "s u i ", "a_b ", "great-", "kms ", "soooo", "hahaha", "aabb")
DISCORD = (
    *("<@", "<@1>", "@everyone ", "@here", "<#1>", "<:a:1>", "<a:b:1>", "<t:1:R>", "</a b:1>", "<id:browse>"),
    *("<mailto:", "<+1", "a@b.c", "://", "https://a.b/c_d", "[a](", "](http://", "[a](ab://c ", "discord.gg/a"),
)
MARKDOWN = (
    *("`", "``", "```", "```py\n", "*", "**", "_", "__", " _a __b", "_a__", "~~", "||", "\\", "\\_", "\\\\", "[", "]("),
    *("# ", "-# ", "- ", "1. ", "> ", ">>> ", "\n> ", "\n>>> ", "\n# ", "\n", "\r", "\r\n", "\t", "\f", "\v"),
)
FACES = (
    *(
        ":",
        ":)",
        ":d",
        "<3",
        "=",
        "^_",
        "t_t ",
        "x_x",
        "_-",
        "-_-",
        "(",
        "(・",
        "('▽",
        "(ಠ-",
        "ಠ益",
        "o7",
        "\\o/",
        "xd",
    ),
    *(r"¯\_(ツ)_/¯", "(╯", "ʕ•ᴥ•ʔ", "'", "'_", "('", "*'", "ㅠ_"),
)
UNICODE = (
    *("😂", "👨\u200d", "👍🏽", "🇩🇪", "🇩", "🏴\U000e0067", "1️⃣", "\u200b", "\u200d", "\u2060", "\u00ad", "\ufe0f"),
    *("\u0301", "\u0336", "\u0344", "\u0f71\u0f72", "e\u0301", "\u202e", "\u2066", "عربي", "עברית", "字", "ก็็็"),
    *(
        "ﷺ",
        "ﷻ",
        "ﷲ",
        "①⑴㍿",
        "½",
        "ﬃ",
        "ΐ",
        "İ",
        "ẞ",
        "\N{LATIN SMALL LETTER LONG S}",
        "\ud800",
        "\udc00",
        "\u2028",
        "\u2029",
        "\x85",
        "\x00",
        "\x1b",
    ),
)
PIECES = (*WORDS, *DISCORD, *MARKDOWN, *FACES, *UNICODE, "a", "ab", "!?", ".", "1", "1,", "1.")


def texts(most: int = 200) -> st.SearchStrategy[str]:
    """Return a strategy for texts up to a length: random ones, joined pieces, and repetitions of a few."""
    pieces = st.lists(st.sampled_from(PIECES) | st.text(st.characters(), max_size=3), min_size=1, max_size=60)
    bombs = st.builds(
        lambda before, repeated, after: before + repeated * (most // len(repeated)) + after,
        st.sampled_from(("", *PIECES)),
        st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join),
        st.sampled_from(("", *PIECES)),
    )
    return st.one_of(st.text(st.characters()), pieces.map("".join), bombs).map(lambda text: text[:most])


CONTENTS = (
    *(
        b"",
        b"\0",
        b"\0" * 1000,
        b"\xff",
        b"\r",
        b"\n" * 100,
        b'"',
        b"\\",
        b"[" * 5000,
        b'{"a":' * 5000,
        b"9" * 5000,
        b"1e999",
    ),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\xed\xa0\x80", b"\\ud800", b"NaN", b"-Infinity"),
    *(
        b"../../secret",
        b"PK\x03\x04",
        b"\x80\x04\x95",
        b"\xff" * 8,
        b"\x7f" * 8,
        b"x" * 200_000,
        b"sep=,\n",
        b"\t" * 1000,
    ),
)
"""Bytes that have stopped the reader of some file."""


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Return a strategy for a file that was cut, or has other bytes in some places."""
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        end = draw(st.sampled_from((place, place + 1, place + 8, len(content))))
        content = content[:place] + draw(st.sampled_from(CONTENTS) | st.binary(max_size=8)) + content[end:]
    return content


@contextmanager
def assert_little_memory() -> Iterator[None]:
    """Fail if Python and NumPy together allocate more than 50 MB in the block."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50_000_000
