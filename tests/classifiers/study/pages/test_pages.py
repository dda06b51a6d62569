"""The interactive pages work offline, by keyboard, and for people who cannot see the charts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from classifiers.study.findings import DIRECTIONS
from classifiers.study.gates import SENTENCES, UNITS
from classifiers.study.radii import EXPONENT, GRADIENT, NORM, RADII, RADIUS, SINGULAR, STARTS
from classifiers.study.settings import FULL_LONG, as_json

if TYPE_CHECKING:
    from classifiers.study.pages.page import Page

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not (find_spec("altair") and find_spec("vl_convert")), reason="run `pip install -e '.[pages]'`"),
]

NUMBERS = Path("docs/study/numbers.json")

GRADIENTS = [
    {"phrase": "not bad", "network": network, "moment": moment, "at": 2, "word": word, "token": token, "left": word / 2}
    for network in ("RNN", "LSTM", "BiLSTM")
    for moment in ("start", "end")
    for word, token in ((1, "not"), (2, "</script>"))
]
GATES = [
    {"sentence": SENTENCES[0], "layer": layer, "direction": direction, "unit": unit, "place": 1, "word": "great"}
    | dict.fromkeys(("input", "forget", "output", "cell", "state"), 0.5)
    for layer in (1, 2, 3)
    for direction in DIRECTIONS
    for unit in range(UNITS + 1)
]
ANSWERS = [{"sentence": SENTENCES[0], "answer": "joy, 90%"}]
BY_DISTANCE, BY_RADIUS = (
    [
        {"start": start, "radius": radius, "quantity": quantity, "back": 0, "left": 1, "slope": radius - level}
        for start, level in zip(STARTS.values(), (1.3, 1.6), strict=True)
        for radius in RADII
        for quantity in quantities
    ]
    for quantities in ((GRADIENT, EXPONENT, *SINGULAR), (GRADIENT, EXPONENT, RADIUS, NORM))
)


@pytest.fixture(scope="module")
def drawn() -> list[Page]:
    from classifiers.study.pages import gates, phrases, radii, seeds

    return [
        phrases.page(GRADIENTS),
        gates.page(GATES, ANSWERS),
        radii.page(BY_DISTANCE, BY_RADIUS),
        seeds.page(json.loads(NUMBERS.read_text(encoding="utf-8"))),
    ]


@pytest.fixture(scope="module")
def pages(drawn: list[Page]) -> Iterator[Mapping[str, str]]:
    import vl_convert

    from classifiers.study.pages.page import render_pages

    def without_vega(own: str, vl_version: str) -> str:
        """Return the script without Vega, which takes seconds to bundle; `docs/screenshots.py` tests it."""
        assert vl_version in vl_convert.get_vegalite_versions()
        return own

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vl_convert, "javascript_bundle", without_vega)
        yield render_pages(drawn)


def content(page: str) -> dict[str, Any]:
    """Return the data that the script of a page shows."""
    [text] = re.findall(r'<script type="application/json" id="content">(.*?)</script>', page, re.DOTALL)
    found: dict[str, Any] = json.loads(text)
    return found


def test_each_page_is_rendered_and_listed_in_the_index(pages: Mapping[str, str], drawn: list[Page]) -> None:
    assert list(pages) == ["index.html", "gradients.html", "gates.html", "radius.html", "memory.html"]
    assert re.findall(r'<a href="(.*?)">(.*?)</a>', pages["index.html"]) == [
        (f"{page.name}.html", page.title) for page in drawn
    ]


def test_pages_load_nothing_from_elsewhere(pages: Mapping[str, str]) -> None:
    for name, page in pages.items():
        written = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
        assert "Content-Security-Policy\" content=\"default-src 'none'" in written
        assert re.findall(r"""(?:src|href)=["']?([^"'\s>]+)""", written) == (
            ["index.html"] if name != "index.html" else [other for other in pages if other != "index.html"]
        )
        assert not re.search(r"<link|@import|url\(", written)
        assert "vegaEmbed(" in page or name == "index.html"


def test_data_cannot_close_the_script_element(pages: Mapping[str, str]) -> None:
    records = content(pages["gradients.html"])["spec"]["datasets"]["gradients"]
    assert {record["token"] for record in records} == {"not", "</script>"}


def test_each_page_says_in_one_sentence_how_to_read_it(pages: Mapping[str, str]) -> None:
    for name, page in pages.items():
        if name != "index.html":
            [sentence] = re.findall(r"<p><b>How to read this:</b> (.*?)</p>", page)
            assert sentence.endswith(".")
            assert sentence.count(". ") == 0
            assert page.count("<h1>") == 1


def test_controls_and_tables_refer_to_existing_records(pages: Mapping[str, str]) -> None:
    """Each table has records for every value that can be chosen with the keyboard."""
    import vl_convert

    for name, page in pages.items():
        if name == "index.html":
            continue
        shown = content(page)
        compiled = vl_convert.vegalite_to_vega(shown["spec"])
        signals = {signal["name"]: signal.get("bind", {}).get("input") for signal in compiled["signals"]}
        chosen = {signal for table in shown["tables"] for signal in table["where"].values()}
        assert {signals[signal] for signal in chosen} <= {"range", "select"}
        assert {signal for signal, bound in signals.items() if bound} - {"shown"} == chosen
        for table in shown["tables"]:
            for record in shown["spec"]["datasets"][table["data"]]:
                assert {*table["rows"], *table["columns"], *table["values"], *table["where"]} <= record.keys()


def test_notes_name_the_radius_at_which_the_gradient_keeps_its_size(pages: Mapping[str, str]) -> None:
    assert "about 1.3 with the orthogonal start and 1.6 with the Glorot start" in pages["radius.html"]


def test_memory_page_shows_each_seed() -> None:
    from classifiers.study.pages import seeds

    numbers = {
        "settings": {"long": as_json(FULL_LONG)},
        "long": {"bilstm": [{"accuracy": {"400": 0.1, "800": 0.9}}]},
        "memory": {
            "bilstm": [{"accuracy": {"2": 1.0, "5": 0.2}, "start": [[4.0, 2.0], [5.0, 0.0]], "end": [[1.0, 3.0]] * 2}]
        },
    }
    about = {"network": "BiLSTM", "seed": 1}
    assert list(seeds.accuracy_records(numbers)) == [
        about | {"distance": 2, "accuracy": 1.0},
        about | {"distance": 5, "accuracy": 0.2},
        about | {"distance": 80, "accuracy": 0.9},
    ]
    start = [record for record in seeds.gradient_records(numbers) if record["moment"] == "start"]
    assert [(record["direction"], record["back"], record["left"]) for record in start] == [
        ("from the left", 0, 1),
        ("from the left", 1, 0.5),
        ("from the right", 0, 1),
        ("from the right", 1, 2e-13),
    ]


def test_all_pages_are_built_from_the_records_of_their_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    from classifiers.study.pages import build

    monkeypatch.setattr(build, "phrase_gradients", lambda: GRADIENTS)
    monkeypatch.setattr(build, "gate_records", lambda: (GATES, ANSWERS))
    monkeypatch.setattr(build, "radius_records", lambda: (BY_DISTANCE, BY_RADIUS))
    monkeypatch.setattr(build, "render_pages", lambda pages: {page.name: page for page in pages})
    rendered = build.build_pages(json.loads(NUMBERS.read_text(encoding="utf-8")))
    assert list(rendered) == ["gradients", "gates", "radius", "memory"]
