"""The page of gradients, to explore in a browser: Altair's charts with their scripts inside, so that it is offline."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from classifiers.errors import ClassifiersError
from classifiers.study.phrases import NETWORKS
from classifiers.study.report import END, START

_TITLE = "Which words does the gradient reach?"

_HOW_TO_READ = (
    "<b>How to read this:</b> the network predicts from the word that you point at or choose with the slider, and each "
    "point says how large the gradient of the loss is at a word, as a multiple of that at the chosen one; where a line "
    "ends, the network has not read any further."
)

# Vega draws SVG, whose colours a stylesheet overrides, so that the page follows light and dark as it is read.
_STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --page: #ffffff; --start: #0072B2; --end: #D55E00; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --page: #0d1117; --start: #56B4E9; --end: #F0955A; }
}
body { background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; max-width: 50rem;
  margin: 2rem auto; padding: 0 1rem; }
#vis svg { max-width: 100%; height: auto; }
#vis svg text { fill: var(--text); }
#vis svg [stroke="START"] { stroke: var(--start); }
#vis svg [fill="START"] { fill: var(--start); }
#vis svg [stroke="END"] { stroke: var(--end); }
#vis svg [fill="END"] { fill: var(--end); }
#vis.vega-embed { flex-direction: column; padding: 0; }
.vega-bindings { order: -1; }
.vega-bind { margin: .4rem 0; }
.vega-bind-name { display: inline-block; min-width: 5rem; }
""".replace("START", START).replace("END", END)


def check_altair() -> None:
    """Find out whether a page can be drawn, so that no network is trained in vain.

    Raises:
        ClassifiersError: Altair, or the package from which it takes the scripts, is not installed.
    """
    for package in ("altair", "vl_convert"):
        try:
            importlib.import_module(package)
        except ImportError:
            raise ClassifiersError('The page needs Altair: install it with pip install -e ".[pages]".') from None


def gradients_page(records: Sequence[Mapping[str, Any]]) -> str:
    """Return a page that shows the result of `phrases.phrase_gradients`."""
    import altair as alt  # noqa: PLC0415 - only this page needs it

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
    place = alt.X("at:O", axis=None)
    strip = alt.Chart(alt.Data(values=words), width=640, height=36).transform_filter(phrase).encode(x=place)
    chosen = strip.mark_rect(cornerRadius=4, color="#808080").encode(
        opacity=alt.condition(at, alt.value(0.35), alt.value(0.08))
    )
    charts: list[Any] = [
        alt.layer(chosen.add_params(at, phrase), strip.mark_text(fontSize=15, tooltip=None).encode(text="token:N"))
    ]
    moments = alt.Scale(domain=["start", "end"], range=[START, END])
    for title in NETWORKS.values():
        base = (
            alt.Chart(width=640, height=150, title=alt.Title(title, anchor="start"))
            .transform_filter(alt.datum.network == title)
            .transform_filter(phrase)
            .transform_filter(at)
        )
        lines = base.mark_line(point=alt.OverlayMarkDef(size=50), clip=True).encode(
            x=alt.X("word:O", axis=None, scale=alt.Scale(domain=list(range(1, count + 1)))),
            y=alt.Y(
                "left:Q",
                title="gradient",
                scale=alt.Scale(type="log", domain=[0.01, 10]),
                axis=alt.Axis(values=[0.01, 0.1, 1, 10], gridColor="#80808055"),
            ),
            color=alt.Color("moment:N", title="training", scale=moments),
            strokeDash=alt.condition(alt.datum.moment == "start", alt.value([5, 4]), alt.value([])),
            tooltip=["token:N", "moment:N", "left:Q"],
        )
        charts.append(lines)
    data = alt.Data(values=[dict(record) for record in records])
    chart = alt.vconcat(*charts, data=data, spacing=12, background="transparent").resolve_scale(color="shared")
    chart = chart.configure_view(stroke=None)
    drawn = chart.to_html(inline=True, embed_options={"renderer": "svg", "actions": False})
    return _framed(drawn)


def _framed(drawn: str) -> str:
    """Return Altair's page with a language, a title, a heading, the sentence on how to read it, and our style."""
    head = f'<title>{_TITLE}</title>\n<meta name="viewport" content="width=device-width">\n<style>{_STYLE}</style>'
    # The scripts name these tags, too, so it is their order that tells Altair's own.
    return drawn.replace("<html>", '<html lang="en">', 1).replace(
        "</head>\n<body>", f"{head}\n</head>\n<body>\n<h1>{_TITLE}</h1>\n<p>{_HOW_TO_READ}</p>", 1
    )
