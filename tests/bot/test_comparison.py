from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.ui.comparison import bar, comparison_embed, quote, verdict
from classifiers import Answer
from tests.bot.scripted import believing

JOY = Answer(believing(joy=0.9, love=0.5, pride=0.25), 0.44)
FEAR = Answer(believing(fear=0.7), 12.3)


def test_both_models_stand_side_by_side() -> None:
    embed = comparison_embed("what a day", {"rnn": FEAR, "bilstm": JOY})
    assert embed.description == (
        "> what a day\n\nThe models disagree: the RNN reads **fear** 😨, the BiLSTM reads **joy** 😃."
    )
    rnn, bilstm = embed.fields
    assert (rnn.name, bilstm.name) == ("RNN · 12.3 ms", "BiLSTM · 0.4 ms")
    assert rnn.inline
    assert bilstm.inline
    assert bilstm.value == ("😃 joy\n`█████████ ` 90%\n❤️ love\n`█████     ` 50%\n🦁 pride\n`██▌       ` 25%")


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"rnn": JOY, "bilstm": JOY}, "The models agree: both read **joy** 😃."),
        ({"rnn": FEAR}, "Only the RNN is loaded; it reads **fear** 😨."),
        (
            {"rnn": Answer(believing(neutral=0.8), 1.0), "bilstm": JOY},
            "The models disagree: the RNN reads **neutral** 😐, the BiLSTM reads **joy** 😃.",
        ),
    ],
)
def test_the_verdict_is_a_sentence(answers: dict[str, Answer], sentence: str) -> None:
    assert verdict(answers) == sentence


def test_agreement_and_disagreement_differ_in_colour() -> None:
    assert (
        comparison_embed("x", {"rnn": JOY, "bilstm": JOY}).colour
        != comparison_embed("x", {"rnn": JOY, "bilstm": FEAR}).colour
    )


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("**bold** _it_ `code` ~~no~~ ||psst||", r"\*\*bold\*\* \_it\_ \`code\` \~\~no\~\~ \|\|psst\|\|"),
        ("# big\n> quote\n- item", r"\# big > quote - item"),
        ("[click](https://example.com)", r"\[click](https://example.com)"),
        ("@everyone <@123456789012345678>", "@\u200beveryone <@\u200b123456789012345678>"),
        ("two\n\n\nlines", "two lines"),
        ("x" * 501, "x" * 499 + "…"),
    ],
)
def test_quotes_are_harmless(text: str, quoted: str) -> None:
    assert quote(text) == quoted


@given(st.text(alphabet=st.sampled_from("*_`~|\\>#[]() @everyhn\n😂字ب\u0301")), st.integers(1, 60))
@settings(max_examples=100, derandomize=True, deadline=None)
@example("*", 4000)
@example("@everyone", 500)
@example("[a](b)", 700)
@example("👨‍👩‍👧‍👦", 600)
def test_any_text_fits_an_embed(text: str, times: int) -> None:
    embed = comparison_embed(text * times, {"rnn": JOY, "bilstm": FEAR})
    assert embed.description
    assert len(embed.description.encode("utf-16-le")) / 2 <= 4096
    assert all(len(field.name or "") <= 256 and len(field.value or "") <= 1024 for field in embed.fields)
    assert len(embed) <= 6000
    assert "@everyone" not in embed.description


@given(st.floats(0, 1))
@settings(max_examples=100, derandomize=True, deadline=None)
def test_bars_are_as_long_as_the_probability(probability: float) -> None:
    drawn = bar(probability)
    assert len(drawn) == 10
    assert abs(drawn.count("█") / 10 - probability) <= 0.1 + 1e-9
    assert bar(0) == " " * 10
    assert bar(1) == "█" * 10
