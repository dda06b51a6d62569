"""Make the documentation site of what the repository holds, for MkDocs, which calls the functions named `on_...`.

The README and other files outside docs are pages of the site as they are. The pictures to explore are computed, which
takes half a minute. Links that lead to no page lead to the repository. Formulae become MathML, which browsers show
without a script, and diagrams tables. What is built is looked through: a page may load nothing from elsewhere, nor what
is not there.
"""

from __future__ import annotations

import functools
import html
import logging
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from math_core import LatexError, LatexToMathML
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, InclusionLevel

from classifiers.study.runs import read_numbers

ROOT = Path(__file__).parents[1]
BRANCH = "https://github.com/emobot-project/emobot/{kind}/main/{path}"
SOURCES = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "report.md": "classifiers/pretrained/report.md",
    "report/calibration.png": "classifiers/pretrained/calibration.png",
    "report/confusion.png": "classifiers/pretrained/confusion.png",
    "report/label_f1.png": "classifiers/pretrained/label_f1.png",
    "report/training.png": "classifiers/pretrained/training.png",
}
"""The files outside docs that are in the site, by their place there."""

PICTURES = "study/pages"
"""The place in the site of the pictures to explore."""

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]+)")
_PICTURE = re.compile(
    r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">\s*'
    r'<img src="([^"]+)"(?: width="([^"]+)")? alt="([^"]*)">\s*</picture>'
)
_MOVING = re.compile(
    r"<picture>\s*"
    r'<source media="\(prefers-reduced-motion: reduce\) and \(prefers-color-scheme: dark\)" srcset="([^"]+)">\s*'
    r'<source media="\(prefers-reduced-motion: reduce\)" srcset="([^"]+)">\s*'
    r'<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">\s*'
    r'<img src="([^"]+)" width="([^"]+)" alt="([^"]*)">\s*</picture>'
)
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
_STYLE_URL = re.compile(r"""(?:@import\s+(?:url\()?|url\()\s*["']?([^"')\s]+)""")
_DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_MATHML = LatexToMathML(fancy_error=False)

_LOADING = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "dns-prefetch", "prefetch", "manifest"}
"""The values of `rel` with which a <link> loads something."""

_BY_SCRIPT = {"mermaid": "Mermaid from unpkg.com", "md-source": "figures from api.github.com"}
"""For classes of elements, what Material's script would load for them."""

_log = logging.getLogger("mkdocs.hooks.site")


def on_files(files: Any, config: Any) -> Any:
    """Add what is in the site, but not in docs."""
    for uri, source in SOURCES.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / source)))
    for name, page in _pictures().items():
        uri = f"{PICTURES}/{name}"
        if written := files.get_file_from_path(uri):  # by `train.py study --pages`, perhaps long ago
            files.remove(written)
        files.append(File.generated(config, uri, content=page, inclusion=InclusionLevel.INCLUDED))
    return files


@functools.cache
def _pictures() -> dict[str, str]:
    """Return the pages of pictures, computed once however often `mkdocs serve` builds the site."""
    from classifiers.study.pages.everything import study_pages  # noqa: PLC0415 - the tests need none of it

    _log.info("Computing the pictures to explore, which takes half a minute")
    return study_pages(read_numbers(ROOT / "docs" / "study" / "numbers.json"))


def on_page_markdown(markdown: str, *, page: Any, files: Any, config: Any, **_: Any) -> str:
    """Return a page as MkDocs reads it: the repository's links and pictures are written for GitHub."""
    markdown = within_site(markdown, page.file.src_uri, config.site_url)
    uris = [file.src_uri for file in files if file.inclusion.is_included()]
    places = {SOURCES.get(uri, f"docs/{uri}"): uri for uri in uris}
    return for_mkdocs(markdown, page.file.src_uri, places)


def on_page_content(content: str, *, page: Any, **_: Any) -> str:
    """Return the page with MathML for its formulae."""
    try:
        return with_mathml(content)
    except LatexError as error:
        raise PluginError(f"{page.file.src_uri} has a formula that cannot be shown: {error}") from error


def on_post_build(config: Any) -> None:
    """Warn of each page that loads something from elsewhere, or that is not there; MkDocs fails if it is strict."""
    site = Path(config.site_dir)
    for file in sorted(site.rglob("*.html")) + sorted(site.rglob("*.css")):
        name = file.relative_to(site).as_posix()
        text = file.read_text(encoding="utf-8")
        loaded = loaded_by_style(text) if file.suffix == ".css" else loaded_by_page(text)
        for address in unfit(loaded, urljoin(config.site_url, name), config.site_url, site):
            _log.warning("%s loads %s, which is not in the site", name, address)


def within_site(markdown: str, uri: str, site_url: str) -> str:
    """Return Markdown whose links to the site itself, which GitHub's readers need, are relative and so are checked.

    Args:
        markdown: the text.
        uri: the page's place in the site.
        site_url: where the site begins.
    """
    return markdown.replace(f"]({site_url}", f"]({posixpath.relpath('.', posixpath.dirname(uri) or '.')}/")


def for_mkdocs(markdown: str, uri: str, places: Mapping[str, str]) -> str:
    """Return Markdown that was written for GitHub as MkDocs reads it.

    Args:
        markdown: the text.
        uri: the page's place in the site.
        places: for each file of the repository that is in the site, its place there.
    """
    markdown = _MOVING.sub(moving_or_still, _PICTURE.sub(in_both_themes, markdown))
    markdown = markdown.replace("<details>", "<details markdown>")
    markdown = _DIAGRAM.sub(lambda diagram: as_table(diagram[1]) or diagram[0], markdown)
    folder = posixpath.dirname(SOURCES.get(uri, f"docs/{uri}"))

    def redirected(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, link[1]))
        if path in places:
            return posixpath.relpath(places[path], posixpath.dirname(uri) or ".")
        if (ROOT / path).exists():
            return BRANCH.format(kind="tree" if (ROOT / path).is_dir() else "blob", path=path)
        return link[1]

    return _LINK.sub(redirected, markdown)


def in_both_themes(picture: re.Match[str]) -> str:
    """Return both versions of a picture, of which Material shows the one for the reader's theme."""
    dark, light, width, alt = picture.groups()
    style = f'{{ width="{width}" }}' if width else ""
    return f"![{alt}]({light}#only-light){style} ![{alt}]({dark}#only-dark){style}"


def moving_or_still(picture: re.Match[str]) -> str:
    """Return all versions of a moving picture: Material shows those of the theme, and our style moving ones or still.

    What is not shown is not loaded.
    """
    dark_still, still, dark, light, width, alt = picture.groups()
    versions = (
        (light, "light", "moving"),
        (dark, "dark", "moving"),
        (still, "light", "still"),
        (dark_still, "dark", "still"),
    )
    return " ".join(
        f'![{alt}]({file}#only-{theme}){{ .{kind} loading="lazy" width="{width}" }}' for file, theme, kind in versions
    )


def as_table(diagram: str) -> str:
    """Return a table of the arrows in a Mermaid diagram, whose picture only a script from elsewhere could draw."""
    titles = {name: f"`{title}`" for name, title in re.findall(r"^ *(\w+)\[(.+)\]$", diagram, re.MULTILINE)}
    targets: dict[str, list[str]] = {}
    for part, target in re.findall(r"^ *(\w+) --> (\w+)$", diagram, re.MULTILINE):
        targets.setdefault(titles[part], []).append(titles[target])
    rows = [f"| {part} | → {', '.join(of_part)} |\n" for part, of_part in targets.items()]
    return "".join(["| from | to |\n| --- | --- |\n", *rows]) if rows else ""


def with_mathml(page: str) -> str:
    """Return a page's HTML with MathML for the LaTeX that Arithmatex has marked.

    Raises:
        LatexError: a formula has a command that is unknown.
    """

    def converted(formula: re.Match[str]) -> str:
        latex = html.unescape(formula[3]).strip()
        return _MATHML.convert_with_local_state(latex, displaystyle=formula[2] == "[")

    return _FORMULA.sub(converted, page)


def unfit(loaded: Iterable[str], page: str, site_url: str, site: Path) -> Iterator[str]:
    """Yield the addresses that are not those of a file in the site.

    Args:
        loaded: addresses, as a page or a style sheet writes them.
        page: the address of what loads them.
        site_url: where the site begins.
        site: the folder in which it was built.
    """
    for address in loaded:
        whole = urljoin(page, address)
        if whole.startswith("data:"):
            continue
        if not whole.startswith(site_url) or not (site / urlsplit(whole.removeprefix(site_url)).path).exists():
            yield address


def loaded_by_style(css: str) -> list[str]:
    """Return the addresses of what a style sheet loads."""
    return _STYLE_URL.findall(css)


def loaded_by_page(page: str) -> list[str]:
    """Return the addresses of what a page loads, be it by Material's own script."""
    reader = _Loaded()
    reader.feed(page)
    return reader.addresses


class _Loaded(HTMLParser):
    """Collects the addresses of scripts, styles, fonts, pictures and embedded pages; links load nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        if tag == "link" and not _LOADING.isdisjoint(found.get("rel", "").split()):
            self.addresses.append(found.get("href", ""))
        self.addresses += [found[name] for name in ("src", "data", "poster") if name in found]
        self.addresses += [each.split()[0] for each in found.get("srcset", "").split(",") if each.strip()]
        self.addresses += loaded_by_style(found.get("style", ""))
        self.addresses += [what for name, what in _BY_SCRIPT.items() if name in found.get("class", "").split()]

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.addresses += loaded_by_style(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self._in_style = False
