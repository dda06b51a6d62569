"""Measure the vanishing gradient in our own layers: `python train.py study`.

Hochreiter (1991) and Bengio and others (1994) found that the error sent back through a recurrence shrinks
exponentially with every step, so that a network does not learn from early input. The first three experiments show how
far that holds, for the plain RNN and for each remedy, and the others how good the networks are:

- **memory**: name the one marked letter, which is `distance` steps from either end of the sequence. Each distance and
  seed has its own network, all with the same number of updates. Measured: its accuracy, and the norm of the gradient of
  the loss at each step of the input, before and after training.
- **long**: the same task at twice the longest distance, with more updates.
- **goemotions**: the same gradient on real texts, before and after a short training run.
- **matched**: the accuracy of networks with equally many recurrent parameters, trained on all of GoEmotions.
- **curves**: the accuracy by epoch on the built-in phrases.

Each finished run is one JSON file in the folder `runs` and is not repeated. `classifiers.study.article` turns them into
figures and the article's tables, and `--redraw` does so again from the saved numbers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from classifiers.command_line import WholeNumber
from classifiers.errors import require
from classifiers.files import naming
from classifiers.study.article import read_article, write_report
from classifiers.study.runs import EXPERIMENTS, ExperimentName, Run, collect, execute_runs, plan_runs, read_numbers
from classifiers.training.console import PersistentConsole
from classifiers.training.datasets import load_dataset
from classifiers.training.output_folder import check_writable


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--only",
    type=click.Choice(list(EXPERIMENTS)),
    multiple=True,
    help="run only this experiment, or several if the option is repeated; the results of the others are taken from "
    "DIR/numbers.json",
)
@click.option(
    "--seeds",
    type=WholeNumber(1, 1000),
    metavar="N",
    help="number of seeds for each network (default: 5, and 3 in the experiments long and matched)",
)
@click.option("--quick", is_flag=True, help="run for a minute; the results mean nothing")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="folder for figures and numbers; the article is DIR.md, whose marked sections are replaced "
    "(default: docs/study, or models/quick-study with --quick)",
)
@click.option(
    "--jobs",
    type=WholeNumber(1, 256),
    default=os.cpu_count() or 1,
    metavar="N",
    help="how many networks to train at once (default: the number of cores)",
)
@click.option("--redraw", is_flag=True, help="measure nothing; redraw figures and tables from DIR/numbers.json")
@click.option(
    "--pages",
    is_flag=True,
    help="only write the interactive figures for the browser to DIR/pages, one of them from DIR/numbers.json; "
    'needs Altair, pip install -e ".[pages]"',
)
def study(
    only: tuple[ExperimentName, ...],
    seeds: int | None,
    quick: bool,
    out: Path | None,
    jobs: int,
    redraw: bool,
    pages: bool,
) -> int:
    """Measure the vanishing gradient.

    It is measured in networks that remember a letter and in networks that read GoEmotions. The command writes figures,
    numbers and the article's tables. Ctrl-C stops it; run the same command to continue.
    """
    out = out or (Path("models", "quick-study") if quick else Path("docs", "study"))
    console = PersistentConsole()
    start = time.perf_counter()
    if pages:
        console.print(f"Written: {_write_pages(out)}, which any browser opens, offline too.")
        return 0
    read_article(out)
    if redraw:
        numbers = read_numbers(out / "numbers.json")
        check_writable(out)
        with naming(out):
            article = write_report(numbers, out)
        console.print(f"Written: {article} and the figures in {out}.")
        return 0
    earlier = read_numbers(out / "numbers.json") if only else None
    check_writable(out / "runs")
    check_writable(out)
    runs = plan_runs([name for name in EXPERIMENTS if not only or name in only], quick, seeds, out / "runs")
    missing = {run.experiment for run in runs if run.saved_result() is None}
    for dataset in dict.fromkeys(dataset for name in missing for dataset in EXPERIMENTS[name].datasets):
        load_dataset(dataset)  # to find out now whether it is available
    if not _execute_with_progress(runs, jobs, console):
        console.print("Stopped; run the same command to continue.")
        return 130
    with naming(out):
        article = write_report(collect(runs, earlier), out)
    console.print(f"Written: {article} and the figures in {out}, after {time.perf_counter() - start:,.0f} s.")
    return 0


def _write_pages(out: Path) -> Path:
    """Write the interactive figures into a folder of `out`, and return the page that lists them.

    Raises:
        MissingExtraError: Altair is not installed.
        ClassifiersError: there are no numbers in `out`, or the folder cannot be written to.
    """
    require("Drawing the pages", "pages", "altair", "jinja2", "vl_convert")
    from classifiers.study.pages.build import build_pages  # noqa: PLC0415 - only now is it known to work

    numbers, folder = read_numbers(out / "numbers.json"), out / "pages"
    check_writable(folder)
    for name, page in build_pages(numbers).items():
        with naming(folder / name):
            (folder / name).write_text(page, encoding="utf-8")
    return folder / "index.html"


def _execute_with_progress(runs: Sequence[Run], jobs: int, console: Console) -> bool:
    """Execute the missing runs with a progress bar; return False after Ctrl-C."""
    missing = [run for run in runs if run.saved_result() is None]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Networks trained", total=len(runs), completed=len(runs) - len(missing))
        try:
            for _ in execute_runs(missing, jobs):
                progress.advance(task)
        except KeyboardInterrupt:
            return False
    return True
