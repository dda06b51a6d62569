"""Hooks with which MkDocs builds the documentation site; it calls the functions named `on_...`.

The README and other files outside docs become pages of the site. The study's interactive pages are computed, which
takes half a minute. Links to files that are not in the site lead to the repository. Formulae become MathML, which
browsers show without a script, and diagrams become tables. The built site is checked: a page must not load anything
that is missing or comes from another site.
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
"""The files outside docs that are in the site, by their path there."""

STUDY_PAGES = "study/pages"
"""The folder of the study's interactive pages in the site."""

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]+)")
_PICTURE = re.compile(
    r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">\s*'
    r'<img src="([^"]+)"(?: width="([^"]+)")? alt="([^"]*)">\s*</picture>'
)
_ANIMATION = re.compile(
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

_LOADING_RELATIONS = {
    "stylesheet",
    "icon",
    "preload",
    "modulepreload",
    "preconnect",
    "dns-prefetch",
    "prefetch",
    "manifest",
}
"""The values of `rel` for which a browser loads the target of a <link>."""

_LOADED_BY_SCRIPT = {"mermaid": "Mermaid from unpkg.com", "md-source": "figures from api.github.com"}
"""What Material's script would load for elements of these classes."""

_log = logging.getLogger("mkdocs.hooks.site")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are not files in docs."""
    for uri, source in SOURCES.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / source)))
    for name, page in _study_pages().items():
        uri = f"{STUDY_PAGES}/{name}"
        if existing := files.get_file_from_path(uri):  # written by `train.py study --pages`, perhaps out of date
            files.remove(existing)
        files.append(File.generated(config, uri, content=page, inclusion=InclusionLevel.INCLUDED))
    return files


@functools.cache
def _study_pages() -> dict[str, str]:
    """Return the study's pages by file name; cached, since `mkdocs serve` builds the site again and again."""
    from classifiers.study.pages.build import build_pages  # noqa: PLC0415 - the tests do not need it

    _log.info("Computing the study's interactive pages, which takes half a minute")
    return build_pages(read_numbers(ROOT / "docs" / "study" / "numbers.json"))


def on_page_markdown(markdown: str, *, page: Any, files: Any, config: Any, **_: Any) -> str:
    """Return a page's Markdown for MkDocs; in the repository, its links and pictures are written for GitHub."""
    markdown = within_site(markdown, page.file.src_uri, config.site_url)
    uris = [file.src_uri for file in files if file.inclusion.is_included()]
    places = {SOURCES.get(uri, f"docs/{uri}"): uri for uri in uris}
    return for_mkdocs(markdown, page.file.src_uri, places)


def on_page_content(content: str, *, page: Any, **_: Any) -> str:
    """Return a page's HTML with MathML for its formulae."""
    try:
        return with_mathml(content)
    except LatexError as error:
        raise PluginError(f"{page.file.src_uri} has a formula that cannot be shown: {error}") from error


def on_post_build(config: Any) -> None:
    """Warn about each page that loads something missing or from another site; in strict mode, MkDocs then fails."""
    site = Path(config.site_dir)
    for file in sorted(site.rglob("*.html")) + sorted(site.rglob("*.css")):
        name = file.relative_to(site).as_posix()
        text = file.read_text(encoding="utf-8")
        loaded = loaded_by_style(text) if file.suffix == ".css" else loaded_by_page(text)
        for address in missing_files(loaded, urljoin(config.site_url, name), config.site_url, site):
            _log.warning("%s loads %s, which is not in the site", name, address)


def within_site(markdown: str, uri: str, site_url: str) -> str:
    """Return Markdown in which absolute links to the site, meant for readers on GitHub, are relative and so checked.

    Args:
        markdown: the text.
        uri: the page's path in the site.
        site_url: the address of the site.
    """
    return markdown.replace(f"]({site_url}", f"]({posixpath.relpath('.', posixpath.dirname(uri) or '.')}/")


def for_mkdocs(markdown: str, uri: str, places: Mapping[str, str]) -> str:
    """Return Markdown for MkDocs, given Markdown that was written for GitHub.

    Args:
        markdown: the text.
        uri: the page's path in the site.
        places: the path in the site of each file of the repository that is there.
    """
    markdown = _ANIMATION.sub(animated_or_still, _PICTURE.sub(in_both_themes, markdown))
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
    """Return Markdown with both versions of a picture; Material shows the one for the reader's theme."""
    dark, light, width, alt = picture.groups()
    style = f'{{ width="{width}" }}' if width else ""
    return f"![{alt}]({light}#only-light){style} ![{alt}]({dark}#only-dark){style}"


def animated_or_still(picture: re.Match[str]) -> str:
    """Return Markdown with all versions of an animation.

    Material shows those for the reader's theme. Of these, our style sheet shows the animation, or the still picture if
    the reader prefers reduced motion. Browsers do not load the others.
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
    """Return a table of the arrows in a Mermaid diagram, since only a script from another site could draw it."""
    titles = {name: f"`{title}`" for name, title in re.findall(r"^ *(\w+)\[(.+)\]$", diagram, re.MULTILINE)}
    targets: dict[str, list[str]] = {}
    for part, target in re.findall(r"^ *(\w+) --> (\w+)$", diagram, re.MULTILINE):
        targets.setdefault(titles[part], []).append(titles[target])
    rows = [f"| {part} | → {', '.join(of_part)} |\n" for part, of_part in targets.items()]
    return "".join(["| from | to |\n| --- | --- |\n", *rows]) if rows else ""


def with_mathml(page: str) -> str:
    """Return a page's HTML with MathML in place of the LaTeX that Arithmatex has marked.

    Raises:
        LatexError: a formula has an unknown command.
    """

    def converted(formula: re.Match[str]) -> str:
        latex = html.unescape(formula[3]).strip()
        return _MATHML.convert_with_local_state(latex, displaystyle=formula[2] == "[")

    return _FORMULA.sub(converted, page)


def missing_files(loaded: Iterable[str], page: str, site_url: str, site: Path) -> Iterator[str]:
    """Yield the addresses that do not lead to a file in the site.

    Args:
        loaded: addresses as they are written in a page or style sheet.
        page: the address of that page or style sheet.
        site_url: the address of the site.
        site: the folder of the built site.
    """
    for address in loaded:
        absolute = urljoin(page, address)
        if absolute.startswith("data:"):
            continue
        if not absolute.startswith(site_url) or not (site / urlsplit(absolute.removeprefix(site_url)).path).exists():
            yield address


def loaded_by_style(css: str) -> list[str]:
    """Return the addresses that a style sheet loads."""
    return _STYLE_URL.findall(css)


def loaded_by_page(page: str) -> list[str]:
    """Return the addresses that a page loads, and what Material's script would load for it."""
    reader = _Loaded()
    reader.feed(page)
    return reader.addresses


class _Loaded(HTMLParser):
    """Collects the addresses of scripts, style sheets, fonts, pictures and embedded pages, but not of links."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        if tag == "link" and not _LOADING_RELATIONS.isdisjoint(found.get("rel", "").split()):
            self.addresses.append(found.get("href", ""))
        self.addresses += [found[name] for name in ("src", "data", "poster") if name in found]
        self.addresses += [each.split()[0] for each in found.get("srcset", "").split(",") if each.strip()]
        self.addresses += loaded_by_style(found.get("style", ""))
        self.addresses += [what for name, what in _LOADED_BY_SCRIPT.items() if name in found.get("class", "").split()]

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.addresses += loaded_by_style(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self._in_style = False
