from __future__ import annotations

import io
import itertools
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import discord
import matplotlib.image
import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.figure import Figure

from bot.i18n import ENGLISH, LANGUAGES, Translate, translator
from bot.mood.chart import COUNTS, draw
from bot.mood.over_time import COLOURS, PERIODS, MoodOverTime
from bot.ui.card import BACKGROUND, TEXT_COLOUR
from classifiers.emotions import NEUTRAL
from tests.bot.figures import capture_figure, visible_texts
from tests.bot.languages import language
from tests.bot.mood.moods import NOW, german, mood_of, mood_throughout

Picture = npt.NDArray[np.float64]


def luminance(colour: str) -> float:
    """Return the luminance of a colour such as #ffffff, relative to white, by WCAG 2."""
    return float(linear_rgb(colour) @ (0.2126, 0.7152, 0.0722))


def linear_rgb(colour: str) -> Picture:
    values = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


# How people without one kind of cones see linear RGB: Machado, Oliveira and Fernandes (2009), severity 1.
VISION: dict[str, npt.ArrayLike] = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# Oklab, in which equal distances look about equally far apart: Ottosson (2020).
CONES = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
OPPONENTS = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]


class TestTimeZone:
    def test_picture_names_the_time_zone_in_the_language_of_the_reader(self) -> None:
        mood = MoodOverTime(PERIODS["week"], NOW, [(NOW, "joy", 30)], "Asia/Tokyo")
        german = capture_figure(lambda: draw(mood, translator(discord.Locale.german)))
        assert german.get_supxlabel() == "Ein Balken je sechs Stunden, ruhige zusammengefasst. Zeitzone: Tokio."
        # The font cannot write Japanese, so that all is English.
        japanese = capture_figure(lambda: draw(mood, translator(discord.Locale.japanese)))
        assert japanese.get_supxlabel() == "Each bar is six hours, quiet ones are merged. Time zone: Tokyo."


class TestColours:
    def test_card_has_an_opaque_background(self, month: bytes) -> None:
        picture = read(month)
        assert np.allclose(picture[(0, 0, -1, -1), (0, -1, 0, -1)], (*rgb(BACKGROUND), 1), atol=1 / 255)

    @pytest.mark.parametrize("colour", [*COLOURS.values(), COUNTS])
    def test_marks_have_enough_contrast(self, colour: str) -> None:
        assert contrast(colour, BACKGROUND) >= 3

    def test_words_have_enough_contrast(self) -> None:
        assert contrast(TEXT_COLOUR, BACKGROUND) >= 4.5

    @pytest.mark.parametrize("vision", VISION)
    def test_group_colours_are_distinguishable_for_the_colour_blind(self, vision: str) -> None:
        seen = np.clip([np.asarray(VISION[vision]) @ linear_rgb(colour) for colour in COLOURS.values()], 0, 1)
        places = np.cbrt(seen @ np.transpose(CONES)) @ np.transpose(OPPONENTS)
        assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(places, 2)) > 0.1


def rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))


@pytest.fixture(scope="module")
def month() -> bytes:
    """The picture of a month, as it is sent."""
    return draw(mood_throughout("month", joy=30, neutral=40, anger=5), ENGLISH)


def read(png: bytes) -> Picture:
    return np.asarray(matplotlib.image.imread(io.BytesIO(png), format="png"), dtype=float)


def pixels(mood: MoodOverTime) -> Picture:
    return read(draw(mood, ENGLISH))


def is_coloured(picture: Picture, colour: str) -> npt.NDArray[np.bool_]:
    return np.asarray(np.abs(picture[..., :3] - rgb(colour)).max(axis=-1) < 2 / 255)


def columns(picture: Picture, colour: str) -> list[int]:
    """Return the height of a colour in each bar that contains it, in pixels, without the legend."""
    heights = is_coloured(picture[:, :800], colour).sum(axis=0)
    return [
        max(run) for filled, run in ((key, list(group)) for key, group in itertools.groupby(heights, bool)) if filled
    ]


class TestPicture:
    def test_picture_is_readable_and_small_enough_to_send(self, month: bytes) -> None:
        assert month.startswith(b"\x89PNG")
        assert len(month) < 250_000
        assert read(month).shape == (700, 1100, 4)

    def test_bar_height_is_proportional_to_the_share(self) -> None:
        picture = pixels(mood_throughout("day", joy=10, sadness=20, neutral=10))
        joy, sadness, neutral = (np.array(columns(picture, COLOURS[group])) for group in ("joy", "sadness", NEUTRAL))
        assert len(joy) == len(sadness) == len(neutral) == 24
        assert np.abs(sadness - 2 * joy).max() <= 4
        assert np.abs(neutral - joy).max() <= 4
        assert columns(picture, COLOURS["anger"]) == []

    def test_groups_are_stacked_in_the_order_of_the_legend(self) -> None:
        mood = mood_throughout("day", **dict.fromkeys(COLOURS, 5))
        picture = pixels(mood)
        for part in (picture[:, :800], picture[:, 800:]):
            heights = [np.argwhere(is_coloured(part, colour))[:, 0].mean() for colour in COLOURS.values()]
            assert heights == sorted(heights, reverse=True)

    def test_number_of_messages_is_shown(self) -> None:
        picture = pixels(mood_of("day", (5, "joy", 10), (3, "joy", 20), (1, "joy", 40)))
        heights = np.array(columns(picture, COUNTS))
        assert np.allclose(heights / heights[-1], (0.25, 0.5, 1), atol=0.05)
        assert "40" in texts(mood_of("day", (5, "joy", 10), (1, "joy", 40)), ENGLISH)

    def test_quiet_times_are_merged_into_a_wide_bar(self) -> None:
        picture = pixels(mood_of("day", *((ago, "joy", 1) for ago in range(24))))
        assert len(columns(picture, COLOURS["joy"])) == 4
        assert len(columns(picture, COUNTS)) == 24

    @pytest.mark.parametrize(
        ("period", "axis", "scale"),
        [
            (
                "day",
                ["00:00\nNov 24", "04:00\n", "08:00\n", "12:00\n", "16:00\n", "20:00\n"],
                "Each bar is one hour, quiet ones are merged. Time zone: UTC.",
            ),
            (
                "week",
                ["Wed\nNov 18", "Thu\n19", "Fri\n20", "Sat\n21", "Sun\n22", "Mon\n23", "Tue\n24"],
                "Each bar is six hours, quiet ones are merged. Time zone: UTC.",
            ),
            (
                "month",
                ["Mon\nNov 2", "Mon\n9", "Mon\n16", "Mon\n23"],
                "Each bar is one day, quiet ones are merged. Time zone: UTC.",
            ),
        ],
    )
    def test_picture_contains_its_texts(self, period: str, axis: list[str], scale: str) -> None:
        written = texts(mood_throughout(period, joy=3, grief=1), ENGLISH)
        assert [text for text in written if "\n" in text] == axis
        assert {scale, "Share of messages", "Messages", "0%", "50%", "100%"} <= set(written)
        assert [text.strip("\u2007") for text in written if "%  " in text] == [
            *("0%  neutral", "0%  disgust", "0%  fear etc.", "0%  anger etc.", "25%  sadness etc."),
            *("0%  surprise etc.", "75%  joy etc."),
        ]

    def test_own_labels_are_unchanged_as_far_as_the_font_has_them(self) -> None:
        labels = ["$\\alpha$ rage", "喜び", "a" * 100, "b", "c", "d"]
        mood = mood_of("day", *((number, label, 9) for number, label in enumerate(labels)))
        written = texts(mood, translator(discord.Locale.german))
        names = [text.split("  ")[1] for text in written if "  " in text]
        assert sorted(names) == sorted(["$\\alpha$ rage", "▯", f"{'a' * 19}…", "b", "andere Emotionen"])

    def test_picture_contains_translated_texts(self) -> None:
        written = texts(mood_throughout("week", joy=3), german)
        assert {"Mi\n18. Nov.", "Anteil der Nachrichten", "Nachrichten", "50\xa0%"} <= set(written)
        assert "100\xa0%  Freude u. a." in written

    def test_long_words_stay_within_the_picture_and_outside_the_bars(self) -> None:
        translate = language(lambda text: text if "{" in text else f"{text} {text[:8]}")
        figure = drawn_figure(mood_throughout("week", joy=3), translate, with_layout=True)
        [legend] = figure.legends
        names = legend.get_window_extent()
        assert names.x1 <= figure.bbox.x1
        assert all(axes.bbox.x1 < names.x0 and axes.bbox.width > figure.bbox.width / 2 for axes in figure.axes)
        for text in visible_texts(figure):
            place = text.get_window_extent()
            assert place.x0 >= 0
            assert place.x1 <= figure.bbox.x1

    @pytest.mark.parametrize("locale", LANGUAGES)
    def test_texts_of_every_language_fit(self, locale: str) -> None:
        figure = drawn_figure(mood_throughout("week", joy=3), translator(discord.Locale(locale)), with_layout=True)
        places = {text.get_text(): text.get_window_extent() for text in visible_texts(figure)}
        assert all(place.x0 >= 0 and place.x1 <= figure.bbox.x1 for place in places.values())
        times = sorted((place for text, place in places.items() if "\n" in text), key=lambda place: place.x0)
        assert len(times) == 7
        assert all(one.x1 < other.x0 for one, other in itertools.pairwise(times))

    @pytest.mark.parametrize("period", PERIODS)
    @pytest.mark.parametrize("day", [datetime(2026, 11, 6, 23, 59, tzinfo=UTC), datetime(2026, 12, 31, 3, tzinfo=UTC)])
    def test_time_labels_do_not_overlap(self, period: str, day: datetime) -> None:
        """Not even if a month ends after the first step."""
        mood = MoodOverTime(PERIODS[period], day, [(day, "joy", 20)])
        for translate in (german, translator(discord.Locale.brazil_portuguese)):
            figure = drawn_figure(mood, translate, with_layout=True)
            times = [text.get_window_extent() for text in visible_texts(figure) if "\n" in text.get_text()]
            times.sort(key=lambda place: place.x0)
            assert len(times) >= 4
            assert all(one.x1 < other.x0 for one, other in itertools.pairwise(times))

    def test_next_month_is_named_at_its_first_day(self) -> None:
        day = datetime(2026, 11, 6, 23, 59, tzinfo=UTC)
        mood = MoodOverTime(PERIODS["week"], day, [(day, "joy", 20)])
        dates = [text.split("\n")[1] for text in texts(mood, ENGLISH) if "\n" in text]
        assert dates == ["31", "Nov 1", "2", "3", "4", "5", "6"]

    def test_english_replaces_words_that_the_font_lacks(self) -> None:
        mood = mood_throughout("week", joy=3)
        assert texts(mood, language("{}喜".format)) == texts(mood, ENGLISH)

    def test_drawing_warns_of_nothing_and_changes_no_global_state(self, tmp_path: Path) -> None:
        """In a new process in which Matplotlib has no font cache and cannot write one."""
        (tmp_path / "file").touch()
        program = (
            "import logging, sys\n"
            "from datetime import UTC, datetime\n"
            "from bot.i18n import ENGLISH\n"
            "from bot.mood.chart import draw\n"
            "from bot.mood.over_time import PERIODS, MoodOverTime\n"
            "logging.basicConfig(level=logging.WARNING)\n"
            "now = datetime.now(UTC)\n"
            "mood = MoodOverTime(PERIODS['week'], now, [(now, 'joy', 20)])\n"
            "print('matplotlib' in sys.modules)\n"
            "draw(mood, ENGLISH)\n"
            "print('matplotlib' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-W", "ignore:'audioop'", "-c", program],
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": str(Path(__file__).parents[3]), "MPLCONFIGDIR": str(tmp_path / "file" / "fonts")},
        )
        assert (done.stdout, done.stderr) == ("False\nTrue False\n", "")


def drawn_figure(mood: MoodOverTime, translate: Translate, with_layout: bool = False) -> Figure:
    return capture_figure(lambda: draw(mood, translate), with_layout)


def texts(mood: MoodOverTime, translate: Translate) -> list[str]:
    """Return all texts of a picture."""
    return [text.get_text() for text in visible_texts(drawn_figure(mood, translate))]
