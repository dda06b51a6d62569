"""Compute the data of all pages and render them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifiers.study.gates import gate_records
from classifiers.study.pages import gates, phrases, radii, seeds
from classifiers.study.pages.page import render_pages
from classifiers.study.phrases import phrase_gradients
from classifiers.study.radii import radius_records


def build_pages(numbers: Mapping[str, Any]) -> dict[str, str]:
    """Return the HTML of all pages by their file names; this takes half a minute.

    Args:
        numbers: the result of `runs.read_numbers`, for the page on the memory task; the others need none.
    """
    return render_pages(
        (
            phrases.page(phrase_gradients()),
            gates.page(*gate_records()),
            radii.page(*radius_records()),
            seeds.page(numbers),
        )
    )
