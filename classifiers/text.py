"""Turn messages into token numbers, in the same way for training and for serving.

There are three steps: `strip_markup` removes Discord's markup, `tokenize` normalises the text and splits it into
tokens, and `Tokenizer.encode` looks up their numbers. Each accepts any Unicode string.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice

import regex

from classifiers.emoticons import EMOTICON, SAME, token_of
from classifiers.markup import strip_markup
from classifiers.nn.batching import UNKNOWN

COMMON_WORDS = 11_500
"""The number of frequent words that identify the vocabulary's language; rarer ones are often from other languages."""

MAX_LENGTH_IN_WINDOWS = 8
"""The number of windows' lengths that are read of a text; the rest of a longer text is ignored.

With windows of 64 tokens that makes 512 tokens, which are read in up to 15 windows, since these overlap. Hardly any
message of 2,000 characters has more, and few of those with 4,000, the most that Discord allows, do.
"""

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛´`ʼ", "'"),
        **dict.fromkeys("“”„‟«»", '"'),
        **dict.fromkeys("‐‑‒–—―", "-"),
        "…": "...",
        "¯": "",
        "ﷺ": "ص",  # for which NFKC would write 18 letters, so that a short text would take long
        "ﷻ": "ج",  # 8 letters; no other character stands for more than 6
        "\N{VARIATION SELECTOR-16}": "",
        "\N{VARIATION SELECTOR-15}": "",
        **dict.fromkeys(map(chr, range(0x1F3FB, 0x1F400)), ""),  # skin tones
        **{control: "" for control in map(chr, range(0xA0)) if not (control.isprintable() or control.isspace())},
    }
)

TOKEN = regex.compile(
    rf"""
      \[(?:name|religion)\]                                  # GoEmotions' placeholders
    | (?![\p{{L}}\p{{M}}]{{2}})  # no word begins here
      (?: (?P<emoticon> {EMOTICON} )
      | (?<!\w)(?:d|[)\](\[/\\])[-o*']?[:;=](?!\w)           # mirrored emoticons, as (: and d:
      )
    | <--
    | \p{{Extended_Pictographic}}(?:\u200d\p{{Extended_Pictographic}})* | \p{{RI}}{{2}}  # emoji
    | \p{{N}}+(?:[.,:]\p{{N}}+)*
    | [\p{{L}}\p{{M}}]+(?:['_][\p{{L}}\p{{M}}]+)*                  # words, with parts joined by ' or _ as in don't
    | \.{{2,}} | [!?]+ | -{{2,}}
    | \S
    """,
    regex.VERBOSE,
)
_INVISIBLE = regex.compile(
    r"(?<!\p{Extended_Pictographic})\u200d | \u200d(?!\p{Extended_Pictographic}) | (?!\u200d)[\p{Cf}\p{Cs}\p{DI}]",
    regex.VERBOSE,
)
_EXCESS_MARKS = regex.compile(r"(\p{M}{30})\p{M}+")
_MARKS_ON_LATIN = regex.compile(r"(?<=\p{Latin})\p{M}+")
_REPEATED_CHARACTER = regex.compile(r"(\p{L}|[.!?*~-])\1{2,}")
_REPEATED_SYLLABLE = regex.compile(r"(\p{L}{2,3})\1{2,}\p{L}?")
_DOUBLE_LETTER = regex.compile(r"(\p{L})\1")
_ENCLITIC = regex.compile(r"(?<=\w)(n't|'(?:s|m|re|ve|ll|d))$")
_MISSING_APOSTROPHE = {
    **{
        f"{stem}nt": f"{stem}n't"
        for stem in "do does did is are was were has have had would could should ca wo must ai need".split()
    },
    **{"im": "i'm", "ive": "i've", "youre": "you're", "theyre": "they're", "thats": "that's"},
    **{"whats": "what's", "hes": "he's", "shes": "she's", "theres": "there's", "cannot": "can't"},
}
_SPELLINGS = SAME | _MISSING_APOSTROPHE


def normalize(text: str) -> str:
    """Return a text in lower case with uniform characters: plain quotes and letters, no skin tones, nothing invisible.

    Format characters are removed (a zero-width space would split a word), except for the joiners inside emoji. So are
    marks on Latin letters for which no composed letter exists, as in "h̶a̶p̶p̶y̶", and all marks after the first 30 in a
    row, the limit of Unicode's Stream-Safe Text Format (Standard Annex 15), which no language reaches.
    """
    plain = text.translate(_PLAIN)
    if plain.isascii():
        return plain.casefold()
    # The time for ordering marks grows with the square of their number, and one can stand for several.
    few_marks = _EXCESS_MARKS.sub(r"\1", _INVISIBLE.sub("", plain))
    plain = _EXCESS_MARKS.sub(r"\1", unicodedata.normalize("NFKC", few_marks).casefold())
    return str(_MARKS_ON_LATIN.sub("", plain))


def tokenize(text: str) -> list[str]:
    """Return the lower-case tokens of a text.

    Contractions are split ("don't", "dont": "do", "n't") and elongations shortened ("sooooo": "soo", "hahahaha":
    "haha"). Emoji and runs of "!" and "?" stay whole. Emoticons stay whole too, or are replaced by one of the same
    feeling. No token occurs more than twice in a row.

    Examples:
        >>> tokenize("I DON'T caaare!!! 😂😂😂 :))")
        ['i', 'do', "n't", 'caare', '!!', '😂', '😂', ':)']
    """
    return list(_tokens(text))


def _tokens(text: str) -> Iterator[str]:
    return (token for token, _ in _places(_shortened(strip_markup(text))))


def _shortened(text: str) -> str:
    """Normalise a text and shorten its elongations; each word is treated independently of the others."""
    return str(_REPEATED_SYLLABLE.sub(r"\1\1", _REPEATED_CHARACTER.sub(r"\1\1", normalize(text))))


def _places(plain: str) -> Iterator[tuple[str, int]]:
    """Yield the tokens of a text from `_shortened`, each with the index where its match ends."""
    before = last = ""
    for found in TOKEN.finditer(plain):
        for token in _pieces(found[0], found.lastgroup):
            if token != last or last != before:
                yield token, found.end()
            before, last = last, token


def _pieces(found: str, kind: str | None) -> Sequence[str]:
    """Return the tokens for a match of `TOKEN`."""
    if kind:
        return (token_of(found),)
    if found[0] in "?!":
        return ("?!",) if "?" in found and "!" in found else (found,)
    word = _SPELLINGS.get(found, found)
    return [piece for piece in _ENCLITIC.split(word) if piece] if "'" in word else (word,)


class Tokenizer:
    """A vocabulary, and how many tokens of a text a model reads.

    Attributes:
        words: the known tokens, most frequent first; the number of words[i] is i + 2.
        max_tokens: how many tokens a network reads at once; a longer text is read in windows of that length.
        longest: the most tokens of a text that are read; the rest is ignored.
    """

    def __init__(self, words: Iterable[str], max_tokens: int) -> None:
        self.words = tuple(words)
        self.max_tokens = max_tokens
        self.longest = MAX_LENGTH_IN_WINDOWS * max_tokens
        self._numbers = {word: number for number, word in enumerate(self.words, start=2)}
        self._most_characters = 2 * max(map(len, self.words), default=0)  # in a token that may be an elongated word

    @classmethod
    def fit(cls, texts: Iterable[str], max_words: int, min_count: int, max_tokens: int) -> Tokenizer:
        """Return a tokenizer that knows the `max_words` most frequent tokens that occur at least `min_count` times."""
        counts = Counter(token for text in texts for token in tokenize(text))
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls((word for word, count in ranked[:max_words] if count >= min_count), max_tokens)

    def __len__(self) -> int:
        """Return how many different numbers there are, including padding and unknown."""
        return len(self.words) + 2

    def encode(self, text: str) -> list[int]:
        """Return the first `max_tokens` token numbers of a text, for training; at least one."""
        return self._read(text, self.max_tokens)[0]

    def read(self, text: str) -> tuple[list[int], float]:
        """Return the token numbers of a text, and the share of its words among the `COMMON_WORDS` most frequent.

        There is at least one number, [UNKNOWN] for an empty text, and at most `longest`. The share is 1 if there are no
        words. Hardly any message in the vocabulary's language has a share below 0.6, and hardly any message in another
        language has one above.
        """
        return self._read(text, self.longest)

    def words_read(self, text: str, limit: int | None = None) -> int:
        """Return how many whitespace-separated words of a text a model reads; the last one may be read only partly.

        Args:
            text: any text.
            limit: how many tokens are read; `longest` if None.
        """
        limit = self.longest if limit is None else limit
        words = [_shortened(word) for word in strip_markup(text).split()]
        ends = list(accumulate(len(word) + 1 for word in words))
        last = next(islice(_places(" ".join(words)), limit - 1, None), None)
        return len(words) if last is None else bisect_left(ends, last[1]) + 1

    def _read(self, text: str, limit: int) -> tuple[list[int], float]:
        tokens = list(islice(_tokens(text), limit))
        numbers = [self._number(token) for token in tokens]
        words = [number for token, number in zip(tokens, numbers, strict=True) if token[0].isalpha()]
        common = sum(UNKNOWN < number <= UNKNOWN + COMMON_WORDS for number in words)
        return numbers or [UNKNOWN], common / len(words) if words else 1.0

    def _number(self, token: str) -> int:
        if len(token) > self._most_characters:
            return UNKNOWN
        if token in self._numbers:
            return self._numbers[token]
        return next((self._numbers[form] for form in _squeezed(token) if form in self._numbers), UNKNOWN)


def _squeezed(token: str) -> Iterator[str]:
    """Yield likely spellings of a word with elongated letters: "happy" for "haappy", "yay" for "yaayy"."""
    for double in _DOUBLE_LETTER.finditer(token):
        yield token[: double.start()] + token[double.start() + 1 :]
    yield _DOUBLE_LETTER.sub(r"\1", token)
