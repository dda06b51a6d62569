"""What the bot draws, before it becomes a picture."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text


def figure_of(draw: Callable[[], object]) -> Figure:
    """The figure that is saved, with everything in its place but no pixels, which would take as long again."""
    figures: list[Figure] = []

    def keep(figure: Figure, *_args: object, **_options: object) -> None:
        figure.draw_without_rendering()
        figures.append(figure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", keep)
        draw()
    [figure] = figures
    return figure


def written_in(figure: Figure) -> list[Text]:
    """All visible texts."""
    return [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible() and text.get_text()]
