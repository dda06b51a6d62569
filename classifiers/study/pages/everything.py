"""Compute and draw all pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifiers.study.gates import gate_records
from classifiers.study.pages import gates, phrases, radii, seeds
from classifiers.study.pages.frame import pages_of
from classifiers.study.phrases import phrase_gradients
from classifiers.study.radii import radius_records


def study_pages(numbers: Mapping[str, Any]) -> dict[str, str]:
    """Return all pages by their file names; this takes half a minute.

    Args:
        numbers: the study's measurements, from `runs.read_numbers`, for one of the pages; the others need no data.
    """
    return pages_of(
        (
            phrases.picture(phrase_gradients()),
            gates.picture(*gate_records()),
            radii.picture(*radius_records()),
            seeds.picture(numbers),
        )
    )
