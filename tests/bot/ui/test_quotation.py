from __future__ import annotations

import re
from typing import Any

import discord
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.ui.quotation import Quotation, escape, marked, quote, unescape
from classifiers.explain import WordShare
from classifiers.text import tokenize
from tests import hostile

bombs = st.builds(
    lambda text, times: (text * times)[:4000],
    st.text(alphabet=st.sampled_from("*_`~|\\>#-.[]()<:/@ eveyronh1\n\r\u2028😂字بé\u0301\u202e\u200b…"), min_size=1),
    st.integers(1, 4000),
)
anything = st.one_of(bombs, st.text(max_size=4000))


def utf16(text: str) -> int:
    """The characters of a text as JavaScript counts them, of which Discord never counts more."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def as_discord_reads(shown: str) -> str:
    """A text after what Discord's Markdown does before anything else: one kind of line end, no form feeds, no tabs."""
    return re.sub(r"\r\n?", "\n", shown).replace("\f", "").replace("\t", "    ")


def assert_harmless(shown: str) -> None:
    """Nothing in a text is Markdown, a mention or a link once all that is behind a backslash is taken as written."""
    left = re.sub(r"\\[^0-9A-Za-z\s]", "", as_discord_reads(shown))
    assert not re.search(r"[\\*_~|`#<>\[\]+-]|\d\.|://|@(?!\u200b)", left)


def read_back(quotation: Quotation) -> Quotation | None:
    """What the panel's own message tells of it, as it comes from Discord."""
    container: Any = discord.ui.Container(discord.ui.TextDisplay("another"), quotation.display())
    message: Any = type("Message", (), {"components": [discord.Container(container.to_component_dict(), None)]})()
    return Quotation.in_message(message)


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

    @given(hostile.texts() | anything)
    def test_no_markup_is_left(self, text: str) -> None:
        assert_harmless(escape(text))
        assert_harmless(quote(text))
        assert "\n" not in as_discord_reads(quote(text))

    @given(anything)
    @example("\\*\\@\u200b")
    def test_it_can_be_taken_back(self, text: str) -> None:
        assert unescape(escape(text)) == text


class TestQuotation:
    @pytest.mark.parametrize("text", ["hi", "> a\n\n  b", "sad…", "@everyone **hi**\n# x", "> x"])
    def test_a_short_text_stands_there_as_written(self, text: str) -> None:
        assert Quotation.of(f" {text}\n") == Quotation(text, True)

    def test_what_stands_in_lines_is_quoted_in_lines(self) -> None:
        assert Quotation("a\n\n# b", True).display().content == "> a\n> \n> \\# b"

    def test_a_tall_text_loses_its_line_breaks(self) -> None:
        assert Quotation.of("so\n" + "\n" * 3000 + "happy") == Quotation("so happy", True)

    def test_a_long_text_is_cut_after_a_word(self) -> None:
        quotation = Quotation.of("happy " * 600)
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
    def test_a_thousand_characters_are_shown_with_all_that_marks_them_as_quoted(self, text: str, quoted: str) -> None:
        assert Quotation.of(text) == Quotation(quoted, text == quoted)
        assert utf16(Quotation.of(text).display().content) in (999, 1000)

    @pytest.mark.parametrize(
        ("text", "quoted"),
        [
            ("so " * 330 + "x" * 7, "so " * 330 + "x" * 7),  # of which the last word just fits
            ("so " * 330 + "x" * 8, ("so " * 330).rstrip()),
            ("y" + "so " * 319 + "x" * 41, "y" + ("so " * 319).rstrip()),
            ("so " * 319 + "x" * 42, "so " * 319 + "x" * 40),
        ],
    )
    def test_it_is_cut_before_a_word_unless_that_costs_more_than_forty_characters(self, text: str, quoted: str) -> None:
        assert Quotation.of(f"{text} and so on") == Quotation(quoted, False)

    def test_fifteen_lines_are_shown_as_lines_and_more_are_not(self) -> None:
        assert Quotation.of("a\n" * 14 + "a") == Quotation("a\n" * 14 + "a", True)
        assert Quotation.of("a\n" * 15 + "a") == Quotation("a " * 15 + "a", True)

    def test_a_long_one_begins_with_its_words_and_not_with_its_code(self) -> None:
        assert Quotation.of(f"```{'x' * 3000}``` so https://example.com/{'y' * 500} happy") == Quotation(
            "so happy", True
        )

    def test_the_models_read_the_same_of_a_long_text(self) -> None:
        text = "I'm **so** happy, don't you see?! 😂 " * 100
        assert tokenize(Quotation.of(text).text)[:64] == tokenize(text)[:64]

    @given(anything)
    @example("> " * 2000)
    @example("@everyone\n" * 400)
    @example("👨‍👩‍👧‍👦" * 570)
    @example("a" + "\u0301" * 3999)
    @example("\n" * 4000)
    @example("x…")
    @example("\ud800" * 3000)
    def test_any_text_fits_and_is_read_back(self, text: str) -> None:
        quotation = Quotation.of(text)
        shown = quotation.display().content
        assert utf16(shown) <= 1000
        assert all(line.startswith("> ") for line in shown.split("\n"))
        assert "@everyone" not in shown
        assert read_back(quotation) == quotation

    @pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
    def test_no_kind_of_line_end_leads_out_of_it(self, end: str) -> None:
        assert Quotation.of(f"so{end}happy").display().content == "> so\n> happy"

    @given(hostile.texts(1500) | anything)
    @example("http:\f//a.b")
    def test_nothing_breaks_out_of_it(self, text: str) -> None:
        quotation = Quotation.of(text)
        lines = as_discord_reads(quotation.display().content).split("\n")
        assert all(line.startswith("> ") for line in lines)
        assert_harmless("\n".join(line.removeprefix("> ") for line in lines))
        line = as_discord_reads(marked(quotation.text, words(quotation.text), 300))
        assert line.startswith("> ")
        assert_harmless(line.removeprefix("> "))

    def test_spaces_that_discord_may_take_off_the_end_of_a_line_are_not_missed(self) -> None:
        display: Any = discord.ui.TextDisplay("> a\n>\n> b", id=Quotation("", True).display().id)
        container: Any = discord.ui.Container(display)
        message: Any = type("Message", (), {"components": [discord.Container(container.to_component_dict(), None)]})()
        assert Quotation.in_message(message) == Quotation("a\n\nb", True)


def words(text: str, **shares: float) -> list[WordShare]:
    """The text's words, cut at spaces, with the shares of some."""
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
    def test_bold_speaks_for_and_struck_against(self, text: str, shares: dict[str, float], shown: str) -> None:
        assert marked(text, words(text, **shares), 500) == shown

    def test_marks_without_a_space_between_them_stay_apart(self) -> None:
        shares = [WordShare("嬉", 0, 1, 0.5), WordShare("しい", 1, 3, 0.2), WordShare("!!", 3, 5, -0.1)]
        assert marked("嬉しい!!", shares, 500) == "> **嬉しい**~~!!~~"

    def test_markup_around_the_words_is_shown(self) -> None:
        [happy] = words("happy", happy=0.5)
        shown = WordShare(happy.text, 2, 7, happy.share)
        assert marked("||happy|| <@1>", [shown], 500) == "> \\|\\|**happy**\\|\\| \\<@\u200b1\\>"

    def test_it_ends_after_the_last_word_that_was_read_or_fits(self) -> None:
        text = "I am happy today"
        assert marked(text, words(text, happy=0.5)[:3], 500) == "> I am **happy** …"
        assert marked(text, words(text, happy=0.5), 15) == "> I am …"
        assert marked(text, words(text, happy=0.5), 18) == "> I am **happy** …"
        assert marked("||" * 50 + "happy", words("||" * 50 + "happy"), 50) == "> …"

    @given(anything, st.lists(st.floats(-1, 1), min_size=1, max_size=20))
    def test_any_text_fits(self, text: str, shares: list[float]) -> None:
        text = Quotation.of(text).text
        read = [
            WordShare(word.text, word.start, word.end, shares[place % len(shares)])
            for place, word in enumerate(words(text))
        ]
        shown = marked(text, read, 300)
        assert utf16(shown) <= 300
        assert "\n" not in shown
        assert "@everyone" not in shown
