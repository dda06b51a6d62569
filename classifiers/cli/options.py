"""Define the options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from classifiers.model_directory import PRETRAINED

models_option = click.option(
    "--models",
    "directory",
    type=click.Path(path_type=Path),
    default=PRETRAINED,
    metavar="DIR",
    help="Model directory (default: the shipped models).",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
