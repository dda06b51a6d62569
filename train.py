"""Run the command line of training: parse the options, call `classifiers.training`, print the result."""

from __future__ import annotations

import os
import shlex
import sys

from classifiers.starting import run_main

PROGRAM = "python train.py"
_MODULE = "python -m train"
"""The program's name if it was started with `-m`, which also works where only the package is installed."""

if __name__ == "__main__":  # before the slow imports, which `run_main` does itself
    sys.exit(run_main("train", program=_MODULE if __spec__ else PROGRAM))

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from classifiers.command_line import (
    GroupedCommand,
    GroupedOption,
    Number,
    WholeNumber,
    finish,
    invoke,
    repeated,
    version_option,
    with_suggestion,
)
from classifiers.emotions import one_emoji
from classifiers.errors import require
from classifiers.files import writable
from classifiers.model_directory import FILES
from classifiers.training.options import Options
from classifiers.training.output_folder import has_checkpoint
from classifiers.training.run import Outcome, run

_HELP = """Train emotion classifiers, calibrate and measure them, and write one model directory for the bot.

\b
python train.py                        both models on the built-in phrases, in about a minute
python train.py --dataset goemotions   both models on GoEmotions, in about ten minutes
python train.py --dataset FILE         both models on your own TSV, CSV or JSONL file
python train.py --model gru            another network, or several; --framework chooses numpy or keras
python train.py --recipe shipped       as the shipped models (with --start; see docs/training.md)
python train.py study                  measure the vanishing gradient; see docs/study.md and study --help

A report, report.md, and its figures are written next to the models. Ctrl-C keeps the best epoch so far; --resume
continues.
"""

_data_option = partial(click.option, cls=GroupedOption, group="What to learn from")
_training_option = partial(click.option, cls=GroupedOption, group="How to train (defaults depend on the data set)")
_output_option = partial(click.option, cls=GroupedOption, group="Where to")


def main(argv: Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Run the command line, which calls itself `program`, and return the exit status.

    The status is 2 for wrong arguments and 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["study"]:
        return finish(lambda: _study(words[1:], f"{program} study"))
    return finish(lambda: invoke(train, words, program))


def _study(words: Sequence[str], program: str) -> int:
    require("The study", "train", "rich")
    from classifiers.study.command import study  # noqa: PLC0415 - it loads Matplotlib, which takes a while

    return invoke(study, words, program)


class _TrainCommand(GroupedCommand):
    """Accepts several networks after one --model, and names the program in its help's examples as it was started."""

    def get_help(self, ctx: click.Context) -> str:
        return super().get_help(ctx).replace(PROGRAM, ctx.command_path)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, repeated("--model", args))
        if rest:
            word = writable(rest[0])[:100]
            sentence = (
                f"{word!r} belongs to no option (a data set or a file is given as --dataset {shlex.quote(word)})."
            )
            raise click.UsageError(with_suggestion(sentence, word, ["study"]), ctx)
        return rest


class _EmojiOfLabel(click.ParamType[tuple[str, str]]):
    """A label with its emoji, as happy=😊."""

    name = "LABEL=EMOJI"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        label, equals, emoji = value.rpartition("=")
        if not equals:
            self.fail(f"{value[:40]!r} is not a label with its emoji, as happy=😊.", param, ctx)
        if (found := one_emoji(emoji.strip())) is None:
            self.fail(f"{emoji.strip()[:40]!r} is not one emoji.", param, ctx)
        return label.strip(), found


@click.command(
    cls=_TrainCommand,
    help=_HELP,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 110,
        "allow_extra_args": True,  # for which `_TrainCommand` has better messages than click
    },
)
@_data_option(
    "--dataset",
    default="builtin",
    metavar="NAME|FILE",
    help="builtin (default), goemotions or people (downloaded, or read from $EMOBOT_DATA_DIR/goemotions and /people), "
    "chat, or a .tsv, .csv or .jsonl file",
)
@_data_option(
    "--recipe",
    type=click.Choice(["plain", "shipped"]),
    default="plain",
    help="plain (default): learn the labels of the data set; shipped: learn from GoEmotions, chat, messages of real "
    "people and fine-tuned MPNets, whatever --dataset says, and the smaller networks from the BiLSTM too (needs the "
    "distill extra)",
)
@_data_option(
    "--encoder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="folder with the all-mpnet-base-v2 that the shipped recipe starts from (default: downloaded)",
)
@_data_option(
    "--text-column",
    default="text",
    metavar="NAME",
    help="column of a file that holds the text, or its number if the first line is no header (default: text)",
)
@_data_option(
    "--label-column",
    default="label",
    metavar="NAME",
    help="column that holds the label or labels, or its number (default: label)",
)
@_data_option(
    "--shards",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="folder of .parquet files to train on in Keras, of any size; the data set then only gives the labels, the "
    "vocabulary, dev and test (needs the parquet extra)",
)
@_data_option(
    "--emoji",
    type=_EmojiOfLabel(),
    multiple=True,
    help="the emoji with which the bot reacts to a label, such as happy=😊; give the option once for each label "
    "(default: the 27 emotions of GoEmotions have one, others none)",
)
@_training_option(
    "--model",
    "models",
    type=click.Choice(list(FILES)),
    multiple=True,
    default=("rnn", "bilstm"),
    metavar="NAME ...",
    help=f"one or more of {', '.join(FILES)} (default: rnn bilstm)",
)
@_training_option(
    "--framework",
    type=click.Choice(["numpy", "keras"]),
    help="numpy, with our own layers, or keras (default: keras for the BiLSTM, numpy for the others)",
)
@_training_option(
    "--start",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="model directory with the same labels whose weights the networks start from (default: random weights)",
)
@_training_option("--epochs", type=WholeNumber(1, 100_000), metavar="N", help="how often every text is seen")
@_training_option(
    "--batch-size", type=WholeNumber(1, 100_000), metavar="N", help="texts for each update of the weights"
)
@_training_option(
    "--learning-rate",
    type=Number(0, 10, min_open=True, max_open=True),
    metavar="R",
    help="peak of the learning rate",
)
@_training_option("--embedding", type=WholeNumber(1, 4096), metavar="N", help="size of the word vectors")
@_training_option("--dropout", type=Number(0, 0.9), metavar="R", help="share of features dropped in training")
@_training_option(
    "--seed",
    type=WholeNumber(0, 2**32 - 1),  # Keras accepts no larger one
    metavar="N",
    help="the same seed gives the same NumPy weights on the same machine (default: 0)",
)
@_output_option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="model directory to write (default: models/NAME)",
)
@_output_option("--resume", is_flag=True, help="continue a training run that was stopped")
@_output_option("--overwrite", is_flag=True, help="replace the models in the folder")
@version_option
@click.pass_context
def train(context: click.Context, /, **given: Any) -> int:
    """Train, measure and write according to the options; return the exit status."""
    options = Options(command=writable(shlex.join([*context.command_path.split(), *context.obj])), **given)
    if options.resume and options.overwrite:
        raise click.UsageError("--resume is not allowed with --overwrite")
    require("Training", "train", "rich")
    from classifiers.training.console import ConsoleReporter  # noqa: PLC0415 - only now Rich is sure to be there

    reporter = ConsoleReporter()
    try:
        outcome = run(options, reporter)
    except KeyboardInterrupt:
        reporter.say("Stopped. To continue, run the same command with --resume.")
        return 130
    if outcome.lost:
        if sys.platform == "win32":  # Windows cannot replace a process, and a new one would need this one's port
            reporter.say("Another worker is lost: start this one again, too, to go on from the last checkpoint.")
            return 1
        reporter.say("Another worker is lost: waiting for it, to go on from the last checkpoint.")
        _restart(context.obj, outcome.folder)
    for line in _closing_lines(outcome):
        reporter.say(line)
    return 0 if outcome.complete else 130


def _restart(words: Sequence[str], folder: Path) -> None:
    """Replace this process with one that has the same command line and continues from the folder's checkpoints."""
    words = [word for word in words if word != "--overwrite"] if has_checkpoint(folder) else list(words)
    python = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv[1:])]
    os.execv(sys.executable, [*python, *words])  # noqa: S606 - no shell is wanted


def _closing_lines(outcome: Outcome) -> list[str]:
    """Return the lines to print at the end of a run."""
    if not outcome.written and outcome.complete:
        return ["Trained to the end."]
    if not outcome.written:
        return ["Stopped before the first epoch was finished, so nothing is written."]
    compare = shlex.join(["python", "-m", "classifiers", "compare", "--models", str(outcome.folder), "your text"])
    lines = [f"Written to {outcome.folder}. Compare them: {compare}"]
    if not outcome.complete:
        lines.append("Stopped; the best epoch so far is kept. To continue, run the same command with --resume.")
    return lines
