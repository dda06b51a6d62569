import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from classifiers import text as text_module
from classifiers.markup import strip_markup
from classifiers.nn.batching import UNKNOWN
from classifiers.text import Tokenizer, normalize, tokenize
from tests import hostile


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I'm NOT happy", "i 'm not happy"),
        ("don't dont DON’T", "do n't do n't do n't"),
        ("can't won't cannot im ive", "ca n't wo n't ca n't i 'm i 've"),
        ("you're he's we'll they'd", "you 're he 's we 'll they 'd"),
        ("rock'n'roll 'quoted'", "rock'n'roll ' quoted '"),
        ("sooooo goooood", "soo good"),
        ("hahahahaha", "haha"),
        ("wow!!! what??? no?!?! well...", "wow !! what ?? no ?! well .."),
        ("no no no no", "no no"),
        ("😂😂😂😂", "😂 😂"),
        ("👍🏽 ❤️ 👨‍👩‍👧 🇩🇪", "👍 ❤ 👨‍👩‍👧 🇩🇪"),
        (":) :-( :'( <3 ;P xD :D D: (:", ":) :-( :'( <3 ;p xd :d d: (:"),
        ("[NAME] thanks [RELIGION]", "[name] thanks [religion]"),
        ("at 10:30, 1,000.50 or 3", "at 10:30 , 1,000.50 or 3"),
        ("ｆｕｌｌ width", "full width"),
        ("\N{MATHEMATICAL SCRIPT SMALL S}\N{MATHEMATICAL BOLD SMALL O} ⓢⓐⓓ", "so sad"),
        ("STRASSE Straße", "strasse strasse"),
        ("日本語です。", "日本語です 。"),
        ("हिन्दी ภาษาไทย", "हिन्दी ภาษาไทย"),
        ("caf\u00e9 cafe\u0301 x\u030cyz", "café café xyz"),
        ("🩷 🫨 🧑🏽\u200d🦽\u200d➡️", "🩷 🫨 🧑\u200d🦽\u200d➡"),
        ("1️⃣ 🏴\u200d☠️ ❤️\u200d🔥", "1 \u20e3 🏴\u200d☠ ❤\u200d🔥"),
    ],
)
def test_text_is_split_into_tokens(text: str, tokens: str) -> None:
    assert tokenize(text) == tokens.split(" ")


@pytest.mark.parametrize(
    "unseen",
    [
        *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u061c", "\u180e"),
        *("\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069", "\ufe00", "\ufe0e", "\ufe0f"),
        *("\u3164", "\uffa0", "\u115f", "\u17b4", "\U000e0020", "\U000e0067", "\U000e0100", "\x07", "\x9f"),
        *("\u0336", "\u0489", "\u20dd", "\u0321\u0335\u035f"),
    ],
)
def test_invisible_and_decorative_characters_do_not_split_words(unseen: str) -> None:
    assert tokenize(f"I am ha{unseen}ppy{unseen}") == ["i", "am", "happy"]
    assert tokenize(f"{unseen}don{unseen}'t") == ["do", "n't"] or regex.match(r"\p{M}", unseen)


def test_flag_with_tag_characters_is_read_as_its_base_flag() -> None:
    assert tokenize("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f go") == ["🏴", "go"]


def test_a_joiner_stays_only_between_emoji() -> None:
    assert tokenize("👩🏽\u200d💻 👩\u200d x\u200d👩") == ["👩\u200d💻", "👩", "x", "👩"]


@pytest.mark.parametrize(
    "emoji", ["🩷", "🫨", "🪿", "🫩", "\U0001faef", "\U0001f6d8", "🧑\u200d🧑\u200d🧒", "🙂\u200d↔️"]
)
def test_emoji_newer_than_the_unicode_tables_of_python_are_read(emoji: str) -> None:
    """Python 3.11 has the tables of 2021; code points that Unicode reserves for emoji are read as emoji."""
    assert strip_markup(emoji) == emoji
    assert tokenize(f"so {emoji} {emoji}") == ["so", *tokenize(emoji), *tokenize(emoji)]
    assert len(tokenize(emoji)) == 1


@given(hostile.texts())
def test_normalizing_is_idempotent_and_at_most_six_times_as_long(text: str) -> None:
    normal = normalize(text)
    assert normalize(normal) == normal
    assert len(normal) <= 6 * len(text)


@given(hostile.texts())
def test_any_unicode_text_is_tokenized(text: str) -> None:
    """Including lone surrogates; no token is empty or impossible to write to a vocabulary."""
    tokens = tokenize(text)
    assert all(token.encode() for token in tokens)
    assert tokenize(text) == tokens
    assert all(len(set(three)) > 1 for three in zip(tokens, tokens[1:], tokens[2:], strict=False))
    tokenizer = Tokenizer(["a"], max_tokens=8)
    numbers, known = tokenizer.read(text)
    assert 1 <= len(numbers) <= tokenizer.longest
    assert set(numbers) <= {UNKNOWN, 2}
    assert 0 <= known <= 1
    assert 0 <= tokenizer.words_read(text, 8) <= tokenizer.words_read(text) <= len(strip_markup(text).split())


def test_no_character_is_expanded_to_more_than_six() -> None:
    """Unicode expands a few to whole phrases, with which a short text would take as long as a long one."""
    spelled_out = (chr(code) for code in range(0x20000) if len(unicodedata.normalize("NFKC", chr(code))) > 2)
    longest = max(spelled_out, key=lambda character: len(normalize(character)))
    assert len(normalize(longest)) == 6


@given(st.text("\u0301\u0336\u0344\u0f71\u0f72\u0f73\u05b0", min_size=50), st.sampled_from(["", "a", "字", "ก"]))
def test_combining_marks_are_limited_to_thirty(marks: str, before: str) -> None:
    """Sorting them takes time that grows with the square of their number."""
    normal = normalize(before + marks + "b")
    assert len(normal) <= 32
    assert normalize(normal) == normal


def test_three_combining_marks_on_a_letter_are_kept() -> None:
    assert normalize("ก็่้") == "ก็่้"


@pytest.mark.parametrize("text", ["a b " * 1000, "_-" * 2000, "ﷺ " * 2000, "lol " * 1000])
def test_counting_words_normalises_each_character_once(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    normalised: list[str] = []

    def recorded(part: str) -> str:
        normalised.append(part)
        return normalize(part)

    monkeypatch.setattr(text_module, "normalize", recorded)
    Tokenizer(["a"], max_tokens=8).words_read(text)
    assert 0 < len("".join(normalised)) <= len(text)


def test_overlong_word_is_unknown_without_searching_for_shorter_spellings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying a shorter spelling for each of thousands of doubled letters would take quadratic time."""
    searched: list[str] = []

    def squeezed(token: str) -> list[str]:
        searched.append(token)
        return []

    monkeypatch.setattr(text_module, "_squeezed", squeezed)
    assert Tokenizer(["happy"], max_tokens=4).encode("aabbccddee" * 400 + " haappy") == [UNKNOWN, UNKNOWN]
    assert searched == ["haappy"]


def test_vocabulary_is_ranked_by_frequency_and_cut() -> None:
    texts = ["b b a a c", "c b rare"]
    assert Tokenizer.fit(texts, 10, 2, 8).words == ("b", "a", "c")
    assert Tokenizer.fit(texts, 2, 1, 8).words == ("b", "a")


def test_unknown_tokens_share_one_number() -> None:
    tokenizer = Tokenizer(["so", "happy", "yay"], max_tokens=4)
    assert tokenizer.encode("so happy") == [2, 3]
    assert tokenizer.encode("") == [UNKNOWN]
    assert tokenizer.encode("zzz so") == [UNKNOWN, 2]
    assert Tokenizer([], max_tokens=4).encode("zzz so") == [UNKNOWN, UNKNOWN]
    assert tokenizer.encode("so happy yay so happy") == [2, 3, 4, 2]
    assert len(tokenizer) == 5


def test_share_of_known_words_counts_common_words_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "COMMON_WORDS", 2)
    tokenizer = Tokenizer(["so", "happy", "danke"], max_tokens=8)
    assert tokenizer.read("so happy! danke 3 zzz") == ([2, 3, UNKNOWN, 4, UNKNOWN, UNKNOWN], 0.5)
    assert tokenizer.read("3 :)") == ([UNKNOWN, UNKNOWN], 1.0)


def test_elongated_words_are_found_under_their_plain_spelling() -> None:
    tokenizer = Tokenizer(["so", "happy", "yay"], max_tokens=8)
    assert tokenizer.encode("soooo haaaappy yaaaayyyy") == [2, 3, 4]
    assert Tokenizer(["yay"], max_tokens=8).encode("yyaayy") == [2]  # even if no letter is single


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("a b", 2),
        ("a b c", 3),
        ("a b c d", 3),
        ("a, b c", 2),
        ("a b isn't", 3),
        ("<@123456789012345678> a b c d", 3),
        ("a a a a a b c", 6),
        ("😂😭😂😭😂", 1),
    ],
)
def test_words_read_are_limited_by_the_number_of_tokens(text: str, words: int) -> None:
    assert Tokenizer(["a", "b"], max_tokens=3).words_read(text, 3) == words


def test_text_is_read_up_to_eight_windows() -> None:
    tokenizer = Tokenizer(["a", "b"], max_tokens=3)
    text = "a b " * 20
    assert len(tokenizer.read(text)[0]) == tokenizer.words_read(text) == tokenizer.longest == 24
    assert tokenizer.encode(text) == [2, 3, 2]


def test_share_of_known_words_covers_the_whole_of_a_long_text() -> None:
    assert Tokenizer(["a", "b"], max_tokens=3).read("a b a c d")[1] == 0.6
