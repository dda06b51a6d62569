"""Matplotlib figures of the bot, captured before they are rendered."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from bot.ui import card


def capture_figure(draw: Callable[[], object], with_layout: bool = False) -> Figure:
    """Return the figure that is saved, without rendering it, which would take as long again.

    Args:
        draw: draws and saves the figure.
        with_layout: whether to compute the layout, which takes half of the time.
    """
    figures: list[Figure] = []

    def keep(figure: Figure, *_args: object, **_options: object) -> None:
        if not with_layout:
            figure.set_layout_engine("none")
        figure.draw_without_rendering()
        figures.append(figure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", keep)
        patch.setattr(card, "free", lambda _: None)
        draw()
    [figure] = figures
    return figure


def visible_texts(figure: Figure) -> list[Text]:
    """Return all visible texts of a figure."""
    return [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible() and text.get_text()]
