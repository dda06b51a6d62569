"""Explain a model's answer to a text: which words moved it, and what it predicts after each word.

There are three methods, each for a single text. `explain` leaves out one word at a time and measures how the
probability of the strongest label changes (occlusion, after Li and others, "Understanding Neural Networks through
Representation Erasure", 2016); it works for any model. `saliency` multiplies each word's vector by the
gradient that our own backward pass computes for it (gradient times input: Denil and others, "Extraction of Salient
Sentences from Labelled Documents", 2014); one backward pass serves all words, but it needs a network of ours.
`predict_prefixes` gives the model the first word, the first two, and so on.

If a text is longer than a network reads at once, only one window is explained: `explain` takes the one in which the
strongest label is most probable, and the others take the first.

A word here is a piece of the original text: contractions, emoji with their skin tones, emoticons and runs of the same
punctuation mark stay whole, and what `strip_markup` removes (links, mentions, code, quotes) is not part of any word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import regex

from classifiers.calibration import probabilities
from classifiers.classifier import Classifier
from classifiers.markup import blank_markup, strip_markup
from classifiers.nn.arrays import Array
from classifiers.nn.batching import UNKNOWN, Steps, complete, logits_in_steps, pad
from classifiers.nn.network import Network
from classifiers.text import TOKEN, Tokenizer, normalize, tokenize
from classifiers.windows import windows

BATCH_SIZE = 16
"""The number of variants of a text in a batch; their lengths differ, so larger batches need more padding."""


@dataclass(frozen=True, slots=True)
class WordShare:
    """One word of a text, and how far it moved the model's answer.

    Attributes:
        text: the word as it is in the text.
        start: the index where it starts.
        end: the index where it ends, so that the word is text[start:end].
        share: the label's probability with all words minus that without this one, in [-1, 1], in the window that is
            explained; 0 for a word that is not in it or that the model does not read (see `PrefixPredictions.words`).
    """

    text: str
    start: int
    end: int
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The share of each word in a model's strongest label.

    Attributes:
        label: the most probable label.
        probability: its probability.
        words: all words of the text, in their order.
    """

    label: str
    probability: float
    words: tuple[WordShare, ...]


@dataclass(frozen=True, slots=True)
class PrefixPredictions:
    """A model's predictions for the prefixes and the suffixes of a text, word by word.

    Attributes:
        words: the words that the model reads, in order. Words beyond the first window, and the third and later of equal
            words in a row, which `tokenize` drops, are left out.
        labels: a label for each column of the two tables.
        forward: (words, labels) probabilities after the first word, the first two, and so on.
        backward: (words, labels) probabilities of the text from this word on, as seen by a network that also reads from
            the right; None for a network with one direction.
    """

    words: tuple[str, ...]
    labels: tuple[str, ...]
    forward: tuple[tuple[float, ...], ...]
    backward: tuple[tuple[float, ...], ...] | None


def explain(model: Classifier, text: str) -> Explanation:
    """Return how far each word moves the model's strongest label, measured by leaving the word out."""
    return complete(explain_in_steps(model, text))


def explain_in_steps(model: Classifier, text: str) -> Steps[Explanation]:
    """Do the same as `explain`, with `BATCH_SIZE` variants of the text in each step."""
    words = _split_words(text, model.tokenizer)
    numbers, places = _token_numbers(words, model.tokenizer.longest)
    cut = windows(range(len(numbers)), model.tokenizer.max_tokens)
    answers = yield from _probabilities(model, [[numbers[place] for place in window] for window in cut])
    strongest = int(answers.mean(axis=0).argmax())
    window = cut[int(answers[:, strongest].argmax())]
    start = places[window[0]] if window[0] else 0
    # A word that is not read because equal words precede it would be read if one of those were left out.
    stop = max(places[window[-1]] + 1, places[window[-1] + 1]) if window[-1] + 1 < len(places) else len(words)
    stretch = words[start:stop]
    reached = _words_read(stretch, model.tokenizer.max_tokens)
    scores = yield from _scores(model, [stretch, *(stretch[:place] + stretch[place + 1 :] for place in reached)])
    shares = np.zeros(len(words))
    shares[[start + place for place in reached]] = scores[0, strongest] - scores[1:, strongest]
    return Explanation(
        model.labels[strongest],
        float(answers[:, strongest].mean()),
        tuple(
            WordShare(text[word.start : word.end], word.start, word.end, share)
            for word, share in zip(words, shares.tolist(), strict=True)
        ),
    )


def saliency(network: Network, tokenizer: Tokenizer, text: str, label: int) -> tuple[float, ...]:
    """Return gradient times input for each word of `explain`, for the logit with index `label`.

    That is the derivative of the logit with respect to a factor on the word's vectors, a first-order estimate of how
    much the logit would drop without the word. It is 0 for words that the network does not read.
    """
    words = _split_words(text, tokenizer)
    numbers, places = _token_numbers(words, tokenizer.max_tokens)
    batch = pad([numbers])
    logits = network.forward(batch)
    gradient = network.input_gradient(np.eye(logits.shape[1], dtype=logits.dtype)[[label]])
    vectors = network.layers[0].params["embeddings"][batch.ids]
    products = (gradient * vectors).sum(axis=2)[:, 0]
    return tuple(np.bincount(places, products[: len(places)], minlength=len(words)).tolist())


def predict_prefixes(model: Classifier, text: str, directions: int) -> PrefixPredictions:
    """Return the model's probabilities for all prefixes of a text, and for all its suffixes.

    Args:
        model: any classifier.
        text: any text.
        directions: 1 for a network that reads only from the left, 2 for one that reads from both sides.
    """
    return complete(predict_prefixes_in_steps(model, text, directions))


def predict_prefixes_in_steps(model: Classifier, text: str, directions: int) -> Steps[PrefixPredictions]:
    """Do the same as `predict_prefixes`, with `BATCH_SIZE` prefixes and suffixes in each step."""
    words = _split_words(text, model.tokenizer)
    words = [words[place] for place in _words_read(words, model.tokenizer.max_tokens)]
    beginnings = [words[: place + 1] for place in range(len(words))]
    endings = [words[place:] for place in range(len(words))] if directions == 2 else []
    scores = yield from _scores(model, [*beginnings, *endings])
    rows = [tuple(row) for row in scores.tolist()]
    return PrefixPredictions(
        tuple(text[word.start : word.end] for word in words),
        model.labels,
        tuple(rows[: len(words)]),
        tuple(rows[len(words) :]) if directions == 2 else None,
    )


def network_of(model: Classifier) -> Network | None:
    """Return the NumPy network of a loaded model, for `saliency`; None if another library computes it."""
    network = getattr(model.run, "__self__", None)
    return network if isinstance(network, Network) else None


@dataclass(frozen=True, slots=True)
class _Word:
    """A word's place in its text, and its tokens with their numbers in the model's vocabulary."""

    start: int
    end: int
    tokens: tuple[tuple[str, int], ...]


def _scores(model: Classifier, texts: Sequence[Sequence[_Word]]) -> Steps[Array]:
    """Return probabilities (texts, labels) of texts given as words, which are tokenised only once."""
    if not texts:
        return np.empty((0, len(model.labels)))
    return (yield from _probabilities(model, [_token_numbers(words, model.tokenizer.max_tokens)[0] for words in texts]))


def _probabilities(model: Classifier, sequences: Sequence[Sequence[int]]) -> Steps[Array]:
    """Return probabilities (sequences, labels) of token numbers."""
    logits = yield from logits_in_steps(model.run, sequences, BATCH_SIZE)
    return probabilities(logits, model.temperature, model.multi_label)


def _token_numbers(words: Iterable[_Word], limit: int) -> tuple[list[int], list[int]]:
    """Return the token numbers that `Tokenizer.encode` gives for these words, and for each the index of its word.

    Without words there is one number and no index.
    """
    read: list[tuple[str, int]] = []
    places: list[int] = []
    for place, word in enumerate(words):
        for token in word.tokens:
            if len(read) == limit:
                return [number for _, number in read], places
            if read[-2:] != [token] * 2:  # as in `tokenize`, no token more than twice in a row
                read.append(token)
                places.append(place)
    return [number for _, number in read] or [UNKNOWN], places


def _words_read(words: Iterable[_Word], limit: int) -> list[int]:
    """Return the indices of the words that the model reads; leaving out any other word changes nothing."""
    return list(dict.fromkeys(_token_numbers(words, limit)[1]))


def _split_words(text: str, tokenizer: Tokenizer) -> list[_Word]:
    """Return the words of a text, in order, with their tokens."""
    if not strip_markup(text):
        return []
    tokens: dict[str, tuple[tuple[str, int], ...]] = {}
    words = []
    for start, end in _spans(text):
        word = text[start:end]
        if word not in tokens:
            # Invisible characters have no tokens when they are alone, but among words the model reads them as unknown.
            seen = zip(tokenize(word), tokenizer.encode(word), strict=False)
            tokens[word] = tuple(seen) or tuple((character, UNKNOWN) for character in word)
        words.append(_Word(start, end, tokens[word]))
    return words


def _spans(text: str) -> list[tuple[int, int]]:
    """Return where each word of a text starts and ends.

    The tokens are found as in `tokenize`, in the normalised text. For each of its characters, the visible character of
    the original from which it comes is tracked: "…" turns into three characters, a skin tone into none.
    """
    plain: list[str] = []
    origins: list[tuple[int, int]] = []
    for cluster in regex.finditer(r"\s|\p{RI}{1,2}|\X", blank_markup(text)):
        folded = normalize(cluster[0])
        if cluster[0].isspace():
            folded = " " if plain and plain[-1] != " " else ""
        plain.append(folded)
        origins += [cluster.span()] * len(folded)
    spans: list[tuple[int, int]] = []
    before = ""
    for found in TOKEN.finditer("".join(plain)):
        start, end = origins[found.start()][0], origins[found.end() - 1][1]
        # A run of one emoji or mark is one word, and no word ends within a visible character ("½" is three tokens).
        if spans and (start < spans[-1][1] or (start == spans[-1][1] and before.endswith(found[0]))):
            spans[-1] = spans[-1][0], max(end, spans[-1][1])
        else:
            spans.append((start, end))
        before = found[0]
    return spans
