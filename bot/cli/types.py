"""Types of options."""

from __future__ import annotations

import click


class WholeNumber(click.IntRange):
    """A whole number within bounds, named so in error messages, where click says "integer range"."""

    name = "whole number"
