"""What the bot's pictures have in common: a dark card with one font, in the reader's language if possible."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from bot.i18n import ENGLISH, Translate

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

BACKGROUND = "#1e1f22"
"""Background of a picture: no text colour contrasts enough with both of Discord's own backgrounds, dark and white."""

TEXT_COLOUR = "#dbdee1"

_DPI = 200
_FONT_SIZE = 8.5
_MARGIN = 0.08
_UNWRITABLE = "\N{WHITE VERTICAL RECTANGLE}"
_drawing = Lock()  # Matplotlib is not thread-safe

Fill: TypeAlias = "Callable[[Figure, FontProperties, Translate], None]"


def draw_card(size: tuple[float, float], fill: Fill, words: Iterable[str], translate: Translate) -> bytes:
    """Return a PNG picture.

    The first call loads Matplotlib, which takes time and memory.

    Args:
        size: width and height in inches, of 200 pixels each.
        fill: draws into the figure, in the font and the language that it is given.
        words: everything that would be written in the reader's language; if the font cannot write it, English is used.
        translate: the reader's language.
    """
    with _drawing:
        # Operators can do nothing about its warnings that it searches for fonts again or cannot cache them. All text
        # uses the font that comes with it.
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        from matplotlib.figure import Figure  # noqa: PLC0415 - see above
        from matplotlib.font_manager import FontProperties  # noqa: PLC0415 - see above
        from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415 - see above

        if any(word != writable(word) for word in words):
            translate = ENGLISH
        layout = ConstrainedLayoutEngine(w_pad=_MARGIN, h_pad=_MARGIN, hspace=0)
        figure = Figure(figsize=size, dpi=_DPI, facecolor=BACKGROUND, layout=layout)
        try:
            fill(figure, FontProperties(fname=_font(), size=_FONT_SIZE), translate)
            picture = io.BytesIO()
            figure.savefig(picture, format="png")
        finally:
            free(figure)
        return picture.getvalue()


def writable(text: str) -> str:
    """Return a text with an empty frame for each run of characters that the font lacks; call it only while drawing."""
    from matplotlib.font_manager import get_font  # noqa: PLC0415 - as in draw_card

    font = get_font(_font())
    stretches = groupby(text, lambda letter: font.get_char_index(ord(letter)) > 0)
    return "".join("".join(letters) if known else _UNWRITABLE for known, letters in stretches)


def free(figure: Figure) -> None:
    """Empty a figure and its parts, so that their memory is freed at once.

    They refer to each other. Only the garbage collector would find them, after ten pictures or more of 6 MB each.
    """
    for part in figure.findobj():
        vars(part).clear()


def _font() -> Path:
    import matplotlib  # noqa: PLC0415 - as in draw_card

    return Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
