"""The course is right: its code runs, its formulas are checked, and what it names exists."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
COURSE = ROOT / "docs" / "course"
CHAPTERS = sorted(COURSE.glob("[1-9]-*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"\$[^$\n]+\$")

PAGES = [*CHAPTERS, COURSE / "README.md", ROOT / "docs" / "study.md"]
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def sections(text: str) -> list[str]:
    return re.split(r"^(?=## )", text, flags=re.MULTILINE)


@each_chapter
def test_code_of_a_chapter_runs_from_top_to_bottom(chapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code compares itself with our layers. An error shows the chapter and its line."""
    monkeypatch.chdir(ROOT)
    text = chapter.read_text(encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": chapter.stem}
    ran = 0
    for block in BLOCK.finditer(text):
        if block[1] == "python":
            lines_before = text.count("\n", 0, block.start(2))
            exec(compile("\n" * lines_before + block[2], chapter, "exec"), namespace)  # noqa: S102 - our own snippet
            ran += 1
    assert ran >= 5
    assert "classifiers.nn.layers" in text


@each_chapter
def test_every_formula_is_followed_by_a_check_in_its_section(chapter: Path) -> None:
    checked = 0
    for section in sections(chapter.read_text(encoding="utf-8")):
        blocks = [(block[1], block[2]) for block in BLOCK.finditer(section)]
        kinds = ["check" if kind == "python" and re.search(r"assert", code) else kind for kind, code in blocks]
        if "math" in kinds:
            last = len(kinds) - 1 - kinds[::-1].index("math")
            assert "check" in kinds[last:], section.partition("\n")[0]
            checked += 1
    assert checked


@each_page
def test_inline_formulas_are_not_parsed_as_markdown(page: Path) -> None:
    """For example, an underscore after a bracket would begin emphasis and break the formula."""
    text = page.read_text(encoding="utf-8")
    source = re.sub(r"`[^`\n]+`", "", BLOCK.sub("", text))
    shown = "\n".join(
        "".join(part.content for part in token.children or () if part.type == "text")
        for token in MarkdownIt("commonmark").enable("table").parse(text)
    )
    formulae = INLINE.findall(source)
    assert formulae
    assert source.count("$") == 2 * len(formulae)
    assert [formula for formula in formulae if formula not in shown] == []
    assert [formula for formula in formulae if re.search(r"\$\s|\s\$$|[<>|]", formula)] == []
    assert re.findall(r"\w+¤|¤\w+", INLINE.sub("¤", source)) == []  # GitHub would show the dollar signs


@each_chapter
def test_variables_in_symbol_tables_exist_in_our_layers(chapter: Path) -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "classifiers" / "nn").rglob("*.py"))
    known = set(re.findall(r"\w+", sources))
    rows = re.findall(
        r"^\| symbol \| variable .*?(?=\n\n)", chapter.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    names = {
        name for table in rows for row in table.splitlines()[2:] for name in re.findall(r"[a-z_]\w*", row.split("|")[2])
    }
    assert names
    assert names - known == set()


@each_page
def test_links_of_a_page_exist(page: Path) -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_measurements_in_the_tables_match_the_study() -> None:
    """Three numbers of a row are side by side in a table of the study, and so are three counts, in brackets."""

    def rows(page: Path) -> list[tuple[str, str]]:
        return re.findall(r"^\| ([A-Z][^|]*) \| (.+) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)

    measured: dict[str, list[str]] = {}
    for name, cells in rows(ROOT / "docs" / "study.md"):
        counts = " | ".join(re.findall(r"\((\d)\)", cells))
        measured.setdefault(name.removesuffix(", from the left"), []).extend([cells, counts])
    cited = [(name, cells) for name, cells in rows(COURSE / "5-both-directions.md") if name in measured]
    assert len(cited) == 18
    for name, cells in cited:
        values = cells.split(" | ")
        for together in (" | ".join(values[:3]), " | ".join(values[3:])):
            assert any(together in row for row in measured[name]), (name, together)


def test_contents_list_every_chapter_under_its_title() -> None:
    contents = (COURSE / "README.md").read_text(encoding="utf-8")
    titles = [chapter.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ") for chapter in CHAPTERS]
    assert re.findall(r"\[(\d\. [^]]+)\]\(([^)]+)\)", contents) == [
        (title, chapter.name) for title, chapter in zip(titles, CHAPTERS, strict=True)
    ]


def test_figures_match_the_script_that_draws_them() -> None:
    script = COURSE / "figures.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
