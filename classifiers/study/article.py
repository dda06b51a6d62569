"""Write the study's article: its figures, and the tables in its marked sections."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classifiers.errors import ClassifiersError
from classifiers.study.figures import draw_curves, draw_gradients, draw_matched, draw_memory
from classifiers.study.findings import memory_settings
from classifiers.study.tables import (
    comparisons_table,
    curves_table,
    gradient_table,
    long_table,
    matched_table,
    memory_table,
    minutes,
    slopes_table,
    times,
)

_READ_MEMORY = (
    "**How to read this:** each dot is one seed, and the darker it is, the more letters it named correctly; a row "
    "that stays dark further to the right remembers longer; the first column combines the distances that all "
    "networks learnt, and the last one is from the longer training."
)

_READ_GRADIENTS = (
    "**How to read this:** a straight falling line loses the same share of the gradient at each step back, and a "
    "level line loses nothing; the bands span all seeds, and a band that reaches the bottom of a panel continues "
    "below it."
)

_READ_GOEMOTIONS = (
    "**How to read this:** as above; the steeper the dashed line, the less an early word counts before training, and "
    "the gap to the solid line is what training changed."
)

_READ_MATCHED = (
    "**How to read this:** each dot is one seed and each tick the mean of its row; if the dots of two rows overlap, "
    "the rows differ hardly more than seeds do."
)

_READ_CURVES = (
    "**How to read this:** a line is the median of the seeds and a band their range; the axis of epochs is "
    "logarithmic, and the crosses are the only known points of the original study."
)

_HEADINGS = {
    "memory": "Memory",
    "long": "Memory, longer",
    "gradients": "Gradients",
    "slopes": "Slopes",
    "goemotions": "GoEmotions",
    "matched": "Matched",
    "curves": "Curves",
}
"""The headings of the marked sections except the first, for an article that has no text yet."""

_END = "<!-- end -->"


def write_report(numbers: Mapping[str, Any], out: Path) -> Path:
    """Write `numbers.json` and the figures into a folder, and the tables into the article beside it.

    Args:
        numbers: the result of `runs.collect`.
        out: the folder; the article has the same name with `.md`. If there is no article, one without text is created.

    Returns:
        The path of the article.
    """
    (out / "numbers.json").write_text(json.dumps(numbers) + "\n", encoding="utf-8")
    draw_memory(numbers).savefig(out / "memory.png")
    draw_gradients(numbers["memory"], memory_settings(numbers).shown).savefig(out / "gradients.png")
    draw_gradients(numbers["goemotions"], None).savefig(out / "goemotions.png")
    draw_matched(numbers["matched"]).savefig(out / "matched.png")
    draw_curves(numbers["curves"]).savefig(out / "curves.png")
    article = _article_path(out)
    article.write_text(replace_sections(read_article(out), sections(numbers, out.name)), encoding="utf-8")
    return article


def read_article(out: Path) -> str:
    """Return the article beside the folder `out`, or one with empty sections if there is none.

    Raises:
        ClassifiersError: it cannot be read or written, or a marked section has no end; or the folder has no name.
    """
    if out.name in {"", ".."}:
        raise ClassifiersError(f"The article is named after its folder, and {out} has no name: give another --out.")
    article = _article_path(out)
    try:
        text = article.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _empty_article()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ClassifiersError(f"{article} cannot be read ({reason}): choose another folder with --out.") from None
    if not os.access(article, os.W_OK):
        raise ClassifiersError(f"{article} cannot be written to: choose another folder with --out.")
    for name in re.findall(r"<!-- study: (\w+) -->(?!.*?<!-- end -->)", text, re.DOTALL):
        raise ClassifiersError(f"{article} has no <!-- end --> after its section {name}: write it there.")
    return text


def _empty_article() -> str:
    """Return an article that consists of headings and marked sections only."""
    title = f"# The vanishing gradient, measured\n\n{_mark('setup')}{_END}\n"
    return "\n".join([title, *(f"## {heading}\n\n{_mark(name)}{_END}\n" for name, heading in _HEADINGS.items())])


def _mark(name: str) -> str:
    """Return the line that starts a marked section."""
    return f"<!-- study: {name} -->\n"


def _article_path(out: Path) -> Path:
    return out.with_name(f"{out.name}.md")


def replace_sections(text: str, parts: Mapping[str, str]) -> str:
    """Return an article with new text between each `<!-- study: NAME -->` and the next `<!-- end -->`."""
    for name, part in parts.items():
        before, mark, rest = text.partition(_mark(name))
        if mark:
            text = f"{before}{mark}{part}\n{rest[rest.index(_END) :]}"
    return text


def sections(numbers: Mapping[str, Any], folder: str) -> dict[str, str]:
    """Return the text of the article's marked sections by name.

    Args:
        numbers: the result of `runs.collect`.
        folder: the folder of the figures, relative to the article.
    """
    settings, seeds = memory_settings(numbers), len(numbers["memory"]["glorot"])
    shown, reach = settings.shown, settings.reach
    setup = (
        f"Recurrent layers of {settings.units} units; Adam with a peak rate of {settings.learning_rate:g}, "
        f"warm-up and cosine; gradients clipped at a joint norm of 1 except in the first row. Memory: "
        f"{settings.letters} letters, {settings.updates:,} updates of {settings.batch_size} sequences. "
        f"GoEmotions: {settings.texts:,} texts, seen {times(settings.epochs)}. Seeds: {seeds}. All these networks "
        f"together took {minutes(numbers, 'memory', 'goemotions')} of one core."
    )
    return {
        "setup": setup,
        "memory": f"![Accuracy by distance]({folder}/memory.png)\n\n{_READ_MEMORY}\n\n{memory_table(numbers)}",
        "long": long_table(numbers),
        "gradients": (
            f"![Gradient by steps back, memory]({folder}/gradients.png)\n\n{_READ_GRADIENTS}\n\n"
            + gradient_table(numbers["memory"], (shown // 2, shown, 2 * shown))
        ),
        "slopes": slopes_table(numbers),
        "goemotions": (
            f"![Gradient by steps back, GoEmotions]({folder}/goemotions.png)\n\n{_READ_GOEMOTIONS}\n\n"
            + gradient_table(numbers["goemotions"], (reach // 4, reach // 2, reach))
        ),
        "matched": (
            f"![Figures by network]({folder}/matched.png)\n\n{_READ_MATCHED}\n\n{matched_table(numbers)}\n\n"
            + comparisons_table(numbers["matched"])
        ),
        "curves": f"![Accuracy by epoch]({folder}/curves.png)\n\n{_READ_CURVES}\n\n{curves_table(numbers['curves'])}",
    }
