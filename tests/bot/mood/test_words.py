from __future__ import annotations

from bot.i18n import ENGLISH
from bot.mood.words import alternative_text, caption
from classifiers.emotions import EMOJI
from tests.bot.languages import language
from tests.bot.mood.moods import german, mood_of, mood_throughout


class TestInWords:
    def test_caption_describes_the_mood(self) -> None:
        mood = mood_of(
            "day", (0, "neutral", 1000), (0, "joy", 300), (15, "love", 200), (15, "anger", 100), (0, "fear", 1)
        )
        assert (
            caption(mood, EMOJI, ENGLISH)
            == "😃 joy 19% · ❤️ love 12% · 😡 anger 6%\n1,601 messages. The mood has stayed about the same."
        )

    def test_caption_is_translated(self) -> None:
        assert caption(mood_throughout("week", joy=3), EMOJI, german) == (
            "😃 Freude 100\xa0%\n84 Nachrichten. Die Stimmung ist etwa gleich geblieben."
        )

    def test_caption_names_own_labels_unchanged(self) -> None:
        mood = mood_throughout("week", happy=3, **{"self_doubt": 2, "joy": 1})
        assert caption(mood, {**EMOJI, "happy": "😊", "self_doubt": None}, ENGLISH) == (
            "😊 happy 50% · 🏷️ self\\_doubt 33% · 😃 joy 17%\n"
            "168 messages. I don't know which of these emotions are pleasant, so I can't show a trend."
        )

    def test_caption_without_any_emotion_says_so(self) -> None:
        assert caption(mood_throughout("week", neutral=3), EMOJI, ENGLISH).startswith(
            "No message showed a clear emotion.\n"
        )

    def test_alternative_text_has_all_that_the_picture_shows(self) -> None:
        mood = mood_of("week", (100, "anger", 30), (100, "neutral", 20), (1, "joy", 40), (1, "neutral", 10))
        assert alternative_text(mood, "This channel", ENGLISH) == (
            "Bar chart of the mood over time. This channel, 7 days. 100 messages. Shares: joy etc. 40%, "
            "anger etc. 30%, neutral 30%, surprise etc. 0%, sadness etc. 0%, fear etc. 0%, "
            "disgust 0%. The mood has brightened."
        )

    def test_the_alternative_text_fits_in_wordier_languages(self) -> None:
        text = alternative_text(
            mood_throughout("month", joy=10**9), "The whole server", language(lambda text: 2 * f"{text} ")
        )
        assert 300 < len(text) <= 1024
