from __future__ import annotations

import io
import itertools

import discord
import matplotlib as mpl
import matplotlib.image
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.figure import Figure

from bot.compare.heat_map import COLOURS, alternative_text, draw
from bot.i18n import ENGLISH, LANGUAGES, Translate, translator
from bot.ui.card import BACKGROUND
from classifiers.emotions import LABELS
from classifiers.explain import PrefixPredictions
from tests.bot.figures import capture_figure, visible_texts
from tests.bot.languages import language

WORDS = ("not", "happy", "today")


def prefix_predictions(
    words: tuple[str, ...] = WORDS, *beliefs: dict[str, float], backward: bool = False
) -> PrefixPredictions:
    """Return a model's probabilities after each word; labels that are not named have 0.01."""
    rows = tuple(
        tuple(belief.get(label, 0.01) for label in LABELS)
        for belief in beliefs or [{"neutral": 0.6}, {"joy": 0.5}, {"joy": 0.9}][: len(words)]
    )
    return PrefixPredictions(words, LABELS, rows, rows if backward else None)


BOTH = {
    "rnn": prefix_predictions(WORDS, {"neutral": 0.6}, {"joy": 0.4, "sadness": 0.3}, {"joy": 0.7}),
    "bilstm": prefix_predictions(
        WORDS, {"neutral": 0.5}, {"sadness": 0.8}, {"sadness": 0.9, "joy": 0.2}, backward=True
    ),
}


def drawn_figure(
    predictions: dict[str, PrefixPredictions], translate: Translate = ENGLISH, with_layout: bool = False
) -> Figure:
    return capture_figure(lambda: draw(predictions, translate), with_layout)


def cells(figure: Figure, strip: int) -> npt.NDArray[np.float64]:
    """Return the probabilities (labels, words) of a strip."""
    [mesh] = [artist for artist in figure.axes[strip].collections if isinstance(artist, QuadMesh)]
    return np.asarray(mesh.get_array(), dtype=float)


def dots(figure: Figure, strip: int) -> list[tuple[int, str]]:
    """Return which label has the dot at each word."""
    axes = figure.axes[strip]
    names = [label.get_text() for label in axes.get_yticklabels()]
    [marks] = [artist for artist in axes.collections if isinstance(artist, PathCollection)]
    return [(int(x), names[int(y)]) for x, y in np.asarray(marks.get_offsets())]


def texts(figure: Figure) -> list[str]:
    """Return all texts in a picture."""
    return [text.get_text() for text in visible_texts(figure)]


class TestPicture:
    def test_strips_of_models_and_directions_have_the_same_labels(self) -> None:
        figure = drawn_figure(BOTH)
        titles = [axes.get_title(loc="left") for axes in figure.axes[:3]]
        assert titles == ["RNN, from the left →", "BiLSTM, from the left →", "BiLSTM, from the right ←"]
        for axes in figure.axes[:3]:
            names = [label.get_text() for label in axes.get_yticklabels()]
            assert names[:3] == ["sadness", "joy", "neutral"]
            assert len(names) == 5
        assert [word.get_text() for word in figure.axes[2].get_xticklabels()] == list(WORDS)

    def test_columns_are_words_and_rows_labels(self) -> None:
        figure = drawn_figure(BOTH)
        assert np.allclose(cells(figure, 0)[:3], [[0.01, 0.3, 0.01], [0.01, 0.4, 0.7], [0.6, 0.01, 0.01]])
        assert np.allclose(cells(figure, 2)[:3], [[0.01, 0.8, 0.9], [0.01, 0.01, 0.2], [0.5, 0.01, 0.01]])
        assert figure.axes[0].yaxis_inverted()  # the first label is on top

    def test_dot_marks_the_strongest_label(self) -> None:
        figure = drawn_figure(BOTH)
        assert dots(figure, 0) == [(0, "neutral"), (1, "joy"), (2, "joy")]
        assert dots(figure, 1) == [(0, "neutral"), (1, "sadness"), (2, "sadness")]

    def test_omitted_label_has_no_dot(self) -> None:
        words = tuple("abcdef")
        each = ({label: 0.5 + place / 100} for place, label in enumerate(LABELS[:6]))
        figure = drawn_figure({"rnn": prefix_predictions(words, *each)})
        assert dots(figure, 0) == [(place, LABELS[place]) for place in range(1, 6)]

    def test_picture_is_dark_and_small(self) -> None:
        png = draw(BOTH, ENGLISH)
        picture = np.asarray(matplotlib.image.imread(io.BytesIO(png), format="png"), dtype=float)
        rgb = [int(BACKGROUND[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        assert np.allclose(picture[(0, 0, -1, -1), (0, -1, 0, -1)], (*rgb, 1), atol=1 / 255)
        assert picture.shape[1] == 1100
        assert len(png) < 250_000

    def test_longest_text_shows_every_word(self) -> None:
        words = tuple(f"disappointing{place}" for place in range(64))
        figure = drawn_figure(
            {"bilstm": prefix_predictions(words, *[{"joy": 0.5}] * 64, backward=True)}, with_layout=True
        )
        assert figure.bbox.width < 4000
        [*_, last] = figure.axes[:2]
        places = [word.get_window_extent() for word in last.get_xticklabels()]
        assert all(other.x1 - one.x1 > 30 for one, other in itertools.pairwise(places))
        assert last.bbox.height > 100

    @pytest.mark.parametrize("locale", LANGUAGES)
    def test_texts_of_every_language_fit(self, locale: str) -> None:
        figure = drawn_figure(BOTH, translator(discord.Locale(locale)), with_layout=True)
        for text in visible_texts(figure):
            place = text.get_window_extent()
            assert place.x0 >= 0
            assert place.x1 <= figure.bbox.x1
        assert figure.axes[0].bbox.width > figure.bbox.width / 2

    def test_english_replaces_words_that_the_font_lacks(self) -> None:
        assert texts(drawn_figure(BOTH, language("{}喜".format))) == texts(drawn_figure(BOTH))

    @given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=6).map(tuple))
    @settings(max_examples=settings().max_examples // 10)  # a picture takes long
    @example(("$x$", "$\\frac$", "嬉しい", "سعيد", "👩🏽‍❤️‍💋‍👨🏽", "a\u0301" * 200))
    @example(("\\", "%", "_", "{}"))
    def test_words_of_any_script_are_drawn(self, words: tuple[str, ...]) -> None:
        """None of them is drawn as a formula, and none causes a warning about missing glyphs."""
        figure = drawn_figure({"rnn": prefix_predictions(words, *[{"joy": 0.5}] * len(words))})
        shown = [word.get_text() for word in figure.axes[0].get_xticklabels()]
        assert len(shown) == len(words)
        assert all(len(word) <= 14 for word in shown)
        assert figure.bbox.height < 1500

    def test_characters_missing_in_the_font_are_drawn_as_empty_frames(self) -> None:
        figure = drawn_figure({"rnn": prefix_predictions(("嬉しい", "so🎉🎉", "$x$"))})
        assert [word.get_text() for word in figure.axes[0].get_xticklabels()] == ["▯", "so▯", "$x$"]


def test_colours_grow_lighter_evenly() -> None:
    """CIE lightness rises in nearly equal steps, so that people who see no colours can read it."""
    rgb = mpl.colormaps[COLOURS](np.linspace(0, 1, 11))[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lightness = 116 * np.cbrt(linear @ (0.2126, 0.7152, 0.0722)) - 16
    assert (np.diff(lightness) > 5).all()


class TestInWords:
    def test_words_say_where_the_strongest_emotion_changes(self) -> None:
        assert alternative_text(BOTH, ENGLISH) == (
            "How probable each emotion is after each word. "
            "RNN, from the left → not: neutral. happy: joy. "
            "BiLSTM, from the left → not: neutral. happy: sadness. "
            "BiLSTM, from the right ← today: sadness. not: neutral."
        )

    def test_words_fit_for_any_length_of_text(self) -> None:
        words = tuple(f"{'x' * 50}{place}" for place in range(64))
        turning = [{LABELS[place % 28]: 0.5} for place in range(64)]
        text = alternative_text({"bilstm": prefix_predictions(words, *turning, backward=True)}, ENGLISH)
        assert 900 < len(text) <= 1024
        assert text.endswith(".")
