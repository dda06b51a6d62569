from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mood.over_time import OTHERS, PERIODS, MoodOverTime
from classifiers.emotions import EKMAN, LABELS, NEUTRAL
from tests.bot.mood.moods import NOW, mood_of


class TestPeriods:
    @pytest.mark.parametrize(
        ("period", "begins"),
        [
            ("day", datetime(2026, 11, 23, 22, tzinfo=UTC)),
            ("week", datetime(2026, 11, 18, 0, tzinfo=UTC)),
            ("month", datetime(2026, 10, 28, 0, tzinfo=UTC)),
        ],
    )
    def test_last_step_contains_now(self, period: str, begins: datetime) -> None:
        assert PERIODS[period].since(NOW) == begins
        assert begins + PERIODS[period].steps * PERIODS[period].step > NOW

    @pytest.mark.parametrize("period", PERIODS)
    def test_midnight_starts_a_step(self, period: str) -> None:
        midnight = datetime(2026, 11, 24, tzinfo=UTC)
        chosen = PERIODS[period]
        assert chosen.since(midnight) == midnight - (chosen.steps - 1) * chosen.step
        assert chosen.since(midnight - timedelta(microseconds=1)) == midnight - chosen.steps * chosen.step


class TestSums:
    def test_each_emotion_counts_for_its_group_at_its_time(self) -> None:
        mood = mood_of("day", (0, "love", 3), (0, "joy", 2), (1, "grief", 4), (23, "neutral", 5))
        assert mood.messages == 14
        assert mood.groups["joy"] == [0] * 23 + [5]
        assert mood.groups["sadness"] == [0] * 22 + [4, 0]
        assert mood.groups[NEUTRAL] == [5] + [0] * 23
        assert mood.messages_by_step() == [5] + [0] * 21 + [4, 5]
        assert mood.shares()["sadness"] == 4 / 14

    def test_every_label_is_in_some_group(self) -> None:
        mood = mood_of("day", *((0, label, 1) for label in LABELS))
        assert {group: sum(steps) for group, steps in mood.groups.items()} == {
            **{group: len(labels) for group, labels in EKMAN.items()},
            NEUTRAL: 1,
        }

    def test_other_times_are_left_out(self) -> None:
        assert mood_of("day", (24, "joy", 3), (-1, "joy", 3)).messages == 0

    def test_negative_count_is_treated_as_none(self) -> None:
        mood = mood_of("day", (0, "joy", 3), (1, "joy", -2), (0, "anger", 0))
        assert (mood.messages, mood.strongest()) == (3, [("joy", 1.0)])

    def test_own_labels_form_their_own_groups(self) -> None:
        mood = mood_of("day", (0, "boredom", 3), (0, "love", 1), (1, "happy", 4), (1, NEUTRAL, 2))
        assert mood.shares() == {"joy": 0.1, "happy": 0.4, "boredom": 0.3, NEUTRAL: 0.2}
        assert mood.strongest() == [("happy", 0.4), ("boredom", 0.3), ("love", 0.1)]
        assert len(set(mood.colours.values())) == 4

    def test_rarer_own_labels_are_merged_into_one_group(self) -> None:
        mood = mood_of("day", *((0, f"mood {number}", 10 - number) for number in range(10)))
        assert list(mood.groups) == ["mood 0", "mood 1", "mood 2", "mood 3", OTHERS]
        assert sum(mood.groups[OTHERS]) == 6 + 5 + 4 + 3 + 2 + 1
        assert sum(mood.messages_by_step()) == mood.messages == 55

    def test_the_three_strongest_emotions_are_named(self) -> None:
        mood = mood_of(
            "day", (0, "neutral", 50), (0, "joy", 20), (1, "joy", 5), (0, "fear", 15), (0, "love", 7), (0, "grief", 3)
        )
        assert mood.strongest() == [("joy", 0.25), ("fear", 0.15), ("love", 0.07)]


class TestBars:
    @pytest.mark.parametrize(
        ("messages", "bars"),
        [
            ({0: 5, 1: 9}, [range(0, 1), range(1, 2)]),
            ({0: 1, 1: 1, 2: 3, 3: 5}, [range(0, 3), range(3, 4)]),
            ({2: 2, 5: 3, 9: 5}, [range(2, 6), range(9, 10)]),
            ({3: 6, 7: 4}, [range(3, 8)]),
            ({0: 5, 23: 5}, [range(0, 1), range(23, 24)]),
        ],
    )
    def test_quiet_steps_are_merged_and_silent_ones_left_out(self, messages: dict[int, int], bars: list[range]) -> None:
        assert mood_of("day", *((23 - step, "joy", n) for step, n in messages.items())).bars() == bars

    @given(st.lists(st.integers(0, 9), min_size=24, max_size=24).filter(lambda messages: sum(messages) >= 20))
    def test_every_bar_has_enough_messages_and_every_message_a_bar(self, messages: list[int]) -> None:
        bars = mood_of("day", *((23 - step, "joy", n) for step, n in enumerate(messages))).bars()
        assert all(sum(messages[step] for step in bar) >= 5 for bar in bars)
        assert sum(messages[step] for bar in bars for step in bar) == sum(messages)
        assert all(first.stop <= second.start for first, second in itertools.pairwise(bars))


BRIGHTER, DARKER = "The mood has brightened.", "The mood has darkened."
SAME = "The mood has stayed about the same."
UNTOLD = "The messages are too unevenly spread to show a trend."


class TestTrend:
    @pytest.mark.parametrize(
        ("earlier", "later", "trend"),
        [
            ({"anger": 30, "joy": 20}, {"anger": 10, "joy": 40}, BRIGHTER),
            ({"joy": 40, "anger": 10}, {"joy": 20, "anger": 30}, DARKER),
            ({"neutral": 50}, {"neutral": 35, "grief": 15}, DARKER),
            ({"neutral": 50}, {"neutral": 35, "surprise": 15}, SAME),
            ({"anger": 6, "joy": 6}, {"anger": 5, "joy": 7}, SAME),  # may well be chance
            ({"neutral": 9000, "joy": 1000}, {"neutral": 8700, "joy": 1300}, SAME),  # is significant, but very small
            ({"anger": 10}, {"joy": 10}, BRIGHTER),
            ({"joy": 9}, {"anger": 500}, UNTOLD),
            ({"joy": 500}, {"anger": 9}, UNTOLD),
        ],
    )
    def test_trend_compares_the_second_half_with_the_first(
        self, earlier: dict[str, int], later: dict[str, int], trend: str
    ) -> None:
        counts = [(12, emotion, n) for emotion, n in earlier.items()] + [
            (11, emotion, n) for emotion, n in later.items()
        ]
        assert mood_of("day", *counts).trend() == trend


class TestTimeZone:
    def test_steps_begin_at_local_time(self) -> None:
        hours = [(datetime(2026, 11, 22, hour, tzinfo=UTC), "joy", hour + 1) for hour in (14, 15, 21)]
        mood = MoodOverTime(PERIODS["month"], NOW, hours, "Asia/Tokyo")
        assert mood.since == datetime(2026, 10, 29, tzinfo=UTC)  # it is Wednesday in Tokyo already
        assert mood.messages_by_step()[-4:] == [15, 38, 0, 0]  # of Sunday, Monday, and the two days since

    def test_day_with_a_clock_change_is_one_step(self) -> None:
        now = datetime(2026, 10, 25, 22, tzinfo=UTC)  # summer time has ended at one
        hours = [(now - timedelta(hours=ago), "joy", 1) for ago in range(48)]
        mood = MoodOverTime(PERIODS["month"], now, hours, "Europe/Berlin")
        assert mood.messages_by_step()[-3:] == [0, 24 - 1, 24 + 1]
