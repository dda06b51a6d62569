"""Check the options of a training run, and load what they name."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from classifiers.emotions import checked_emoji
from classifiers.errors import ClassifiersError
from classifiers.model_directory import FILES, NAMES
from classifiers.text import Tokenizer
from classifiers.training.backends import open_shards
from classifiers.training.cluster import VARIABLE, Cluster
from classifiers.training.corpus import shipped_dataset
from classifiers.training.datasets import Dataset, load_dataset
from classifiers.training.recipes import SHIPPED, Distillation, Recipe, choose_recipe
from classifiers.training.tables import Columns
from classifiers.training.teacher_ensemble import check_encoder
from classifiers.training.warm_start import check_start

if TYPE_CHECKING:
    from classifiers.training.shards import Shards

ASSISTANT = "bilstm"
"""The network that labels more texts for the others, once it has learnt from the teachers."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a training run.

    Attributes:
        command: the command line, kept in the manifest and the report.
        dataset: the name of a built-in data set, or a file.
        recipe: plain, to learn the labels of the data set, or shipped, to learn from teachers.
        encoder: a folder with the encoder from which the teachers start; None to download it.
        start: a model directory with the initial weights of the networks; None for random weights.
        text_column: the name or number of a file's column with the text.
        label_column: the name or number of a file's column with the labels.
        shards: a folder of Parquet files to train on instead of the data set's training texts; None to use these.
        emoji: (label, emoji) pairs with which the bot is to react.
        models: the networks to train.
        framework: numpy or keras; None for the default of each network.
        epochs: replaces the recipe's epochs; like the following fields, None to keep the recipe's own.
        batch_size: replaces the recipe's batch size.
        learning_rate: replaces the recipe's learning rate.
        embedding: replaces the recipe's embedding size.
        dropout: replaces the recipe's dropout.
        seed: replaces the recipe's seed.
        out: the model directory; None for one named after the data set.
        resume: whether to continue a stopped training run.
        overwrite: whether to replace the models in the folder.
    """

    command: str
    dataset: str = "builtin"
    recipe: str = "plain"
    encoder: Path | None = None
    start: Path | None = None
    text_column: str = "text"
    label_column: str = "label"
    shards: Path | None = None
    emoji: Sequence[tuple[str, str]] = ()
    models: Sequence[str] = ("rnn", "bilstm")
    framework: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    embedding: int | None = None
    dropout: float | None = None
    seed: int | None = None
    out: Path | None = None
    resume: bool = False
    overwrite: bool = False

    @property
    def networks(self) -> list[str]:
        """The networks to train, in the order in which models are shown."""
        return [name for name in FILES if name in self.models]

    @property
    def distillation(self) -> Distillation | None:
        """The hyper-parameters for learning from teachers; None to learn the labels of the data set."""
        return SHIPPED if self.recipe == "shipped" else None

    @property
    def columns(self) -> Columns:
        """The columns of a file with the text and with the labels."""
        return Columns(self.text_column, self.label_column)


def check_options(options: Options, cluster: Cluster | None) -> None:
    """Refuse options that do not go together, or that name something that does not exist.

    Raises:
        ClassifiersError: an option is refused; the sentence says what to do.
    """
    distillation = options.distillation
    if distillation:
        _check_distillation(distillation, options)
    elif options.encoder:
        raise ClassifiersError("Only the shipped recipe has a teacher: add --recipe shipped, or leave --encoder out.")
    if (cluster or options.shards) and (distillation or options.framework == "numpy"):
        remedy = f"unset {VARIABLE}" if cluster else "leave --shards out"
        raise ClassifiersError(
            "Only Keras trains on several machines or from shards: leave --recipe shipped and "
            f"--framework numpy out, or {remedy}."
        )


def _check_distillation(distillation: Distillation, options: Options) -> None:
    """Refuse options that a training run with teachers cannot follow.

    Raises:
        ClassifiersError: the word vectors are wider than the teacher's, the assistant is not among the networks, or the
            encoder is missing.
    """
    width = distillation.teacher.embedding
    if (options.embedding or 0) > width:
        raise ClassifiersError(
            f"Word vectors that start from the teacher have at most its {width} features: "
            f"give --embedding {width} or less."
        )
    if ASSISTANT not in options.models:
        raise ClassifiersError(
            f"The other networks of the shipped recipe learn from its {NAMES[ASSISTANT]}: "
            f"give --model {shlex.join([*options.models, ASSISTANT])}."
        )
    if options.encoder:
        check_encoder(options.encoder)


def check_initial_models(options: Options, folder: Path, recipes: Mapping[str, Recipe], dataset: Dataset) -> None:
    """Refuse models that the networks cannot start from.

    Raises:
        ClassifiersError: they are not the networks to be trained, or would be replaced by them.
    """
    if options.start is None:
        return
    check_start(options.start, recipes, dataset.labels)
    if options.start.resolve() == folder.resolve():
        raise ClassifiersError("The models cannot replace those that they start from: give another folder with --out.")


def load_data(options: Options) -> Dataset:
    """Return the data set to train on.

    Raises:
        DatasetError: it cannot be read or downloaded.
    """
    if options.distillation:
        return shipped_dataset()
    return load_dataset(options.dataset, text_column=options.text_column, label_column=options.label_column)


def load_shards(options: Options, dataset: Dataset, tokenizer: Tokenizer, cluster: Cluster | None) -> Shards | None:
    """Return the shards to train on instead of the data set's training texts; None to use these."""
    if options.shards is None:
        return None
    return open_shards(options.shards, options.columns, dataset, tokenizer, cluster.count if cluster else 1)


def recipe_for(name: str, options: Options, dataset: Dataset, texts: int | None = None) -> Recipe:
    """Return the recipe of a network, with the changes from the options.

    Args:
        name: the network.
        options: the options.
        dataset: the data set.
        texts: the number of training texts, if they are not in the data set.
    """
    if options.distillation:
        recipe = options.distillation.networks[name]
    else:
        recipe = choose_recipe(name, dataset, options.batch_size, texts)
    if options.epochs is not None:  # the user wants all of them, so there is no early stopping
        recipe = replace(recipe, patience=None)
    # Options and hyper-parameters that belong together have the same name.
    given = {key: getattr(options, key, None) for key in asdict(recipe)}
    return replace(recipe, **{key: value for key, value in given.items() if value is not None})


def emoji_by_label(options: Options, dataset: Dataset) -> dict[str, str]:
    """Return the emoji in the options by label.

    Raises:
        ClassifiersError: one is not for an emotion of the data set, or is not an emoji.
    """
    try:
        return checked_emoji(dict(options.emoji), dataset.labels)
    except ValueError as error:
        raise ClassifiersError(f"--emoji: {error}.") from None
