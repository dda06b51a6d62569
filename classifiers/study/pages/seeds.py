"""Draw the page on the memory task, seed by seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt

from classifiers.study.findings import DIRECTIONS, SMALLEST, TITLES, long_settings, memory_settings
from classifiers.study.pages.page import BEFORE_OR_AFTER, BLUE, FAINT, NARROW, ORANGE, POWERS, WIDTH, Page, Table

_CHOSEN = {"network": "network_network", "seed": "seed_seed"}
_TABLES = (
    Table(
        "The share of letters that were named correctly, by steps from the end",
        data="accuracies",
        rows=("network", "seed"),
        row_title="network and seed",
        columns=("distance",),
        values={"accuracy": ""},
        where=_CHOSEN,
    ),
    Table(
        "What is left of the gradient, by steps back",
        data="gradients",
        rows=("network", "seed", "direction", "moment"),
        row_title="network, seed and moment",
        columns=("back",),
        values={"left": ""},
        where=_CHOSEN,
    ),
)


def page(numbers: Mapping[str, Any]) -> Page:
    """Return the page with the memory task's accuracies and gradients, from the content of `numbers.json`."""
    accuracies, gradients = list(accuracy_records(numbers)), list(gradient_records(numbers))
    settings, longer = memory_settings(numbers), long_settings(numbers)
    networks = [TITLES[row] for row in numbers["memory"]]
    seeds = sorted({record["seed"] for record in accuracies})
    network = alt.selection_point(
        "network",
        fields=["network"],
        bind=alt.binding_select(options=[None, *networks], labels=["all", *networks], name="Network"),
        value=networks[0],
    )
    seed = alt.selection_point(
        "seed",
        fields=["seed"],
        bind=alt.binding_select(options=[None, *seeds], labels=["all", *map(str, seeds)], name="Seed"),
    )
    pointed = alt.selection_point("pointed", fields=["network", "seed"], on="pointerover", clear="pointerout")
    rows = _rows(len(networks))
    dots = _dots(rows, seeds, [*settings.distances, *longer.distances], network & seed & pointed)
    return Page(
        name="memory",
        title="How far back do they remember, seed by seed?",
        about="What each network and seed named correctly, and its gradient before and after training.",
        how_to_read="each dot is one training run, with the seeds from left to right, and the fuller it is, the more "
        "letters it named correctly; choose a network or a seed, or point at a dot, to see below what is left of the "
        "gradient.",
        chart=alt.vconcat(
            alt.layer(_names(rows), dots.add_params(pointed, seed, network)),
            _gradients(settings.shown, network & seed & pointed),
            spacing=24,
        ).resolve_scale(color="independent"),
        records={"accuracies": accuracies, "gradients": gradients},
        tables=_TABLES,
        notes=(
            f"Each network was trained for {settings.updates:,} updates, and for {longer.updates:,} where it had to "
            f"remember {longer.distances[0]} steps.",
        ),
    )


def _rows(count: int) -> alt.Chart:
    """Return the base chart of the upper part, in which each network has a row."""
    return alt.Chart(alt.NamedData("accuracies"), width=WIDTH, height=42 * count).encode(
        y=alt.Y("network:N", axis=None, sort=None)
    )


def _names(rows: alt.Chart) -> alt.Chart:
    """Return a text mark with the name of each network, above its dots."""
    names = rows.transform_aggregate(groupby=["network"])
    return names.mark_text(align="left", fontSize=13, x=0, yOffset=-14, tooltip=None).encode(text="network:N")


def _dots(rows: alt.Chart, seeds: Sequence[int], distances: Sequence[int], chosen: Any) -> alt.Chart:
    """Return a dot for each training run; those that are not chosen are pale."""
    size = alt.ExprRef(f"{NARROW} ? 25 : 110")
    return rows.mark_circle(size=size, strokeWidth=1.5, yOffset=5).encode(
        x=alt.X(
            "distance:O",
            title="steps to remember",
            scale=alt.Scale(domain=distances, paddingInner=0.25),
            axis=alt.Axis(labelAngle=0, domain=False, ticks=False),
        ),
        xOffset=alt.XOffset("seed:O", scale=alt.Scale(domain=seeds)),
        color=alt.value(BLUE),
        stroke=alt.value(BLUE),
        fillOpacity=alt.FillOpacity("accuracy:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None),
        opacity=alt.condition(chosen, alt.value(1), alt.value(0.35)),
        tooltip=["network:N", "seed:O", "distance:O", alt.Tooltip("accuracy:Q", format=".0%")],
    )


def _gradients(shown: int, chosen: Any) -> alt.LayerChart:
    """Return a line chart of the gradient by steps back in the chosen training runs, at distance `shown`."""
    title = f"The gradient, for {shown} steps to remember"
    lines = alt.Chart(alt.NamedData("gradients"), width=WIDTH, height=220, title=title).transform_filter(chosen)
    lines = lines.mark_line(clip=True, strokeWidth=1.5).encode(
        x=alt.X(
            "back:Q",
            title="steps back",
            scale=alt.Scale(domain=[0, 2 * shown]),
            axis=alt.Axis(grid=False, tickCount=4),
        ),
        y=alt.Y(
            "left:Q",
            title="what is left",
            scale=alt.Scale(type="log", domain=[1e-8, 1e4]),
            axis=alt.Axis(values=[1e-8, 1e-4, 1, 1e4], labelExpr=POWERS),
        ),
        color=alt.Color(
            "moment:N",
            scale=alt.Scale(domain=["start", "end"], range=[BLUE, ORANGE]),
            legend=alt.Legend(labelExpr=BEFORE_OR_AFTER, symbolType="stroke", symbolSize=400),
        ),
        strokeDash=alt.condition(alt.datum.moment == "start", alt.value([5, 4]), alt.value([])),
        detail=["network:N", "seed:O", "direction:N"],
        tooltip=["network:N", "seed:O", "direction:N", "moment:N", "back:Q", alt.Tooltip("left:Q", format=".2e")],
    )
    marked = alt.Chart(alt.Data(values=[{"back": shown}])).mark_rule(color=FAINT, strokeDash=[2, 3]).encode(x="back:Q")
    return alt.layer(marked, lines)


def accuracy_records(numbers: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield "network", "seed", "distance" and "accuracy" for each network of the memory task; seeds count from 1.

    The longer training is included, with its last accuracy.
    """
    [longest] = long_settings(numbers).distances
    for row, runs in numbers["memory"].items():
        for seed, run in enumerate(runs, start=1):
            for distance, accuracy in run["accuracy"].items():
                yield {"network": TITLES[row], "seed": seed, "distance": int(distance), "accuracy": accuracy}
        for seed, run in enumerate(numbers["long"][row], start=1):
            *_, accuracy = run["accuracy"].values()
            yield {"network": TITLES[row], "seed": seed, "distance": longest, "accuracy": accuracy}


def gradient_records(numbers: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what is "left" of the gradient "back" steps back, as a multiple of that at the last step read.

    There are records for each network, seed, direction and moment, "start" or "end" of training.
    """
    for row, runs in numbers["memory"].items():
        for seed, run in enumerate(runs, start=1):
            for moment in ("start", "end"):
                for direction, norms in zip(DIRECTIONS, run[moment], strict=False):
                    about = {"network": TITLES[row], "seed": seed, "direction": direction, "moment": moment}
                    for back, norm in enumerate(norms):
                        yield {**about, "back": back, "left": float(f"{max(norm, SMALLEST) / norms[0]:.2g}")}
