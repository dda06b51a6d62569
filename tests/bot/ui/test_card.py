from __future__ import annotations

import gc
from collections.abc import Iterator
from weakref import ref

import pytest
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from bot.i18n import ENGLISH, Translate
from bot.ui.card import draw_card


class ReferenceRecorder(Artist):
    """A part of a figure that notes what else is drawn, without keeping it alive."""

    def __init__(self, references: list[ref[object]]) -> None:
        super().__init__()
        self._references = references

    def draw(self, renderer: RendererBase) -> None:
        figure = self.get_figure()
        assert figure
        self._references.extend(map(ref, (renderer, *figure.findobj())))


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collection")
class TestMemory:
    def test_a_picture_leaves_nothing_for_the_garbage_collector(self) -> None:
        references: list[ref[object]] = []

        def fill(figure: Figure, font: FontProperties, _: Translate) -> None:
            axes = figure.subplots()
            axes.bar((1, 2), (3, 4), label="bars")
            figure.legend(prop=font)
            figure.add_artist(ReferenceRecorder(references))

        draw_card((1, 1), fill, (), ENGLISH)
        left = [thing for reference in references if (thing := reference()) is not None]
        assert len(left) < len(references)
        assert not any(map(vars, left))  # bars refer to themselves, but are empty

    def test_a_picture_that_fails_leaves_nothing_either(self) -> None:
        references: list[ref[object]] = []

        def fill(figure: Figure, _font: FontProperties, _: Translate) -> None:
            references.extend(map(ref, figure.subplots().findobj()))
            raise NotImplementedError

        with pytest.raises(NotImplementedError):
            draw_card((1, 1), fill, (), ENGLISH)
        assert {reference() for reference in references} == {None}
