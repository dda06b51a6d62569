"""Draw the page on the gates, cells and states of the shipped BiLSTM while it reads a sentence."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from classifiers.nn.network import KINDS
from classifiers.study.findings import DIRECTIONS
from classifiers.study.gates import MEAN, UNITS
from classifiers.study.pages.page import BLUE, GREEN, NARROW, ORANGE, TEXT, WIDTH, Page, Table

_GATES = {"input": GREEN, "forget": BLUE, "output": ORANGE}
_TITLES = {DIRECTIONS[0]: "From the left →", DIRECTIONS[1]: "← From the right"}
_LARGEST = {"cell": 3, "state": 1}
"""The absolute value from which a cell or a state is drawn in full colour."""


_PLACE = alt.X("label:N", sort=None, title=None)
"""The words, by their place in the sentence."""

_TABLE = Table(
    "Gates, cell and state at each word",
    data="gates",
    rows=("place", "word"),
    row_title="word",
    columns=("direction",),
    values={name: f"{name} gate" for name in _GATES} | {name: name for name in _LARGEST},
    where={"sentence": "sentence_sentence", "layer": "layer_layer", "unit": "unit_unit"},
)


def page(records: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]) -> Page:
    """Return the page that shows the result of `gates.gate_records`."""
    sentences = [answer["sentence"] for answer in answers]
    sentence = alt.selection_point(
        "sentence", fields=["sentence"], bind=alt.binding_select(options=sentences, name="Sentence"), value=sentences[0]
    )
    layers = alt.binding_range(min=1, max=KINDS["bilstm"].depth, step=1, name="Layer")
    layer = alt.selection_point("layer", fields=["layer"], bind=layers, value=2)
    unit = _unit()
    shown = alt.param("shown", bind=alt.binding_select(options=[*_LARGEST], name="The rows show"), value="cell")
    charts = []
    for direction in DIRECTIONS:
        base = (
            alt.Chart(alt.NamedData("gates"), width=WIDTH)
            .transform_filter(alt.datum.direction == direction)
            .transform_filter(sentence)
            .transform_filter(layer)
            .transform_calculate(label="datum.place + ' ' + datum.word")
        )
        charts += [_lines(base.properties(title=_TITLES[direction]), unit), _cells(base, unit)]
    with warnings.catch_warnings():  # a selection in one part is meant to apply to all
        warnings.filterwarnings("ignore", "Automatically deduplicated", UserWarning)
        both = alt.vconcat(*charts, spacing=12).add_params(unit, layer, sentence)
        chart = alt.vconcat(_answer(sentence), both, spacing=12).add_params(shown)
    return Page(
        name="gates",
        title="What do the gates do while the BiLSTM reads?",
        about="Gates, cells and states of the shipped BiLSTM at each word of a sentence, in either direction.",
        how_to_read="at each word, a gate at 1 lets everything through and one at 0 nothing; the input gate controls "
        "what is written to the cell, the forget gate what the cell keeps, and the output gate what the next layer "
        "sees of it; in the rows below, orange is positive and blue negative, and if you point at a row or choose it, "
        "you see its own gates.",
        chart=chart,
        records={"gates": records, "answers": answers},
        tables=(_TABLE,),
    )


def _unit() -> alt.Parameter:
    """Return the control that selects the unit whose gates are shown."""
    units = list(range(UNITS + 1))
    labels = ["all units, their mean" if each == MEAN else f"unit {each}" for each in units]
    menu = alt.binding_select(options=units, labels=labels, name="Gates of")
    return alt.selection_point("unit", fields=["unit"], bind=menu, on="pointerover", clear=False, value=MEAN)


def _answer(sentence: alt.Parameter) -> alt.Chart:
    """Return a line of text with the network's answer to the chosen sentence."""
    return (
        alt.Chart(alt.NamedData("answers"), width=WIDTH, height=20)
        .transform_filter(sentence)
        .transform_calculate(said="'The BiLSTM says: ' + datum.answer")
        .mark_text(align="left", fontSize=15, x=0)
        .encode(text="said:N")
    )


def _lines(base: alt.Chart, unit: alt.Parameter) -> alt.Chart:
    """Return a line chart of the gates of the chosen unit at each word."""
    return (
        base.properties(height=120)
        .transform_filter(unit)
        .transform_fold([*_GATES], as_=["gate", "open"])
        .mark_line(point=alt.OverlayMarkDef(size=50))
        .encode(
            x=_PLACE.axis(None),
            y=alt.Y("open:Q", title="open", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(values=[0, 0.5, 1])),
            color=alt.Color(
                "gate:N",
                scale=alt.Scale(domain=[*_GATES], range=[*_GATES.values()]),
                legend=alt.Legend(labelExpr="datum.label + ' gate'"),
            ),
            strokeDash=alt.condition(alt.datum.gate == "input", alt.value([5, 4]), alt.value([])),
            tooltip=["word:N", "gate:N", "open:Q"],
        )
    )


def _cells(base: alt.Chart, unit: alt.Parameter) -> alt.LayerChart:
    """Return a heat map of the cell, or state, of each unit at each word, with a frame around the chosen unit."""
    single = base.properties(height=16 * UNITS).transform_filter(alt.datum.unit != MEAN)
    largest = " : ".join(f"shown == '{name}' ? {size}" for name, size in _LARGEST.items())
    cells = (
        single.transform_calculate(value="datum[shown]", size=f"abs(datum[shown]) / ({largest} : 1)")
        .mark_rect()
        .encode(
            x=_PLACE.axis(
                labelExpr="split(datum.label, ' ')[1]",
                labelAngle=alt.ExprRef(f"{NARROW} ? 270 : 0"),
                labelAlign=alt.ExprRef(f"{NARROW} ? 'right' : 'center'"),
                labelBaseline=alt.ExprRef(f"{NARROW} ? 'middle' : 'top'"),
                domain=False,
                ticks=False,
            ),
            y=alt.Y("unit:O", title="unit", axis=alt.Axis(ticks=False, domain=False)),
            color=alt.condition(alt.datum.value < 0, alt.value(BLUE), alt.value(ORANGE)),
            opacity=alt.Opacity("size:Q", scale=alt.Scale(domain=[0, 1], range=[0.03, 1], clamp=True), legend=None),
            tooltip=["word:N", "unit:O", "cell:Q", "state:Q"],
        )
    )
    frame = single.transform_filter(unit).transform_aggregate(groupby=["unit"])
    frame = frame.mark_rect(fillOpacity=0, stroke=TEXT, strokeWidth=2, tooltip=None).encode(y="unit:O")
    return alt.layer(cells, frame)
