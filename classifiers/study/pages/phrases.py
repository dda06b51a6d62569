"""Draw the page on which words of a phrase a gradient reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from classifiers.study.pages.page import BEFORE_OR_AFTER, BLUE, GREY, NARROW, ORANGE, WIDTH, Page, Table
from classifiers.study.phrases import NETWORKS

_TABLE = Table(
    "The gradient at each word, as a multiple of that at the chosen one",
    data="gradients",
    rows=("word", "token"),
    row_title="word",
    columns=("network", "moment"),
    values={"left": ""},
    where={"phrase": "phrase_phrase", "at": "at_at"},
)


def page(records: Sequence[Mapping[str, Any]]) -> Page:
    """Return the page that shows the result of `phrases.phrase_gradients`."""
    phrases = list(dict.fromkeys(record["phrase"] for record in records))
    count = max(record["at"] for record in records)
    phrase = alt.selection_point(
        "phrase", fields=["phrase"], bind=alt.binding_select(options=phrases, name="Phrase"), value=phrases[0]
    )
    at = alt.selection_point(
        "at",
        fields=["at"],
        bind=alt.binding_range(min=1, max=count, step=1, name="Word"),
        on="pointerover",
        clear=False,
        value=count,
    )
    words = [
        {"phrase": text, "at": number, "token": token}
        for text in phrases
        for number, token in enumerate(text.split(), 1)
    ]
    return Page(
        name="gradients",
        title="Which words does the gradient reach?",
        about="For the word that you point at: an RNN, an LSTM and a BiLSTM, before and after training.",
        how_to_read="the network predicts from the word that you point at or choose with the slider, and each point "
        "shows how large the gradient of the loss is at a word, as a multiple of that at the chosen word; a line ends "
        "where the network has read no further.",
        chart=alt.vconcat(
            _words(phrase, at), *(_lines(network, count, phrase, at) for network in NETWORKS.values()), spacing=12
        ),
        records={"gradients": records, "words": words},
        tables=(_TABLE,),
    )


def _words(phrase: alt.Parameter, at: alt.Parameter) -> alt.LayerChart:
    """Return the words of the chosen phrase, one of which the reader selects by pointing at it."""
    strip = alt.Chart(alt.NamedData("words"), width=WIDTH, height=48).transform_filter(phrase)
    strip = strip.encode(x=alt.X("at:O", axis=None))
    boxes = strip.mark_rect(cornerRadius=4, color=GREY).encode(
        opacity=alt.condition(at, alt.value(0.4), alt.value(0.1))
    )
    angle = alt.ExprRef(f"{NARROW} ? 270 : 0")
    named = strip.mark_text(fontSize=15, angle=angle, tooltip=None).encode(text="token:N")
    return alt.layer(boxes.add_params(at, phrase), named)


def _lines(network: str, count: int, phrase: alt.Parameter, at: alt.Parameter) -> alt.Chart:
    """Return a line chart of a network's gradient at each of up to `count` words, before and after training."""
    return (
        alt.Chart(alt.NamedData("gradients"), width=WIDTH, height=130, title=network)
        .transform_filter(alt.datum.network == network)
        .transform_filter(phrase)
        .transform_filter(at)
        .mark_line(point=alt.OverlayMarkDef(size=50), clip=True)
        .encode(
            x=alt.X("word:O", axis=None, scale=alt.Scale(domain=list(range(1, count + 1)))),
            y=alt.Y(
                "left:Q",
                title="gradient left",
                scale=alt.Scale(type="log", domain=[0.01, 10]),
                axis=alt.Axis(values=[0.01, 0.1, 1, 10]),
            ),
            color=alt.Color(
                "moment:N",
                scale=alt.Scale(domain=["start", "end"], range=[BLUE, ORANGE]),
                legend=alt.Legend(labelExpr=BEFORE_OR_AFTER),
            ),
            strokeDash=alt.condition(alt.datum.moment == "start", alt.value([5, 4]), alt.value([])),
            tooltip=[alt.Tooltip("token:N", title="word"), "moment:N", alt.Tooltip("left:Q", title="gradient")],
        )
    )
