"""From a message to token numbers, the same for training and serving.

A message passes three doors: `strip_markup` takes off what Discord adds around the words, `tokenize` normalises
and cuts, `Tokenizer.encode` looks the tokens up. Any Unicode string is welcome at each.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

import regex

PADDING, UNKNOWN = 0, 1
"""The two token numbers that are no word."""

COMMON = 12_000
"""How many of a vocabulary's words tell its language; among those seldom used are ever more of other languages."""

# Every repetition is bounded or cannot backtrack, so that no message takes long.
MARKUP = regex.compile(
    r"""
      ```.*?```                              # code block
    | ``[^\n]{1,2000}?`` | `[^`\n]{1,2000}`  # inline code
    | (?m:^>>>\ ).*                          # block quote: all that follows is somebody's words
    | (?m:^>\ [^\n]*)                        # quoted line
    | <a?:\w{1,64}:\d+>                      # custom emoji
    | <(?:@[!&]?|\#)\d+> | @(?:everyone|here)\b
    | <t:-?\d+(?::[a-z])?>                   # timestamp
    | </[^<>:\n]{1,100}:\d+>                 # slash command
    | <id:\w{1,20}>                          # server guide
    | \[(?P<title>[^\[\]\n]{1,500})\]\(<?[a-z]{2,10}://[^\s)]{1,2000}(?:\s[^)\n]{1,200})?\)
    | <?\b[a-z][a-z0-9+.-]{1,15}://[^\s<>]++>?  # link
    | \|\| | \*{1,3} | __ | ~~               # spoiler and emphasis marks; what they wrap stays
    | (?m:^[ \t]{0,8}(?:-\#|\#{1,3}|[-•])[ \t])  # heading, small print, list
    """,
    regex.VERBOSE | regex.DOTALL | regex.IGNORECASE,
)


def strip_markup(message: str) -> str:
    """What is left of a Discord message without mentions, custom emoji, links, code, quotes and marks.

    Words inside emphasis, spoilers, headings and link titles stay; a message that holds nothing but markup
    comes back as the empty string.
    """
    left = MARKUP.sub(lambda found: f" {found['title'] or ''} ", message)
    return " ".join(left.split()) if any(map(_carries_meaning, left)) else ""


def _carries_meaning(character: str) -> bool:
    """Whether a character can be part of a word, emoji or mark: no separator, control or lone surrogate."""
    return unicodedata.category(character)[0] not in "ZC" and character != "\N{VARIATION SELECTOR-16}"


PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛´`ʼ", "'"),
        **dict.fromkeys("“”„‟«»", '"'),
        **dict.fromkeys("‐‑‒–—―", "-"),
        "…": "...",
        "¯": "",
        "\N{VARIATION SELECTOR-16}": "",
        "\N{VARIATION SELECTOR-15}": "",
        **dict.fromkeys(map(chr, range(0x1F3FB, 0x1F400)), ""),  # skin tones
    }
)

TOKEN = regex.compile(
    r"""
      \[(?:name|religion)\]                                  # GoEmotions' placeholders
    | [<>]?[:;=8x]['^]?[-o*~]?[)\]}(\[{|/\\dpso03@*c<>$](?!\w)  # western emoticons  :-)  ;p  :'(
    | (?<!\w)(?:d|[)\](\[/\\])[-o*']?[:;=](?!\w)             # reversed  (:  d:
    | </?3+                                                 # <3  </3
    | \(?[\^>\-otu;=x@<.][_.-]+[\^<\-otu=x@>.]['";]?\)?(?!\w) # eastern  ^_^  t_t  -_-
    | \\+_\(ツ\)_/                                          # shrug
    | \p{Extended_Pictographic}(?:\u200d\p{Extended_Pictographic})* | \p{RI}{2}  # emoji
    | \p{N}+(?:[.,:]\p{N}+)*
    | [\p{L}\p{M}]+(?:['_][\p{L}\p{M}]+)*                  # words with what apostrophes tie to them
    | \.{2,} | [!?]+ | -{2,}
    | \S
    """,
    regex.VERBOSE,
)
_TWICE = regex.compile(r"(\p{L}|[.!?*~-])\1{2,}")
_SYLLABLE = regex.compile(r"(\p{L}{2,3})\1{2,}\p{L}?")
_DOUBLE = regex.compile(r"(\p{L})\1")
_ENCLITIC = regex.compile(r"(?<=\w)(n't|'(?:s|m|re|ve|ll|d))$")
_UNWRITTEN_APOSTROPHE = {
    **{
        f"{stem}nt": f"{stem}n't"
        for stem in "do does did is are was were has have had would could should ca wo must ai need".split()
    },
    **{"im": "i'm", "ive": "i've", "youre": "you're", "theyre": "they're", "thats": "that's"},
    **{"whats": "what's", "hes": "he's", "shes": "she's", "theres": "there's", "cannot": "can't"},
}


def tokenize(text: str) -> list[str]:
    """Cut a text into lower-case tokens.

    Contractions come apart ("don't", "dont": "do", "n't"), elongations shrink ("sooooo": "soo", "hahahaha":
    "haha"), emoji, emoticons and runs of "!" and "?" stay whole, and no token stands more than twice in a row.

    >>> tokenize("I DON'T caaare!!! 😂😂😂 :)")
    ['i', 'do', "n't", 'caare', '!!', '😂', '😂', ':)']
    """
    plain = unicodedata.normalize("NFKC", strip_markup(text).translate(PLAIN)).casefold()
    plain = _SYLLABLE.sub(r"\1\1", _TWICE.sub(r"\1\1", plain))
    tokens: list[str] = []
    for found in TOKEN.findall(plain):
        word = "?!" if set(found) == {"?", "!"} else _UNWRITTEN_APOSTROPHE.get(found, found)
        tokens += [piece for piece in _ENCLITIC.split(word) if piece]
    return [token for place, token in enumerate(tokens) if tokens[max(0, place - 2) : place] != [token] * 2]


class Tokenizer:
    """A vocabulary and the longest sequence a model reads.

    Attributes:
        words: the known tokens, most frequent first; the number of words[i] is i + 2.
        max_tokens: a longer text is cut there.
    """

    def __init__(self, words: Iterable[str], max_tokens: int) -> None:
        self.words = tuple(words)
        self.max_tokens = max_tokens
        self._numbers = {word: number for number, word in enumerate(self.words, start=2)}

    @classmethod
    def fit(cls, texts: Iterable[str], max_words: int, min_count: int, max_tokens: int) -> Tokenizer:
        """Know the `max_words` most frequent tokens that stand at least `min_count` times in `texts`."""
        counts = Counter(token for text in texts for token in tokenize(text))
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls((word for word, count in ranked[:max_words] if count >= min_count), max_tokens)

    def __len__(self) -> int:
        """How many different numbers there are, padding and unknown included."""
        return len(self.words) + 2

    def encode(self, text: str) -> list[int]:
        """Token numbers of a text, at least one and at most `max_tokens`; (UNKNOWN,) for an empty text."""
        return self.read(text)[0]

    def read(self, text: str) -> tuple[list[int], float]:
        """Token numbers as `encode` gives them, and the share of the words among them that are `COMMON`.

        The share is 1 where there are no words. Hardly any message in the language of the vocabulary has less than
        0.6, and hardly any in another has more.
        """
        tokens = tokenize(text)[: self.max_tokens]
        numbers = [self._number(token) for token in tokens]
        words = [number for token, number in zip(tokens, numbers, strict=True) if token[0].isalpha()]
        common = sum(UNKNOWN < number <= UNKNOWN + COMMON for number in words)
        return numbers or [UNKNOWN], common / len(words) if words else 1.0

    def _number(self, token: str) -> int:
        return next((self._numbers[form] for form in (token, *_squeezed(token)) if form in self._numbers), UNKNOWN)


def _squeezed(token: str) -> Iterator[str]:
    """Likely spellings of a word whose letters were drawn out: "haappy" -> "happy", "yaayy" -> "yay"."""
    for double in _DOUBLE.finditer(token):
        yield token[: double.start()] + token[double.start() + 1 :]
    yield _DOUBLE.sub(r"\1", token)
