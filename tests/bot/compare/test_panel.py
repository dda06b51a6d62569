from __future__ import annotations

import dataclasses
import re
from typing import Any

import discord
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from simcord.components import validate_components, validate_modal, walk_components

from bot.compare.panel import TEXT_HINT, Comparison, ComparisonForm, ComparisonPanel, Page, VariationForm, bar, verdict
from bot.i18n import LANGUAGES, translator
from bot.ui.discord_limits import INPUT_TEXT, MESSAGE_TEXT
from bot.ui.quotation import Quotation
from classifiers import LABELS, NAMES, Answer, Prediction
from classifiers.explain import Explanation, WordShare
from tests.bot.support import prediction_of

JOY = Answer(prediction_of(joy=0.9, love=0.5, pride=0.25), 0.44)
FEAR = Answer(prediction_of(fear=0.7), 12.3)
NEUTRAL = Answer(prediction_of(neutral=0.8), 1.0)


def answer_knowing(share: float) -> Answer:
    """Return the answer of a model that knows this share of the words."""
    return Answer(dataclasses.replace(prediction_of(neutral=0.8), known=share), 1.0)


COMPONENTS_V2 = 1 << 15
LOCALES = [discord.Locale.british_english, *map(discord.Locale, LANGUAGES)]


def explanation_of(text: str, **shares: float) -> Explanation:
    """Return an answer with word shares, where words are separated by spaces."""
    return Explanation(
        "joy",
        0.9,
        tuple(
            WordShare(word[0], word.start(), word.end(), shares.get(word[0], 0.0)) for word in re.finditer(r"\S+", text)
        ),
    )


def comparison_of(
    text: str = "what a day",
    answers: dict[str, Answer] | None = None,
    page: Page = Page.TOP,
    explanation: Explanation | None = None,
) -> Comparison:
    quotation = Quotation.from_text(text)
    answers = answers or {"rnn": FEAR, "bilstm": JOY}
    explanation = explanation or explanation_of(quotation.text)
    explanations = {} if page is Page.ALL else dict.fromkeys(answers, explanation)
    return Comparison(quotation, 7, answers, explanations, "A picture." if page is Page.HEAT else None)


def parts(panel: Any) -> list[dict[str, Any]]:
    return list(walk_components(panel.to_components()))


def texts(panel: Any) -> list[str]:
    return [part["content"] for part in parts(panel) if part["type"] == 10]


def buttons(panel: Any) -> dict[str, str]:
    return {part["label"]: part["custom_id"] for part in parts(panel) if part["type"] == 2}


async def test_models_are_shown_one_below_the_other() -> None:
    panel = ComparisonPanel(comparison_of(explanation=explanation_of("what a day", day=0.5, what=-0.1)))
    assert texts(panel) == [
        "> what a day",
        "They disagree: the RNN heard **fear** 😨, the BiLSTM heard **joy** 😃.",
        "**RNN**\n"
        "`███████     70%` 😨 fear\n"
        "`▏            1%` 👏 admiration\n"
        "`▏            1%` 😂 amusement\n"
        "> ~~what~~ a **day**",
        "**BiLSTM**\n"
        "`█████████   90%` 😃 joy\n"
        "`█████       50%` ❤️ love\n"
        "`██▌         25%` 🦁 pride\n"
        "> ~~what~~ a **day**",
        "-# Words in **bold** speak for the strongest emotion, ~~struck-out~~ ones against it.",
        "-# Nothing you write is kept.",
    ]
    assert buttons(panel) == {
        "Heat map": "compare:heat:7:rnn+bilstm",
        "All 28": "compare:all:7:rnn+bilstm",
        "Try a variation": "compare:vary:7:rnn+bilstm",
    }


async def test_text_without_decisive_words_is_described_as_such() -> None:
    assert "-# No single word makes the difference here." in texts(ComparisonPanel(comparison_of()))


async def test_all_labels_are_in_one_table_for_both_models() -> None:
    panel = ComparisonPanel(comparison_of(page=Page.ALL))
    _, _, table, _ = texts(panel)
    head, *rows = table.split("\n")
    assert head == "`RNN         BiLSTM     `"
    assert rows[:3] == [
        "`         1% █████▍  90%` 😃 joy",
        "`████▎   70%          1%` 😨 fear",
        "`         1% ███     50%` ❤️ love",
    ]
    assert sorted(row.split()[-1] for row in rows) == sorted(LABELS)
    assert {len(row.split("`")[1]) for row in (head, *rows)} == {len(head) - 2}
    assert buttons(panel) == {
        "Heat map": "compare:heat:7:rnn+bilstm",
        "Top 3": "compare:top:7:rnn+bilstm",
        "Try a variation": "compare:vary:7:rnn+bilstm",
    }


async def test_heat_map_is_below_both_models() -> None:
    panel = ComparisonPanel(comparison_of(page=Page.HEAT))
    [gallery] = [part for part in parts(panel) if part["type"] == 12]
    [item] = gallery["items"]
    assert (item["media"]["url"], item["description"]) == ("attachment://heat-map.png", "A picture.")
    assert buttons(panel) == {
        "Hide the heat map": "compare:top:7:rnn+bilstm",
        "All 28": "compare:all:7:rnn+bilstm",
        "Try a variation": "compare:vary:7:rnn+bilstm",
    }


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"rnn": JOY, "bilstm": JOY}, "They agree on **joy** 😃."),
        ({"rnn": FEAR}, "Only the RNN is loaded; it heard **fear** 😨."),
        (
            {"rnn": NEUTRAL, "bilstm": JOY},
            "They disagree: the RNN heard **neutral** 😐, the BiLSTM heard **joy** 😃.",
        ),
        (
            {"rnn": JOY, "gru": JOY, "bilstm": FEAR},
            "They disagree: the RNN heard **joy** 😃, the GRU heard **joy** 😃, the BiLSTM heard **fear** 😨.",
        ),
        ({"rnn": answer_knowing(0.6), "bilstm": answer_knowing(0.6)}, "They agree on **neutral** 😐."),
        (
            {"rnn": answer_knowing(0.25), "bilstm": answer_knowing(0.25)},
            "I know only 25% of these words, so this is no more than a guess.",
        ),
        ({"rnn": answer_knowing(0.0)}, "I know none of these words, so this is no more than a guess."),
    ],
)
def test_verdict_is_a_sentence(answers: dict[str, Answer], sentence: str) -> None:
    assert verdict(answers) == sentence


async def test_agreement_disagreement_and_lack_of_words_differ_in_colour() -> None:
    colours = [
        parts(ComparisonPanel(comparison_of(answers=answers)))[0]["accent_color"]
        for answers in ({"rnn": JOY, "bilstm": JOY}, {"rnn": FEAR, "bilstm": JOY}, {"rnn": answer_knowing(0.5)})
    ]
    assert len(set(colours)) == 3


async def test_table_of_many_labels_shows_as_many_as_fit() -> None:
    prediction = Prediction(tuple(f"number {place}" for place in range(200)), (0.5,) * 200, (0.3,) * 200)
    panel: Any = ComparisonPanel(comparison_of(answers={"rnn": Answer(prediction, 1.0)}, page=Page.ALL))
    validate_components(panel.to_components(), flags=COMPONENTS_V2)
    assert "number 30\n" in texts(panel)[2]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("mark", ["+", "😂"])
@pytest.mark.parametrize("page", Page)
async def test_longest_panel_fits_with_little_room_to_spare(page: Page, mark: str, locale: discord.Locale) -> None:
    """Four models that disagree, more labels than fit, and a text in which each word is marked and escaped."""
    labels = tuple(f"label {mark * 20} {place}" for place in range(200))
    answers = {
        name: Answer(Prediction(labels, tuple(place == number for place in range(200)), (0.3,) * 200), 12345.6)
        for number, name in enumerate(NAMES)
    }
    quotation = Quotation.from_text(f"{mark * 9} " * 400)
    words = list(re.finditer(r"\S+", quotation.text))
    shares = tuple(
        WordShare(word[0], word.start(), word.end(), 0.5 * (-1) ** place) for place, word in enumerate(words)
    )
    explanations = {} if page is Page.ALL else dict.fromkeys(answers, Explanation("joy", 0.9, shares))
    picture = "A picture." if page is Page.HEAT else None
    comparison = Comparison(quotation, 10**19, answers, explanations, picture, read=1000, before=answers)
    panel: Any = ComparisonPanel(comparison, translator(locale))
    validate_components(panel.to_components(), flags=COMPONENTS_V2)
    lengths = [len(text.encode("utf-16-le")) // 2 for text in texts(panel)]
    assert sum(lengths) <= MESSAGE_TEXT
    assert 970 < lengths[0] <= 1000
    if page is Page.ALL:
        assert 2300 < lengths[2] <= 2400
    else:
        marked = [len(text.splitlines()[-1].encode("utf-16-le")) // 2 for text in texts(panel)[2 : 2 + len(NAMES)]]
        assert all(270 < room <= 300 for room in marked)


FOUR_ANSWERS = {name: Answer(Prediction(LABELS, (1.0,) * len(LABELS), (0.3,) * len(LABELS)), 12345.6) for name in NAMES}


@given(
    st.text(alphabet=st.sampled_from("*_`~|\\>#[]() @everyhn\n😂字ب\u0301"), min_size=1),
    st.integers(1, 4000),
    st.sampled_from([0.5, -0.5, 0.0]),
    st.sampled_from([{"rnn": JOY, "bilstm": FEAR}, FOUR_ANSWERS]),
    st.sampled_from(Page),
    st.sampled_from(LOCALES),
)
@example("* ", 2000, -0.5, FOUR_ANSWERS, Page.HEAT, discord.Locale.german)
@example("@everyone ", 400, 0.5, FOUR_ANSWERS, Page.ALL, discord.Locale.french)
@example("[a](b) ", 700, 0.5, FOUR_ANSWERS, Page.TOP, discord.Locale.brazil_portuguese)
@example("👨‍👩‍👧‍👦", 570, 0.5, FOUR_ANSWERS, Page.TOP, discord.Locale.japanese)
@example("\n", 4000, 0.5, FOUR_ANSWERS, Page.TOP, discord.Locale.turkish)
@example("a\u0301\u0323", 1300, 0.5, FOUR_ANSWERS, Page.ALL, discord.Locale.spain_spanish)
async def test_any_text_fits_a_panel_in_any_language(
    text: str, times: int, share: float, answers: dict[str, Answer], page: Page, locale: discord.Locale
) -> None:
    text = Quotation.from_text((text * times)[:INPUT_TEXT]).text
    explanation = explanation_of(text, **dict.fromkeys(text.split(), share))
    panel: Any = ComparisonPanel(comparison_of(text, answers, page, explanation), translator(locale))
    validate_components(panel.to_components(), flags=COMPONENTS_V2)
    assert sum(len(shown.encode("utf-16-le", "surrogatepass")) // 2 for shown in texts(panel)) <= MESSAGE_TEXT
    assert len(parts(panel)) <= 40
    assert not any("@everyone" in shown for shown in texts(panel))
    if page is Page.ALL and len(answers) == 2:
        assert texts(panel)[2].count("\n") == len(LABELS)


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_forms_fit_in_every_language(locale: discord.Locale) -> None:
    async def unused(*_: Any) -> None: ...

    models = "rnn+gru+lstm+bilstm"
    validate_modal(ComparisonForm(models, unused, unused, translator(locale), blind=True).to_dict())
    for text in (None, "x" * INPUT_TEXT):
        validate_modal(VariationForm(text, unused, unused, translator(locale)).to_dict())


@given(st.floats(0, 1))
def test_bar_length_is_proportional_to_the_probability(probability: float) -> None:
    drawn = bar(probability)
    assert len(drawn) == 10
    assert abs(drawn.count("█") / 10 - probability) <= 0.1 + 1e-9
    assert bar(0) == " " * 10
    assert bar(1) == "█" * 10


def test_own_labels_are_shown_unchanged() -> None:
    labels = ("self_doubt", "happy", "neutral")
    prediction = Prediction(labels, (0.6, 0.3, 0.1), (0.3,) * 3, emoji={"happy": "😊"})
    answers = {"rnn": Answer(prediction, 1.0)}
    assert verdict(answers) == "Only the RNN is loaded; it heard **self\\_doubt** 🏷️."
    for page in (Page.TOP, Page.ALL):
        shown = "\n".join(texts(ComparisonPanel(comparison_of(answers=answers, page=page))))
        assert "🏷️ self\\_doubt\n" in shown
        assert "😊 happy\n" in shown
        assert "😐 neutral" in shown


@pytest.mark.parametrize("locale", LOCALES)
def test_hint_names_the_limit_of_a_text(locale: discord.Locale) -> None:
    assert re.sub(r"\D", "", translator(locale)(TEXT_HINT)) == str(INPUT_TEXT)
