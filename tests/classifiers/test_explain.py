"""Words, shares and prefix predictions match plain predictions, and saliency matches central differences."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.classifier import NetworkClassifier
from classifiers.explain import explain, network_of, predict_prefixes, saliency
from classifiers.model_directory import DIRECTIONS, load_models
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, pad
from classifiers.nn.network import Network, build
from classifiers.text import MAX_LENGTH_IN_WINDOWS, Tokenizer

BLANK = "\N{NO-BREAK SPACE}"  # white space that makes no list or quote of what follows it
WORDS = ("i", "am", "do", "n't", "not", "happy", "sad", "!!", "😂", ",", "(", ":)", "..")
TOKENIZER = Tokenizer(WORDS, max_tokens=64)
SHORT = Tokenizer(WORDS, max_tokens=12)
"""One of which a longer text is read in windows."""


def with_large_weights(kind: str, dtype: type[np.floating]) -> Network:
    """Return a network with weights large enough for every word to matter."""
    rng = np.random.default_rng(0)
    built = build(kind, len(TOKENIZER), 8, 3, rng)
    built.load({name: rng.normal(0, 0.3, array.shape).astype(dtype) for name, array in built.params.items()})
    return built


def classifier(run: Callable[[Batch], Array], tokenizer: Tokenizer = TOKENIZER) -> NetworkClassifier:
    return NetworkClassifier(run, tokenizer, ("joy", "sadness", "neutral"), (0.3, 0.4, 0.5), 2.0, 0.5, True)


MODEL = classifier(with_large_weights("rnn", np.float64).forward)

pieces = st.sampled_from(
    [
        *(
            "i",
            "am",
            "don't",
            "DONT",
            "not",
            "HAPPY",
            "sooo",
            "sad",
            "don’t",
            "Straße",
            "ﬁne",
            "é",
            "日本",
            "10:30",
            "½",
        ),
        *("!!!", "?!", ",", "…", "...", "(", ")", "«", "»", "-", "'", ":)", ":'(", "<3", "T_T"),
        *("😂", "👍🏽", "❤️", "👨‍👩‍👧", "🇩🇪", "happy!!!", "(sad)", "am,", "“not”…", "😂😂😂😭"),
        *(
            "T__T",
            ":)))",
            "<333",
            r"¯\_(ツ)_/¯",
            "(・∀・)",
            "_so_",
            "||__sad__||",
            "ha\u200bppy",
            "h\u0336a\u0336",
            ">:(",
        ),
    ]
)
texts = st.lists(st.tuples(pieces, st.sampled_from([" ", "\n"])).map("".join), max_size=10).map("".join)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I'm NOT happy", "I'm|NOT|happy"),
        ("don’t, can't: rock'n'roll", "don’t|,|can't|:|rock'n'roll"),
        ("wow!!! what?! well…ok...", "wow|!!!|what|?!|well|…|ok|..."),
        ("sooooo hahahaha", "sooooo|hahahaha"),
        ("😂😂😂😭😭 👍🏽👍🏽❤️", "😂😂😂|😭😭|👍🏽👍🏽|❤️"),
        ("👨‍👩‍👧ok 🇩🇪🇫🇷", "👨‍👩‍👧|ok|🇩🇪|🇫🇷"),
        (":) :-((( </3 T_T xD", ":)|:-(((|</3|T_T|xD"),
        ("no no no no", "no|no|no|no"),
        ("so  ◕  ‿  ◕", "so|◕  ‿  ◕"),
        ("(“quoted”) ½ $$$ 10:30", "(|“|quoted|”|)|½|$$$|10:30"),
        ("cafe\u0301 ﬁne Straße ｆｕｌｌ", "cafe\u0301|ﬁne|Straße|ｆｕｌｌ"),
        ("日本語です。。", "日本語です|。。"),
    ],
)
def test_text_is_split_into_readable_words(text: str, words: str) -> None:
    assert [word.text for word in explain(MODEL, text).words] == words.split("|")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("<@123> happy @everyone <:pepe:123>", "happy"),
        ("sad https://example.org/happy `happy` ```happy```", "sad"),
        ("[so happy](https://example.org 'sad') am", "so happy am"),
        ("> they are happy\nI am not", "I am not"),
        ("||**happy**|| ~~not~~ *sad*", "happy not sad"),
        ("# am\n- sad", "am sad"),
        ("i - am", "i - am"),
    ],
)
def test_unread_characters_belong_to_no_word(message: str, words: str) -> None:
    explanation = explain(MODEL, message)
    assert [word.text for word in explanation.words] == words.split()
    assert explanation.probability == pytest.approx(MODEL.scores([message]).max())


@given(st.text(st.characters()))
def test_words_of_any_unicode_text_are_in_order(text: str) -> None:
    """Including lone surrogates and control characters."""
    explanation = explain(MODEL, text)
    end = 0
    for word in explanation.words:
        assert end <= word.start < word.end
        assert word.text == text[word.start : word.end]
        assert -1 <= word.share <= 1
        end = word.end
    assert explanation.probability == pytest.approx(MODEL.scores([text]).max())


@given(texts)
def test_share_is_the_change_in_probability_without_the_word(text: str) -> None:
    explanation = explain(MODEL, text)
    column = MODEL.labels.index(explanation.label)
    [whole] = MODEL.scores([text])
    assert column == whole.argmax()
    for word in explanation.words:
        [without] = MODEL.scores([text[: word.start] + BLANK + text[word.end :]])
        assert word.share == pytest.approx(whole[column] - without[column], abs=1e-9)


@given(texts)
def test_prefix_predictions_match_those_of_every_prefix_and_suffix(text: str) -> None:
    reading = predict_prefixes(MODEL, text, 2)
    assert reading.labels == MODEL.labels
    assert reading.backward is not None
    assert len(reading.forward) == len(reading.backward) == len(reading.words)
    for place, (forward, backward) in enumerate(zip(reading.forward, reading.backward, strict=True)):
        beginning, ending = (BLANK.join(part) for part in (reading.words[: place + 1], reading.words[place:]))
        np.testing.assert_allclose([forward, backward], MODEL.scores([beginning, BLANK + ending]), atol=1e-9)
    if reading.words:
        np.testing.assert_allclose([reading.forward[-1], reading.backward[0]], MODEL.scores([text] * 2), atol=1e-9)


def test_left_to_right_network_has_no_suffix_predictions() -> None:
    one, both = predict_prefixes(MODEL, "not happy", 1), predict_prefixes(MODEL, "not happy", 2)
    assert one.backward is None
    assert (one.words, one.labels) == (both.words, both.labels)
    np.testing.assert_allclose(one.forward, both.forward, atol=1e-9)  # another batch is another order of sums


def test_all_variants_are_predicted_in_one_batch() -> None:
    batches: list[tuple[int, ...]] = []

    def run(batch: Batch) -> Array:
        batches.append(batch.ids.shape)
        return with_large_weights("rnn", np.float32).forward(batch)

    explain(classifier(run), "i am not happy")
    predict_prefixes(classifier(run), "i am not happy", 2)
    assert batches == [(4, 1), (4, 5), (4, 8)]


@pytest.mark.parametrize("text", ["", " \n", "<@1>", "\u200b", "https://a.b/c"])
def test_text_without_words_has_an_empty_explanation(text: str) -> None:
    explanation = explain(MODEL, text)
    assert explanation.words == ()
    assert explanation.probability == pytest.approx(MODEL.scores([""]).max())
    reading = predict_prefixes(MODEL, text, 2)
    assert (reading.words, reading.forward, reading.backward) == ((), (), ())
    assert predict_prefixes(MODEL, text, 1).backward is None
    assert saliency(with_large_weights("rnn", np.float64), TOKENIZER, text, 0) == ()


def test_unknown_words_have_shares() -> None:
    [word, other] = explain(MODEL, "xylophone zebra").words
    assert word.share == other.share != 0


def test_unread_words_have_no_share() -> None:
    """For example, a third equal word in a row."""
    words = explain(MODEL, "happy happy happy happy i am not sad").words
    assert [place for place, word in enumerate(words) if word.share] == [4, 5, 6, 7]


def test_prefix_predictions_of_a_long_text_cover_its_first_window() -> None:
    text = "happy happy happy happy " + "i am not sad " * 4
    model = classifier(with_large_weights("rnn", np.float64).forward, SHORT)
    words = explain(model, text).words
    assert len(words) == 20
    reached = [0, 1, *range(4, 14)]
    assert predict_prefixes(model, text, 1).words == tuple(words[place].text for place in reached)
    gradients = saliency(with_large_weights("rnn", np.float64), SHORT, text, 0)
    assert [place for place, gradient in enumerate(gradients) if gradient] == reached


def test_shares_of_a_long_text_come_from_the_window_with_the_most_probable_label() -> None:
    model = classifier(with_large_weights("rnn", np.float64).forward, SHORT)
    text = "i am not sad " * 6  # three windows, which begin at tokens 0, 6 and 12
    explanation = explain(model, text)
    column = model.labels.index(explanation.label)
    [whole] = model.scores([text])
    assert column == whole.argmax()
    assert explanation.probability == pytest.approx(whole.max())
    words = text.split()
    starts = (0, 6, 12)
    of_windows = [model.scores([" ".join(words[start : start + 12])])[0, column] for start in starts]
    start = starts[int(np.argmax(of_windows))]
    assert [place for place, word in enumerate(explanation.words) if word.share] == list(range(start, start + 12))
    without = " ".join([*words[start : start + 3], *words[start + 4 : start + 12]])
    share = max(of_windows) - model.scores([without])[0, column]
    assert explanation.words[start + 3].share == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize(
    ("before", "window", "after"),
    [
        ("happy sad not happy not am ", "sad i happy i not i sad not am happy not sad", " not sad am not happy i"),
        ("", "happy i not sad happy not happy not sad am don't", " sad am not am"),  # "n't" is in the next window only
        (
            "",
            "i sad not sad am not i not happy so so so so",
            " sad i not happy not",
        ),  # only two of the equal words are read
    ],
)
def test_shares_of_a_window_are_those_of_its_words_alone(before: str, window: str, after: str) -> None:
    model = classifier(with_large_weights("rnn", np.float64).forward, SHORT)
    shares = [word.share for word in explain(model, before + window + after).words]
    alone = [word.share for word in explain(model, window).words]
    around = [[0.0] * len(text.split()) for text in (before, after)]
    assert shares == pytest.approx([*around[0], *alone, *around[1]], abs=1e-9)


@pytest.mark.parametrize("piece", ["a", "a ", "no yes ", "`", "[(", "😂", "½", "ﷺ", "> ", "'", ". ", "x\n- "])
def test_longest_message_predicts_only_its_windows_and_the_words_of_one(piece: str) -> None:
    text = (piece * 4000)[:4000]
    rows = 0

    def run(batch: Batch) -> Array:
        nonlocal rows
        rows += batch.ids.shape[1]
        return np.zeros((batch.ids.shape[1], 3))

    explain(classifier(run, SHORT), text)
    predict_prefixes(classifier(run, SHORT), text, 2)
    assert rows <= 2 * MAX_LENGTH_IN_WINDOWS + 1 + 3 * SHORT.max_tokens


@pytest.mark.parametrize("kind", ["rnn", "bilstm"])
def test_saliency_is_the_gradient_times_the_word_vector(kind: str) -> None:
    net = with_large_weights(kind, np.float64)
    words = {"i": ["i"], "don't": ["do", "n't"], "😂": ["😂"], "happy": ["happy"], "!!!": ["!!"]}
    batch = pad([TOKENIZER.encode(" ".join(words))])
    vectors = net.params["0.embeddings"]
    for label in range(3):
        ours = np.array(saliency(net, TOKENIZER, " ".join(words), label))
        numeric = []
        for tokens in words.values():
            rows = [TOKENIZER.words.index(token) + 2 for token in tokens]
            kept = vectors[rows].copy()
            logits = []
            for factor in (1 + 1e-5, 1 - 1e-5):
                vectors[rows] = kept * factor
                logits.append(net.forward(batch)[0, label])
            vectors[rows] = kept
            numeric.append((logits[0] - logits[1]) / 2e-5)
        error = np.linalg.norm(ours - numeric) / (np.linalg.norm(ours) + np.linalg.norm(numeric))
        assert error < 1e-6


def test_loaded_models_explain_their_predictions(small_models: Path) -> None:
    """Both in ONNX Runtime and in NumPy; only a network of ours has a backward pass."""
    text = "i am not happy, but sad"
    for name, model in load_models(small_models).items():
        tolerance = 2e-5 if name == "bilstm" else 1e-6  # in 8 bits, an answer depends slightly on its batch
        explanation = explain(model, text)
        [[label, probability]] = model.predict([text])[0].top(1)
        assert explanation.label == label
        assert explanation.probability == pytest.approx(probability, abs=tolerance)
        [without] = model.scores(["i am happy, but sad"])
        share = explanation.words[2].share
        assert share == pytest.approx(probability - without[model.labels.index(label)], abs=tolerance)
        reading = predict_prefixes(model, text, DIRECTIONS[name])
        np.testing.assert_allclose(reading.forward[-1], model.scores([text])[0], atol=tolerance)
        net = network_of(model)
        assert (net is None) == (name == "bilstm")
        if net is not None:
            assert len(saliency(net, model.tokenizer, text, 0)) == len(explanation.words) == 7


def test_shipped_models_give_the_telling_word_the_largest_share() -> None:
    for model in load_models().values():
        explanation = explain(model, "Thanks for the pizza")
        assert explanation.label == "gratitude"
        assert max(explanation.words, key=lambda word: word.share).text == "Thanks"
