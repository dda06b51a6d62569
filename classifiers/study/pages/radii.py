"""Draw the page on how the gradient depends on the spectral radius of the recurrent matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from classifiers.study.pages.page import BLUE, FAINT, GREEN, GREY, NARROW, ORANGE, POWERS, TEXT, WIDTH, Page, Table
from classifiers.study.radii import EXPONENT, GRADIENT, NORM, RADII, RADIUS, REACH, SEEDS, SINGULAR, SLOPE, STARTS

_COLOURS = {GRADIENT: ORANGE, EXPONENT: TEXT, **dict.fromkeys(SINGULAR, BLUE), RADIUS: GREEN, NORM: GREY}
_DASHES = {EXPONENT: [6, 4], SINGULAR[1]: [5, 3], SINGULAR[2]: [2, 3], NORM: [2, 2]}


_TABLES = (
    Table(
        "The factor of one step back, as a logarithm to base 10",
        data="by_radius",
        rows=("radius",),
        row_title="radius",
        columns=("quantity",),
        values={"slope": ""},
        where={"start": "start_start"},
    ),
    Table(
        "What is left of the gradient at the chosen radius",
        data="by_distance",
        rows=("back",),
        row_title="steps back",
        columns=("quantity",),
        values={"left": ""},
        where={"start": "start_start", "radius": "radius_radius"},
    ),
)


def page(by_distance: Sequence[Mapping[str, Any]], by_radius: Sequence[Mapping[str, Any]]) -> Page:
    """Return the page that shows the result of `radii.radius_records`."""
    starts = list(STARTS.values())
    start = alt.selection_point(
        "start", fields=["start"], bind=alt.binding_select(options=starts, name="Start"), value=starts[0]
    )
    radius = alt.selection_point(
        "radius",
        fields=["radius"],
        bind=alt.binding_range(min=RADII[0], max=RADII[-1], step=round(RADII[1] - RADII[0], 1), name="Spectral radius"),
        on="pointerover",
        nearest=True,
        clear=False,
        value=1.0,
    )
    return Page(
        name="radius",
        title="How large may the recurrent matrix be?",
        about="How an RNN's gradient changes with the spectral radius of its matrix, and what predicts it.",
        how_to_read="above, a straight falling line means that each step back loses the same share of the gradient, "
        "and a level line that nothing is lost; below, the gradient keeps its size where its line crosses 0, and the "
        "closer another line is to it, the better that number predicts the gradient.",
        chart=alt.vconcat(_lines(start, radius), _slopes(start, radius), spacing=24).resolve_scale(
            color="independent", strokeDash="independent"
        ),
        records={"by_distance": by_distance, "by_radius": by_radius},
        tables=_TABLES,
        notes=_notes(by_radius),
    )


def _lines(start: alt.Parameter, radius: alt.Parameter) -> alt.Chart:
    """Return a line chart of what is left, by steps back, at the chosen radius."""
    return (
        alt.Chart(alt.NamedData("by_distance"), width=WIDTH, height=260, title="What is left, by steps back")
        .transform_filter(start)
        .transform_filter(radius)
        .mark_line(clip=True)
        .encode(
            x=alt.X(
                "back:Q", title="steps back", scale=alt.Scale(domain=[0, REACH]), axis=alt.Axis(grid=False, tickCount=4)
            ),
            y=alt.Y(
                "left:Q",
                title="what is left",
                scale=alt.Scale(type="log", domain=[1e-12, 1e4]),
                axis=alt.Axis(values=[1e-12, 1e-8, 1e-4, 1, 1e4], labelExpr=POWERS),
            ),
            tooltip=["quantity:N", "back:Q", alt.Tooltip("left:Q", format=".2e")],
            **_line_encodings((GRADIENT, EXPONENT, *SINGULAR)),
        )
    )


def _slopes(start: alt.Parameter, radius: alt.Parameter) -> alt.LayerChart:
    """Return a line chart of the factor of one step back by radius, with a vertical rule at the chosen radius."""
    slopes = (
        alt.Chart(alt.NamedData("by_radius"), width=WIDTH, height=260, title="The factor of one step back, by radius")
        .transform_filter(start)
        .encode(x=alt.X("radius:Q", title="spectral radius", scale=alt.Scale(domain=[RADII[0], RADII[-1]])))
    )
    factor, tooltip = alt.Y("slope:Q", title="log₁₀ of the factor"), ["quantity:N", "radius:Q", "slope:Q"]
    lines = slopes.mark_line().encode(y=factor, tooltip=tooltip, **_line_encodings((GRADIENT, EXPONENT, RADIUS, NORM)))
    level = alt.Chart(alt.Data(values=[{"slope": 0}])).mark_rule(color=FAINT).encode(y=factor)
    chosen = slopes.transform_filter(radius).mark_rule(color=TEXT, strokeWidth=2).encode(tooltip=alt.value(None))
    points = slopes.mark_point(size=90, opacity=0).encode(y=factor, tooltip=tooltip)
    return alt.layer(level, lines, chosen, points.add_params(radius, start))


def _line_encodings(quantities: Sequence[str]) -> dict[str, Any]:
    """Return the encodings of colour, dashes and width for the lines of these quantities."""
    scale = alt.Scale(domain=list(quantities), range=[_COLOURS[each] for each in quantities])
    dashes = alt.Scale(domain=list(quantities), range=[_DASHES.get(each, [1, 0]) for each in quantities])
    legend = alt.Legend(columns=alt.ExprRef(f"{NARROW} ? 1 : 3"), symbolType="stroke", symbolSize=400)
    return {
        "color": alt.Color("quantity:N", scale=scale, legend=legend),
        "strokeDash": alt.StrokeDash("quantity:N", scale=dashes, legend=legend),
        "strokeWidth": alt.condition(alt.datum.quantity == GRADIENT, alt.value(3.5), alt.value(2)),
    }


def _notes(by_radius: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the notes, with the numbers that were measured."""
    level = {}
    for start in STARTS.values():
        slopes = [record for record in by_radius if record["start"] == start and record["quantity"] == GRADIENT]
        level[start] = min(slopes, key=lambda record: abs(record["slope"]))["radius"]
    near, far = SLOPE
    found = " and ".join(f"{radius} with the {start} start" for start, radius in level.items())
    return (
        f"The gradient keeps its size at a radius of about {found}, not at 1, because the slope of tanh is below 1 "
        "wherever a unit is not at zero. The spectral radius alone does not include this slope, and the spectral norm "
        "is only a bound; with the orthogonal start the two are the same. The Lyapunov exponent takes both into "
        "account, the matrix and the slopes: it is the mean logarithm of the factor by which a step stretches a "
        "small change of the state, over hundreds of steps. Above 0, such changes grow, and the network is chaotic.",
        "What is measured: the study's untrained tanh networks, with their recurrent matrix scaled to the radius that "
        f"you choose, read random letters. All lines are means over {SEEDS} seeds, and the slope of the measured "
        f"gradient is that between {near} and {far} steps back.",
    )
