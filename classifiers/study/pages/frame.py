"""What all pages of pictures share: their HTML, style and script, with Vega inside, so that they work offline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

import altair
import jinja2
import vl_convert

TEXT, FAINT, LINE = "var(--text)", "var(--faint)", "var(--line)"
BLUE, ORANGE, GREEN, GREY = "var(--blue)", "var(--orange)", "var(--green)", "var(--grey)"
"""The colours of the style sheet, which has them for light and for dark."""

WIDTH = 640
"""How wide a chart is, in pixels, where the page has room; the script makes it narrower where it has not."""

NARROW = "width < 450"
"""A condition in Vega's language: whether words beside each other would overlap."""

POWERS = "datum.value == 1 ? '1' : replace(format(datum.value, '.0e'), '+', '')"
"""How the labels of an axis of powers of ten are written: 1e-4, 1, 1e4."""

BEFORE_OR_AFTER = "(datum.label == 'start' ? 'before' : 'after') + ' training'"
"""How the two moments are written in a legend."""

ALL_PICTURES = "Pictures to explore"

_FOLDER = files(__package__)

_CONFIG = {
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "title": {"anchor": "start", "color": TEXT, "fontSize": 15},
    "text": {"color": TEXT},
    "axis": {
        "domainColor": FAINT,
        "gridColor": LINE,
        "labelColor": TEXT,
        "labelFontSize": 12,
        "tickColor": FAINT,
        "titleColor": TEXT,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
    },
    "axisX": {"labelFlush": False},
    "axisY": {"minExtent": 44, "maxExtent": 44},
    "legend": {
        "labelColor": TEXT,
        "labelFontSize": 13,
        "labelLimit": 300,
        "orient": "top",
        "symbolStrokeWidth": 2,
        "title": None,
    },
}


@dataclass(frozen=True, slots=True)
class Table:
    """The same numbers as in a chart, for who does not see it.

    Attributes:
        caption: what the table tells.
        data: the name of the records.
        rows: the fields whose values name a row.
        row_title: the head of the column of those names.
        columns: the fields whose values name a column.
        values: for each field that is told, what follows in the column's name, perhaps nothing.
        where: for each field by which records are chosen, the signal of Vega with the chosen value; null chooses all.
    """

    caption: str
    data: str
    rows: tuple[str, ...]
    row_title: str
    columns: tuple[str, ...]
    values: Mapping[str, str]
    where: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Picture:
    """What one page shows.

    Attributes:
        name: the name of its file, without the ending.
        title: its title.
        about: what it shows, for the list of all pictures.
        how_to_read: how to read it, in one sentence.
        chart: Altair's chart, whose parts are `WIDTH` wide and name their records.
        records: those records by name.
        tables: the same as tables.
        notes: what there is to see; paragraphs of plain text.
    """

    name: str
    title: str
    about: str
    how_to_read: str
    chart: Any
    records: Mapping[str, Sequence[Mapping[str, Any]]]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()


def pages_of(pictures: Sequence[Picture]) -> dict[str, str]:
    """Return a page for each picture, and one that lists them, by the names of their files."""
    html, style, script = (_FOLDER.joinpath(f"page.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    template = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(html)
    version = altair.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0]
    scripts = vl_convert.javascript_bundle(script, vl_version=version)
    pages = {"index.html": template.render(title=ALL_PICTURES, style=style, pictures=pictures)}
    for picture in pictures:
        pages[f"{picture.name}.html"] = template.render(
            title=picture.title, style=style, picture=picture, content=_content(picture), script=scripts
        )
    return pages


def _content(picture: Picture) -> str:
    """Return what the script shows, as JSON that may stand in HTML."""
    chart = picture.chart.properties(background="transparent", usermeta={"width": WIDTH}).configure(**_CONFIG)
    spec = chart.to_dict() | {"description": picture.title, "datasets": picture.records}
    content = {"spec": spec, "tables": [asdict(table) for table in picture.tables]}
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")
