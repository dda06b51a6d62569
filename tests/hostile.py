"""Texts made to hurt, of pieces that have stopped a tokenizer or broken out of a quotation somewhere."""

from __future__ import annotations

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
    """Any text of at most so many characters: random ones, pieces side by side, and a few of them over and over."""
    pieces = st.lists(st.sampled_from(PIECES) | st.text(st.characters(), max_size=3), min_size=1, max_size=60)
    bombs = st.builds(
        lambda before, repeated, after: before + repeated * (most // len(repeated)) + after,
        st.sampled_from(("", *PIECES)),
        st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join),
        st.sampled_from(("", *PIECES)),
    )
    return st.one_of(st.text(st.characters()), pieces.map("".join), bombs).map(lambda text: text[:most])
