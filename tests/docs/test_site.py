"""The documentation site is built from the repository, and its pages load nothing from elsewhere."""

import importlib.util
import re
from pathlib import Path

import pytest

pytest.importorskip("math_core", reason="run `pip install -e '.[docs]'` to check the documentation site")
pytest.importorskip("mkdocs", reason="run `pip install -e '.[docs]'` to check the documentation site")

from math_core import LatexError
from PIL import Image

ROOT = Path(__file__).parents[2]
PLACES = {
    "README.md": "index.md",
    "docs/study.md": "study.md",
    "docs/demo.png": "demo.png",
    "docs/demo-dark.png": "demo-dark.png",
}
README = (ROOT / "README.md").read_text(encoding="utf-8")
TALK = ("talk.webp", "talk-dark.webp", "talk-still.webp", "talk-dark-still.webp")
SITE = "https://example.org/emobot/"
OF_OURS = {"__main__", "command_line", "files", "memory", "processes", "starting"}
"""Modules of the package that serve its own parts only."""

_spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "docs" / "site_hooks.py")
assert _spec is not None
assert _spec.loader is not None
site_hooks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(site_hooks)


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("index.md", "docs/study.md", "study.md"),
        ("index.md", "docs/study.md#limits", "study.md#limits"),
        ("course/README.md", "../../README.md", "../index.md"),
        ("course/README.md", "../study.md", "../study.md"),
        ("report.md", "../../docs/study.md", "study.md"),
        ("index.md", ".env.example", "https://github.com/emobot-project/emobot/blob/main/.env.example"),
        (
            "course/README.md",
            "../../classifiers/nn/layers",
            "https://github.com/emobot-project/emobot/tree/main/classifiers/nn/layers",
        ),
        ("study.md", "#limits", "#limits"),
        ("study.md", "https://semver.org", "https://semver.org"),
        ("study.md", "nowhere.md", "nowhere.md"),
    ],
)
def test_link_points_to_a_page_or_else_to_the_repository(page: str, link: str, expected: str) -> None:
    assert site_hooks.for_mkdocs(f"see [this]({link}).", page, PLACES) == f"see [this]({expected})."


@pytest.mark.parametrize(
    ("page", "expected"),
    [("study.md", "./study/pages/gates.html"), ("course/5-both-directions.md", "../study/pages/gates.html")],
)
def test_link_to_the_site_itself_is_relative_so_that_it_is_checked(page: str, expected: str) -> None:
    shown = site_hooks.within_site(f"see [this]({SITE}study/pages/gates.html).", page, SITE)
    assert shown == f"see [this]({expected})."


PICTURE = """<picture>
  <source media="(prefers-color-scheme: dark)" srcset="docs/demo-dark.png">
  <img src="docs/demo.png"{width} alt="The demo">
</picture>"""


def test_picture_for_light_and_dark_follows_the_theme() -> None:
    shown = site_hooks.for_mkdocs(PICTURE.format(width=""), "index.md", PLACES)
    assert shown == "![The demo](demo.png#only-light) ![The demo](demo-dark.png#only-dark)"


def test_picture_keeps_its_width() -> None:
    shown = site_hooks.for_mkdocs(PICTURE.format(width=' width="49%"'), "index.md", PLACES)
    assert shown.count('){ width="49%" }') == 2


def test_animation_exists_in_both_themes_and_as_a_still_picture() -> None:
    [picture] = re.findall(r"<picture>(?:(?!</picture>).)*?reduced-motion.*?</picture>", README, re.DOTALL)
    shown = site_hooks.for_mkdocs(picture, "index.md", {f"docs/{name}": name for name in TALK})
    found = re.findall(r"!\[(.+?)\]\(([^#]+)#only-(\w+)\)\{ \.(\w+) loading=\"lazy\" width=\"60%\" \}", shown)
    assert [rest for _, *rest in found] == [
        ["talk.webp", "light", "moving"],
        ["talk-dark.webp", "dark", "moving"],
        ["talk-still.webp", "light", "still"],
        ["talk-dark-still.webp", "dark", "still"],
    ]
    assert all("Emobot reacts" in alt for alt, *_ in found)


@pytest.mark.parametrize("name", TALK)
def test_animation_is_small_and_loops(name: str) -> None:
    path = ROOT / "docs" / name
    assert path.stat().st_size < 500_000
    with Image.open(path) as picture:
        frames, loops = getattr(picture, "n_frames", 1), picture.info.get("loop")
    if "still" in name:
        assert frames == 1
    else:
        assert frames > 20
        assert loops == 0  # 0 means endlessly


@pytest.mark.parametrize("page", [ROOT / "README.md", *(ROOT / "docs").glob("*.md")], ids=lambda page: page.stem)
def test_pages_contain_no_html_that_hides_a_picture_on_the_site(page: Path) -> None:
    shown = site_hooks.for_mkdocs(page.read_text(encoding="utf-8"), "index.md", PLACES)
    assert re.findall(r"<(?:img|picture|source)\b", shown) == []


def test_folded_answers_are_rendered_as_markdown() -> None:
    assert "<details markdown>" in site_hooks.for_mkdocs("<details>\n\n**yes**\n", "study.md", PLACES)


def test_diagram_becomes_a_table_of_its_arrows() -> None:
    diagram = "```mermaid\nflowchart TD\n    a[the bot]\n    b[ui]\n    c[store]\n    a --> b\n    a --> c\n```\n"
    table = site_hooks.for_mkdocs(diagram, "architecture.md", PLACES)
    assert table == "| from | to |\n| --- | --- |\n| `the bot` | → `ui`, `store` |\n"


def test_diagram_without_arrows_is_unchanged() -> None:
    diagram = "```mermaid\npie\n```\n"
    assert site_hooks.for_mkdocs(diagram, "architecture.md", PLACES) == diagram


def test_inline_formula_becomes_mathml() -> None:
    shown = site_hooks.with_mathml(r'<p>the state <span class="arithmatex">\(h_t\)</span>.</p>')
    assert re.fullmatch(r"<p>the state <math><msub><mi>h</mi><mi>t</mi></msub></math>\.</p>", shown)


def test_block_formula_becomes_display_mathml() -> None:
    shown = site_hooks.with_mathml('<div class="arithmatex">\\[\na &lt; b\n\\]</div>')
    assert shown.startswith('<math display="block">')
    assert "&lt;" in shown
    assert "arithmatex" not in shown


def test_formula_with_an_unknown_command_is_refused() -> None:
    with pytest.raises(LatexError):
        site_hooks.with_mathml(r'<span class="arithmatex">\(\nosuchcommand\)</span>')


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ('<script src="https://cdn.example/a.js"></script>', "https://cdn.example/a.js"),
        ('<script src="//cdn.example/a.js"></script>', "//cdn.example/a.js"),
        ('<link rel="stylesheet" href="https://cdn.example/a.css">', "https://cdn.example/a.css"),
        ('<link rel="preconnect" href="https://fonts.example">', "https://fonts.example"),
        ('<img src="https://badges.example/a.svg">', "https://badges.example/a.svg"),
        ('<img srcset="a.png 1x, https://cdn.example/b.png 2x">', "https://cdn.example/b.png"),
        ("<style>@import 'https://cdn.example/a.css';</style>", "https://cdn.example/a.css"),
        ('<p style="background: url(https://cdn.example/a.png)">', "https://cdn.example/a.png"),
        ('<pre class="mermaid">', "Mermaid from unpkg.com"),
        ('<a class="md-source" href="https://github.com">', "figures from api.github.com"),
        ('<img src="missing.png">', "missing.png"),
    ],
)
def test_page_that_loads_from_elsewhere_is_reported(page: str, address: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    loaded = site_hooks.loaded_by_page(page)
    assert list(site_hooks.missing_files(loaded, f"{SITE}index.html", SITE, tmp_path)) == [address]


@pytest.mark.parametrize(
    "page",
    [
        '<a href="https://semver.org">',
        '<link rel="canonical" href="https://example.net/">',
        '<img src="data:image/png;base64,AAAA">',
        '<img src="../a.png#only-dark">',
        '<script src="/emobot/a.png?v=1"></script>',
        "<p>url(https://cdn.example/a.png)</p>",
    ],
)
def test_page_that_loads_only_from_the_site_is_accepted(page: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    loaded = site_hooks.loaded_by_page(page)
    assert list(site_hooks.missing_files(loaded, f"{SITE}study/index.html", SITE, tmp_path)) == []


def test_style_sheet_may_import_a_relative_file() -> None:
    assert site_hooks.loaded_by_style('@import url("a.css"); b { src: url(b.woff) }') == ["a.css", "b.woff"]


def test_every_page_of_docs_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    named = re.findall(r"(\S+\.md)$", navigation, re.MULTILINE)
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert sorted(named) == sorted(pages | {uri for uri in site_hooks.SOURCES if uri.endswith(".md")})


def test_reference_has_every_public_module() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "api").glob("*.md"))
    package = ROOT / "classifiers"
    files = [file for folder in (package, package / "nn", package / "nn" / "layers") for file in folder.glob("*.py")]
    names = {".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files if file.stem not in OF_OURS}
    public = {name for name in names if not name.endswith("__init__")} | {"classifiers.nn.layers"}
    assert sorted(re.findall(r"^::: (\S+)$", pages, re.MULTILINE)) == sorted(public)


def test_example_in_the_reference_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "api" / "index.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    exec(example, {})  # noqa: S102 - our own example
    top, reaction, certain = capsys.readouterr().out.splitlines()
    assert top.count("', 0.") == 3
    assert reaction.startswith("('")
    assert certain in {"True", "False"}


@pytest.mark.parametrize("file", [".ci/run", ".github/workflows/pages.yml"])
def test_ci_builds_the_site_with_warnings_as_errors(file: str) -> None:
    """With --quiet, MkDocs would not count warnings."""
    assert ".venv/bin/mkdocs build --strict\n" in (ROOT / file).read_text(encoding="utf-8")
