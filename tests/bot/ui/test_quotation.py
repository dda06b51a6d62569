from __future__ import annotations

import re
from typing import Any

import discord
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.ui.quotation import Quotation, escape, mark_words, quote, unescape
from classifiers.explain import WordShare
from classifiers.text import tokenize
from tests import hostile

repeated_texts = st.builds(
    lambda text, times: (text * times)[:4000],
    st.text(alphabet=st.sampled_from("*_`~|\\>#-.[]()<:/@ eveyronh1\n\r\u2028😂字بé\u0301\u202e\u200b…"), min_size=1),
    st.integers(1, 4000),
)
any_text = st.one_of(repeated_texts, st.text(max_size=4000))


def utf16(text: str) -> int:
    """Return the number of UTF-16 code units; Discord never counts more characters than that."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def as_discord_reads(shown: str) -> str:
    """Return a text as Discord normalises it before it parses Markdown: line endings, form feeds and tabs."""
    return re.sub(r"\r\n?", "\n", shown).replace("\f", "").replace("\t", "    ")


def assert_harmless(shown: str) -> None:
    """Assert that a text has no Markdown, mention or link, apart from escaped characters."""
    left = re.sub(r"\\[^0-9A-Za-z\s]", "x", as_discord_reads(shown))
    assert not re.search(r"[\\*_~|`#<>\[\]+-]|\d\.|://|@(?!\u200b)", left)


def read_back(quotation: Quotation) -> Quotation | None:
    """Return the quotation that is parsed from the message of a panel."""
    container: Any = discord.ui.Container(discord.ui.TextDisplay("another"), quotation.display())
    message: Any = type("Message", (), {"components": [discord.Container(container.to_component_dict(), None)]})()
    return Quotation.from_message(message)


class TestEscaping:
    @pytest.mark.parametrize(
        ("text", "quoted"),
        [
            ("**bold** _it_ `code` ~~no~~ ||psst||", r"\*\*bold\*\* \_it\_ \`code\` \~\~no\~\~ \|\|psst\|\|"),
            ("# big\n> quote\n- item", r"\# big \> quote \- item"),
            ("7. seven", r"7\. seven"),
            ("[click](https://example.com/a_b)", r"\[click\](https\://example.com/a\_b)"),
            ("@everyone <@123456789012345678>", "@\u200beveryone \\<@\u200b123456789012345678\\>"),
            ("<t:1:R> <:smile:123456789012345678>", r"\<t:1:R\> \<:smile:123456789012345678\>"),
            ("¯\\_(ツ)_/¯", r"¯\\\_(ツ)\_/¯"),
            ("two\n\n\nlines", "two lines"),
            ("x" * 501, "x" * 499 + "…"),
        ],
    )
    def test_quotes_are_harmless(self, text: str, quoted: str) -> None:
        assert quote(text) == quoted

    @given(hostile.texts() | any_text)
    def test_escaped_text_contains_no_markup(self, text: str) -> None:
        assert_harmless(escape(text))
        assert_harmless(quote(text))
        assert "\n" not in as_discord_reads(quote(text))

    @given(any_text)
    @example("\\*\\@\u200b")
    def test_escaping_is_reversible(self, text: str) -> None:
        assert unescape(escape(text)) == text


class TestQuotation:
    @pytest.mark.parametrize("text", ["hi", "> a\n\n  b", "sad…", "@everyone **hi**\n# x", "> x"])
    def test_short_text_is_quoted_unchanged(self, text: str) -> None:
        assert Quotation.from_text(f" {text}\n") == Quotation(text, True)

    def test_line_breaks_are_kept(self) -> None:
        assert Quotation("a\n\n# b", True).display().content == "> a\n> \n> \\# b"

    def test_text_of_many_lines_is_joined(self) -> None:
        assert Quotation.from_text("so\n" + "\n" * 3000 + "happy") == Quotation("so happy", True)

    def test_long_text_is_cut_after_a_word(self) -> None:
        quotation = Quotation.from_text("happy " * 600)
        assert not quotation.whole
        assert set(quotation.text.split()) == {"happy"}
        assert 990 < utf16(quotation.display().content) <= 1000
        assert quotation.display().content.endswith("happy…")

    @pytest.mark.parametrize(
        ("text", "quoted"),
        [
            ("x" * 998, "x" * 998),
            ("x" * 999, "x" * 997),
            ("字" * 4000, "字" * 997),
            ("😂" * 499, "😂" * 499),  # of two characters each, as Discord counts
            ("😂" * 500, "😂" * 498),
            ("+" * 499, "+" * 499),  # each behind a backslash
            ("+" * 500, "+" * 498),
        ],
    )
    def test_thousand_characters_fit_with_the_quotation_marks(self, text: str, quoted: str) -> None:
        assert Quotation.from_text(text) == Quotation(quoted, text == quoted)
        assert utf16(Quotation.from_text(text).display().content) in (999, 1000)

    @pytest.mark.parametrize(
        ("text", "quoted"),
        [
            ("so " * 330 + "x" * 7, "so " * 330 + "x" * 7),  # of which the last word just fits
            ("so " * 330 + "x" * 8, ("so " * 330).rstrip()),
            ("y" + "so " * 319 + "x" * 41, "y" + ("so " * 319).rstrip()),
            ("so " * 319 + "x" * 42, "so " * 319 + "x" * 40),
        ],
    )
    def test_text_is_cut_within_a_word_only_to_save_forty_characters(self, text: str, quoted: str) -> None:
        assert Quotation.from_text(f"{text} and so on") == Quotation(quoted, False)

    def test_up_to_fifteen_lines_are_kept(self) -> None:
        assert Quotation.from_text("a\n" * 14 + "a") == Quotation("a\n" * 14 + "a", True)
        assert Quotation.from_text("a\n" * 15 + "a") == Quotation("a " * 15 + "a", True)

    def test_long_text_starts_with_its_words_not_its_code(self) -> None:
        assert Quotation.from_text(f"```{'x' * 3000}``` so https://example.com/{'y' * 500} happy") == Quotation(
            "so happy", True
        )

    def test_models_read_the_same_from_the_quotation(self) -> None:
        text = "I'm **so** happy, don't you see?! 😂 " * 100
        assert tokenize(Quotation.from_text(text).text)[:64] == tokenize(text)[:64]

    @given(any_text)
    @example("> " * 2000)
    @example("@everyone\n" * 400)
    @example("👨‍👩‍👧‍👦" * 570)
    @example("a" + "\u0301" * 3999)
    @example("\n" * 4000)
    @example("x…")
    @example("\ud800" * 3000)
    def test_quotation_of_any_text_fits_and_is_readable(self, text: str) -> None:
        quotation = Quotation.from_text(text)
        shown = quotation.display().content
        assert utf16(shown) <= 1000
        assert all(line.startswith("> ") for line in shown.split("\n"))
        assert "@everyone" not in shown
        assert read_back(quotation) == quotation

    @pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
    def test_no_line_ending_ends_the_quotation(self, end: str) -> None:
        assert Quotation.from_text(f"so{end}happy").display().content == "> so\n> happy"

    @given(hostile.texts(1500) | any_text)
    @example("http:\f//a.b")
    def test_no_text_breaks_out_of_the_quotation(self, text: str) -> None:
        quotation = Quotation.from_text(text)
        lines = as_discord_reads(quotation.display().content).split("\n")
        assert all(line.startswith("> ") for line in lines)
        assert_harmless("\n".join(line.removeprefix("> ") for line in lines))
        line = as_discord_reads(mark_words(quotation.text, word_shares(quotation.text), 300))
        assert line.startswith("> ")
        assert_harmless(line.removeprefix("> "))

    def test_trailing_spaces_stripped_by_discord_make_no_difference(self) -> None:
        display: Any = discord.ui.TextDisplay("> a\n>\n> b", id=Quotation("", True).display().id)
        container: Any = discord.ui.Container(display)
        message: Any = type("Message", (), {"components": [discord.Container(container.to_component_dict(), None)]})()
        assert Quotation.from_message(message) == Quotation("a\n\nb", True)


def word_shares(text: str, **shares: float) -> list[WordShare]:
    """Return the words of a text, split at spaces, with the given shares."""
    found, end = [], 0
    for word in text.split():
        start = text.index(word, end)
        end = start + len(word)
        found.append(WordShare(word, start, end, shares.get(word.strip("*~,"), 0.0)))
    return found


class TestMarkedWords:
    @pytest.mark.parametrize(
        ("text", "shares", "shown"),
        [
            ("I am happy", {"happy": 0.5, "am": 0.04}, "> I am **happy**"),
            ("not happy", {"not": 0.5, "happy": -0.2}, "> **not** ~~happy~~"),
            ("so\n very  happy", {"so": 0.1, "very": 0.1, "happy": 0.8}, "> **so very happy**"),
            ("a *happy* day", {"happy": 0.8}, "> a **\\*happy\\*\u200b** day"),
            ("yay~ fun", {"yay": -0.8}, "> ~~yay\\~\u200b~~ fun"),
            ("@everyone is sad", {"@everyone": 0.3}, "> **@\u200beveryone** is sad"),
        ],
    )
    def test_supporting_words_are_bold_and_opposing_ones_struck(
        self, text: str, shares: dict[str, float], shown: str
    ) -> None:
        assert mark_words(text, word_shares(text, **shares), 500) == shown

    def test_marks_without_a_space_between_them_stay_apart(self) -> None:
        shares = [WordShare("嬉", 0, 1, 0.5), WordShare("しい", 1, 3, 0.2), WordShare("!!", 3, 5, -0.1)]
        assert mark_words("嬉しい!!", shares, 500) == "> **嬉しい**~~!!~~"

    def test_markup_around_the_words_is_shown(self) -> None:
        [happy] = word_shares("happy", happy=0.5)
        shown = WordShare(happy.text, 2, 7, happy.share)
        assert mark_words("||happy|| <@1>", [shown], 500) == "> \\|\\|**happy**\\|\\| \\<@\u200b1\\>"

    def test_marked_text_ends_after_the_last_word_read_or_fitting(self) -> None:
        text = "I am happy today"
        assert mark_words(text, word_shares(text, happy=0.5)[:3], 500) == "> I am **happy** …"
        assert mark_words(text, word_shares(text, happy=0.5), 15) == "> I am …"
        assert mark_words(text, word_shares(text, happy=0.5), 18) == "> I am **happy** …"
        assert mark_words("||" * 50 + "happy", word_shares("||" * 50 + "happy"), 50) == "> …"

    @given(any_text, st.lists(st.floats(-1, 1), min_size=1, max_size=20))
    def test_any_text_fits(self, text: str, shares: list[float]) -> None:
        text = Quotation.from_text(text).text
        read = [
            WordShare(word.text, word.start, word.end, shares[place % len(shares)])
            for place, word in enumerate(word_shares(text))
        ]
        shown = mark_words(text, read, 300)
        assert utf16(shown) <= 300
        assert "\n" not in shown
        assert "@everyone" not in shown
