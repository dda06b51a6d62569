"""Render pages: HTML, style sheet and script in one file, with Vega embedded so that they work offline."""

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
"""The colours of the style sheet, which defines them for light and dark."""

WIDTH = 640
"""The width of a chart in pixels; the script makes it narrower on a narrow page."""

NARROW = "width < 450"
"""A Vega expression: whether the chart is so narrow that words side by side would overlap."""

POWERS = "datum.value == 1 ? '1' : replace(format(datum.value, '.0e'), '+', '')"
"""A Vega expression for the labels of an axis of powers of ten: 1e-4, 1, 1e4."""

BEFORE_OR_AFTER = "(datum.label == 'start' ? 'before' : 'after') + ' training'"
"""A Vega expression for the two moments in a legend."""

INDEX_TITLE = "Interactive figures"
"""The title of the page that lists the others."""

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
    """The numbers of a chart as a table, for people who cannot see the chart.

    Attributes:
        caption: what the table shows.
        data: the name of the records.
        rows: the fields whose values name a row.
        row_title: the heading of the column with those names.
        columns: the fields whose values name a column.
        values: for each field that is shown, the suffix of its column's name, which may be empty.
        where: for each field that selects records, the Vega signal with the selected value; null selects all.
    """

    caption: str
    data: str
    rows: tuple[str, ...]
    row_title: str
    columns: tuple[str, ...]
    values: Mapping[str, str]
    where: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """A page with one interactive chart.

    Attributes:
        name: the name of its file, without the extension.
        title: its title.
        about: what it shows, for the list of all pages.
        how_to_read: how to read the chart, in one sentence.
        chart: the Altair chart, whose parts are `WIDTH` wide and refer to records by name.
        records: these records by name.
        tables: the same data as tables.
        notes: paragraphs of plain text below the chart.
    """

    name: str
    title: str
    about: str
    how_to_read: str
    chart: Any
    records: Mapping[str, Sequence[Mapping[str, Any]]]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()


def render_pages(pages: Sequence[Page]) -> dict[str, str]:
    """Return the HTML of each page, and of an index that lists them, by their file names."""
    html, style, script = (_FOLDER.joinpath(f"page.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    template = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(html)
    version = altair.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0]
    scripts = vl_convert.javascript_bundle(script, vl_version=version)
    rendered = {"index.html": template.render(title=INDEX_TITLE, style=style, pages=pages)}
    for page in pages:
        rendered[f"{page.name}.html"] = template.render(
            title=page.title, style=style, page=page, content=_content(page), script=scripts
        )
    return rendered


def _content(page: Page) -> str:
    """Return the data for the script, as JSON that is safe inside HTML."""
    chart = page.chart.properties(background="transparent", usermeta={"width": WIDTH}).configure(**_CONFIG)
    spec = chart.to_dict() | {"description": page.title, "datasets": page.records}
    content = {"spec": spec, "tables": [asdict(table) for table in page.tables]}
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")
