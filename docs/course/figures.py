"""Draw the course's figures as SVG files, in the folder `figures` beside this file.

python docs/course/figures.py            writes them
python docs/course/figures.py --check    fails if a file is not what this script draws
"""

from __future__ import annotations

import argparse
import re
import sys
from html import escape
from pathlib import Path

FOLDER = Path(__file__).with_name("figures")
INK, STATE, INPUT, BACK, FAINT = "#24292f", "#0b62b5", "#b35900", "#b3261e", "#8c959f"
"""Colours: text and gates; hidden states and cells; inputs; gradients; padding and other things to be ignored."""

_SUBSCRIPT = re.compile(r"_\{([^}]*)\}")


class Drawing:
    """An SVG picture on a white ground, so that it can be read in GitHub's dark theme as well."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" font-family="DejaVu Sans, Verdana, Helvetica, Arial, sans-serif" font-size="15">',
            f"<title>{escape(title)}</title>",
            "<defs>",
            *(_arrow_head(colour) for colour in (INK, STATE, INPUT, BACK, FAINT)),
            "</defs>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
        ]

    def line(self, *points: tuple[float, float], colour: str = INK, head: bool = True, dashed: bool = False) -> None:
        """Draw a line through points, with an arrow head at its end unless told otherwise."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        marker = f' marker-end="url(#{colour[1:]})"' if head else ""
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-linejoin="round"'
            f"{dashes}{marker}/>"
        )

    def box(self, x: float, y: float, text: str, width: float = 56, colour: str = INK, fill: str = "#f6f8fa") -> None:
        """Draw a box of height 34 around (x, y) with a text in it."""
        self._parts.append(
            f'<rect x="{x - width / 2:g}" y="{y - 17:g}" width="{width:g}" height="34" rx="6" fill="{fill}" '
            f'stroke="{colour}" stroke-width="1.8"/>'
        )
        self.text(x, y, text, colour)

    def plus(self, x: float, y: float, colour: str = INK) -> None:
        """Draw a circle around (x, y) with a plus in it: two arrays are added."""
        self._sign(x, y, "M-6 0H6M0 -6V6", colour)

    def times(self, x: float, y: float, colour: str = INK) -> None:
        """Draw a circle around (x, y) with a cross in it: two arrays are multiplied element by element."""
        self._sign(x, y, "M-4.5 -4.5L4.5 4.5M-4.5 4.5L4.5 -4.5", colour)

    def _sign(self, x: float, y: float, path: str, colour: str) -> None:
        self._parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="13" fill="#fff8c5" stroke="{colour}" stroke-width="1.8"/>'
            f'<path d="{path}" transform="translate({x:g} {y:g})" stroke="{colour}" stroke-width="2"/>'
        )

    def dot(self, x: float, y: float, colour: str = INK) -> None:
        """Draw a dot, where a line branches."""
        self._parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="3.5" fill="{colour}"/>')

    def text(self, x: float, y: float, text: str, colour: str = INK, anchor: str = "middle") -> None:
        """Write a text around (x, y); what stands in _{...} is a subscript, and a hyphen a minus sign."""
        spans = []
        for place, part in enumerate(_SUBSCRIPT.split(text.replace("-", "\N{MINUS SIGN}"))):
            if place % 2:
                spans.append(f'<tspan dy="4" font-size="11">{escape(part)}</tspan>')
            elif part:
                spans.append(f'<tspan dy="{-4 if place else 0}">{escape(part)}</tspan>')
        self._parts.append(
            f'<text x="{x:g}" y="{y + 5:g}" fill="{colour}" text-anchor="{anchor}">{"".join(spans)}</text>'
        )

    def svg(self) -> str:
        """Return the whole picture."""
        return "\n".join([*self._parts, "</svg>", ""])


def _arrow_head(colour: str) -> str:
    return (
        f'<marker id="{colour[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
    )


def unrolled() -> Drawing:
    """Return the RNN's forward pass over three steps."""
    drawing = Drawing(660, 270, "An RNN unrolled over three steps: the same W, U and b at each of them")
    drawing.text(50, 130, "zeros", FAINT)
    drawing.line((75, 130), (122, 130), colour=FAINT)
    for t, x in enumerate((160, 340, 520)):
        drawing.text(x, 240, f"x_{{{t}}}", INPUT)
        drawing.line((x, 225), (x, 149), colour=INPUT)
        drawing.text(x + 12, 190, "W, b", INPUT, "start")
        drawing.box(x, 130, "tanh", 72)
        drawing.line((x, 112), (x, 50), colour=STATE)
        drawing.text(x, 32, f"h_{{{t}}}", STATE)
        if t < 2:
            drawing.dot(x, 90, STATE)
            drawing.line((x, 90), (x + 70, 90), (x + 110, 130), (x + 142, 130), colour=STATE)
            drawing.text(x + 118, 108, "U", STATE)
    return drawing


def backward() -> Drawing:
    """Return the RNN's backward pass over three steps, in which two gradients meet at each state but the last."""
    drawing = Drawing(760, 330, "Back-propagation through time: at each state, two gradients are added")
    for t, x in enumerate((130, 370, 610)):
        drawing.text(x, 25, f"dy_{{{t}}}", BACK)
        if t < 2:
            drawing.line((x, 40), (x, 82), colour=BACK)
            drawing.plus(x, 96, BACK)
            drawing.line((x, 109), (x, 172), colour=BACK)
        else:
            drawing.line((x, 40), (x, 172), colour=BACK)
        drawing.text(x - 10, 140, f"dh_{{{t}}}", BACK, "end")
        drawing.box(x, 190, f"∘ (1 - h_{{{t}}}²)", 112)
        drawing.line((x, 207), (x, 282), colour=BACK)
        drawing.text(x + 10, 227, f"da_{{{t}}}", BACK, "start")
        drawing.text(x + 10, 262, "Wᵀ", INK, "start")
        drawing.text(x, 302, f"dx_{{{t}}}", BACK)
        if t:
            drawing.dot(x, 232, BACK)
            drawing.line((x, 232), (x - 120, 232), (x - 120, 96), (x - 225, 96), colour=BACK)
            drawing.text(x - 172, 78, f"da_{{{t}}} Uᵀ", BACK)
    return drawing


def lstm() -> Drawing:
    """Return one step of a long short-term memory."""
    drawing = Drawing(800, 380, "One step of an LSTM")
    top, gate_y, bus = 65, 245, 320
    forget, entry, candidate, output, out = 300, 390, 470, 560, 650
    drawing.text(30, top, "c_{t-1}", STATE)
    drawing.line((60, top), (forget - 15, top), colour=STATE)
    drawing.line((forget + 13, top), (candidate - 15, top), colour=STATE)
    drawing.line((candidate + 13, top), (740, top), colour=STATE)
    drawing.text(762, top, "c_{t}", STATE)
    drawing.text(30, bus, "h_{t-1}", STATE)
    drawing.line((60, bus), (84, bus), colour=STATE)
    drawing.text(165, 368, "x_{t}", INPUT)
    drawing.line((165, 354), (165, bus + 19), colour=INPUT)
    drawing.box(165, bus, "x_{t} W + h_{t-1} U + b", 158)
    drawing.line((244, bus), (output, bus), head=False)
    for x, function, name in (
        (forget, "σ", "f"),
        (entry, "σ", "i"),
        (candidate, "tanh", "g"),
        (output, "σ", "o"),
    ):
        if x != output:
            drawing.dot(x, bus)
        drawing.line((x, bus), (x, gate_y + 19))
        drawing.text(x + 10, bus - 30, f"z_{{{name}}}", INK, "start")
        drawing.box(x, gate_y, function)
        drawing.text(x + 10, gate_y - 32, name, INK, "start")
    drawing.line((forget, gate_y - 17), (forget, top + 15))
    drawing.times(forget, top, STATE)
    drawing.text(forget - 16, 150, "keep", FAINT, "end")
    drawing.line((entry, gate_y - 17), (entry, 155), (candidate - 15, 155))
    drawing.line((candidate, gate_y - 17), (candidate, 155 + 15))
    drawing.times(candidate, 155)
    drawing.line((candidate, 142), (candidate, top + 15))
    drawing.text(candidate + 10, 112, "write", FAINT, "start")
    drawing.plus(candidate, top, STATE)
    drawing.dot(out, top, STATE)
    drawing.line((out, top), (out, 108), colour=STATE)
    drawing.box(out, 127, "tanh")
    drawing.line((out, 144), (out, 185), colour=STATE)
    drawing.line((output, gate_y - 17), (output, 200), (out - 15, 200))
    drawing.text(output + 20, 180, "show", FAINT, "start")
    drawing.times(out, 200)
    drawing.line((out, 213), (out, bus), (740, bus), colour=STATE)
    drawing.text(762, bus, "h_{t}", STATE)
    return drawing


def gru() -> Drawing:
    """Return one step of a gated recurrent unit, in the form in which the state is reset after its product with U."""
    drawing = Drawing(800, 430, "One step of a GRU")
    top, z_y, r_y, g_y = 60, 160, 245, 330
    drawing.text(30, top, "h_{t-1}", STATE)
    drawing.line((60, top), (445, top), colour=STATE)
    drawing.times(460, top, STATE)
    drawing.line((473, top), (645, top), colour=STATE)
    drawing.plus(660, top, STATE)
    drawing.line((673, top), (740, top), colour=STATE)
    drawing.text(762, top, "h_{t}", STATE)
    drawing.dot(130, top, STATE)
    drawing.line((130, top), (130, 181), colour=STATE)
    drawing.box(130, 200, "h_{t-1} U + b_{1}", 118, STATE)
    drawing.text(130, 415, "x_{t}", INPUT)
    drawing.line((130, 402), (130, 379), colour=INPUT)
    drawing.box(130, 360, "x_{t} W + b_{0}", 118, INPUT)
    # s, what the state says: up to z, down to r and to g
    drawing.line((189, 200), (235, 200), head=False, colour=STATE)
    drawing.line((235, 200), (235, z_y - 8), (330, z_y - 8), colour=STATE)
    drawing.line((235, 200), (235, r_y - 8), (330, r_y - 8), colour=STATE)
    drawing.line((235, r_y - 8), (235, g_y), (445, g_y), colour=STATE)
    for name, y in (("z", z_y - 8), ("r", r_y - 8), ("g", g_y)):
        drawing.text(242, y - 14, f"s_{{{name}}}", STATE, "start")
    # a, what the input says: right to g, up to r and z
    drawing.line((189, 360), (285, 360), head=False, colour=INPUT)
    drawing.line((285, 360), (285, 390), (530, 390), (530, g_y + 15), colour=INPUT)
    drawing.text(540, 372, "a_{g}", INPUT, "start")
    drawing.line((285, 360), (285, z_y + 8), (330, z_y + 8), colour=INPUT)
    drawing.line((285, r_y + 8), (330, r_y + 8), colour=INPUT)
    drawing.text(292, z_y + 22, "a_{z}", INPUT, "start")
    drawing.text(292, r_y + 22, "a_{r}", INPUT, "start")
    for y in (200, r_y - 8):
        drawing.dot(235, y, STATE)
    for y in (360, r_y + 8):
        drawing.dot(285, y, INPUT)
    # the gates
    for name, y in (("z", z_y), ("r", r_y)):
        drawing.box(360, y, "σ")
        drawing.text(415, y - 14, name)
    drawing.line((388, r_y), (460, r_y), (460, g_y - 15))
    drawing.times(460, g_y)
    drawing.line((473, g_y), (515, g_y))
    drawing.plus(530, g_y)
    drawing.line((543, g_y), (570, g_y))
    drawing.box(600, g_y, "tanh")
    drawing.line((628, g_y), (660, g_y), (660, z_y + 15))
    drawing.text(670, 250, "g", INK, "start")
    drawing.line((388, z_y), (531, z_y))
    drawing.dot(460, z_y)
    drawing.line((460, z_y), (460, top + 15))
    drawing.text(470, 108, "keep", FAINT, "start")
    drawing.box(560, z_y, "1 -")
    drawing.line((588, z_y), (645, z_y))
    drawing.times(660, z_y)
    drawing.line((660, z_y - 13), (660, top + 15))
    drawing.text(670, 108, "write", FAINT, "start")
    return drawing


def directions() -> Drawing:
    """Return a bidirectional layer with mean and max pooling, over a sequence with one step of padding."""
    drawing = Drawing(800, 400, "A bidirectional layer reads three words from both sides; the padding is not read")
    columns = (150, 300, 450, 600)
    left_y, right_y = 265, 195
    drawing.text(45, left_y, "from the", INK)
    drawing.text(45, left_y + 18, "left", INK)
    drawing.text(45, right_y, "from the", INK)
    drawing.text(45, right_y + 18, "right", INK)
    for t, (x, word) in enumerate(zip(columns, ("not", "happy", "today", "padding"), strict=True)):
        real = t < 3
        state, source = (STATE, INPUT) if real else (FAINT, FAINT)
        drawing.text(x, 375, word, source)
        drawing.line((x, 360), (x, left_y + 19), colour=source)
        drawing.line((x, 345), (x - 44, 345), (x - 44, right_y), (x - 32, right_y), colour=source)
        drawing.dot(x, 345, source)
        drawing.box(x, left_y, "RNN", colour=state)
        drawing.box(x, right_y, "RNN", colour=state)
        # The two states side by side: that from the left goes around the box above it.
        drawing.line((x + 8, right_y - 17), (x + 8, 124), colour=state)
        drawing.line((x + 28, left_y - 8), (x + 44, left_y - 8), (x + 44, 107), (x + 35, 107), colour=state)
        drawing.box(x, 107, f"h_{{{t}}}", 66, state)
        if real:
            drawing.line((x, 90), (x, 76), colour=STATE, head=False)
            drawing.line((x, 76), (columns[1], 76), colour=STATE, head=False)
        if t:
            before = columns[t - 1]
            drawing.line((before + 28, left_y + 8), (x - 30, left_y + 8), colour=STATE if real else FAINT)
            if real:
                drawing.line((x - 28, right_y - 8), (before + 30, right_y - 8), colour=STATE)
    drawing.line((columns[1], 76), (columns[1], 57), colour=STATE)
    drawing.box(columns[1], 38, "mean and maximum over the real steps", 330)
    drawing.line((465, 38), (520, 38))
    drawing.text(530, 38, "dense layer", INK, "start")
    drawing.text(655, 107, "not read", FAINT, "start")
    return drawing


FIGURES = {"unrolled": unrolled, "backward": backward, "lstm": lstm, "gru": gru, "directions": directions}


def main() -> None:
    """Write the figures, or compare them with their files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail if a file is not what this script draws")
    check = parser.parse_args().check
    stale = []
    for name, figure in FIGURES.items():
        path, svg = FOLDER / f"{name}.svg", figure().svg()
        if not check:
            path.write_text(svg, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != svg:
            stale.append(path.name)
    if stale:
        sys.exit(f"python docs/course/figures.py would change these: {', '.join(stale)}")


if __name__ == "__main__":
    main()
