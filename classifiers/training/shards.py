"""Train on a folder of Parquet files, the shards, which `tf.data` streams, so that a corpus may have any size.

Each process reads different shards, in random order and several in turn. Some thousands of texts at a time are treated
as all texts are otherwise: `training_batches` makes random batches of nearly equal lengths. An epoch has as many
batches as all rows fill. The last one is filled with rows that come again. If processes have different numbers of rows,
some of their rows come twice and others not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from classifiers.errors import DatasetError
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, Examples, count_batches, pad, training_batches
from classifiers.nn.optimizers import warmup_cosine
from classifiers.text import Tokenizer
from classifiers.training import distributed
from classifiers.training.cluster import Cluster
from classifiers.training.datasets import Dataset
from classifiers.training.label_cells import parse_labels
from classifiers.training.parquet_files import opened_parquet, texts_in
from classifiers.training.recipes import Recipe
from classifiers.training.tables import Columns, column_index

ROWS_PER_READ = 1024
"""The number of rows of a shard that are read at once."""

SHARDS_IN_TURN = 4
"""The number of shards that are read in turn."""

SHUFFLE_BUFFER = 20_000
"""The most rows that are shuffled into batches together."""


@dataclass(frozen=True, slots=True)
class Shards:
    """Training texts in files.

    Attributes:
        paths: the files.
        rows: how many texts each of them has.
        columns: where a file has texts and labels.
        labels: the label of each column of the targets.
        multi_label: whether a text may have several labels.
        tokenizer: the tokenizer for the texts.
    """

    paths: tuple[Path, ...]
    rows: tuple[int, ...]
    columns: Columns
    labels: tuple[str, ...]
    multi_label: bool
    tokenizer: Tokenizer

    def __len__(self) -> int:
        return sum(self.rows)

    @property
    def fingerprint(self) -> str:
        """A fingerprint that distinguishes these shards and their token numbers from others, without reading them."""
        content = [[path.name for path in self.paths], self.rows, self.columns, self.labels, self.tokenizer.words]
        return hashlib.sha256(repr(content).encode("utf-8", "surrogateescape")).hexdigest()

    def batches(
        self, size: int, rng: np.random.Generator, word_dropout: float, cluster: Cluster
    ) -> Iterator[tuple[Batch, Array]]:
        """Yield, without end, full batches with their targets for a process, in the form of `training_batches`.

        Raises:
            DatasetError: a shard cannot be read, or has an unknown label.
        """
        rows = left = sum(self.rows[cluster.index :: cluster.count])
        most = size * max(1, min(SHUFFLE_BUFFER, rows) // size)
        sequences: list[Sequence[int]] = []
        targets = np.zeros((0, len(self.labels)), np.float32)
        for ids, lengths, further in self._stream(int(rng.integers(2**31)), cluster):
            sequences += [row[:length] for row, length in zip(ids, lengths, strict=True)]
            targets = np.concatenate([targets, further])
            # The last rows are not mixed with the next pass, from which only the last batch is filled.
            while len(sequences) >= (wanted := min(most, size * count_batches(range(left), size))):
                examples = Examples(sequences[:wanted], targets[:wanted])
                sequences, targets = sequences[wanted:], targets[wanted:]
                left = (left - wanted) % rows or rows
                yield from training_batches(examples, size, rng, word_dropout)

    def _stream(self, seed: int, cluster: Cluster) -> Iterator[tuple[Array, Array, Array]]:
        """Yield, without end, rows of a process's shards, `SHARDS_IN_TURN` in turn, in the form of `_rows`."""
        failures: list[DatasetError] = []

        def rows(path: bytes) -> Iterator[tuple[Array, Array, Array]]:
            try:
                yield from self._rows(Path(path.decode()))
            except DatasetError as error:  # which TensorFlow would turn into an error of its own
                failures.append(error)
                raise

        signature = (
            tf.TensorSpec((None, None), tf.int32),
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((None, len(self.labels)), tf.float32),
        )
        own = [str(path) for path in self.paths[cluster.index :: cluster.count]]
        stream = (
            tf.data.Dataset.from_tensor_slices(own)
            .shuffle(len(own), seed)
            .interleave(
                lambda path: tf.data.Dataset.from_generator(rows, output_signature=signature, args=(path,)),
                SHARDS_IN_TURN,
            )
            .repeat()  # after `interleave`, which would otherwise read the same shard several times at once
            .prefetch(SHARDS_IN_TURN)
        )
        try:
            yield from stream.as_numpy_iterator()
        except tf.errors.OpError:
            if failures:
                raise failures[0] from None
            raise

    def _rows(self, path: Path) -> Iterator[tuple[Array, Array, Array]]:
        """Yield the token numbers (rows, time), lengths and targets of `ROWS_PER_READ` rows of a shard at a time."""
        numbers = {label.casefold(): number for number, label in enumerate(self.labels)}
        known: dict[str, Array] = {}
        with opened_parquet(path) as file:
            names = file.schema_arrow.names
            wanted = [names[column_index(path, names, name)] for name in (self.columns.text, self.columns.label)]
            for batch in file.iter_batches(ROWS_PER_READ, columns=wanted):
                cells = batch.column(wanted[1]).to_pylist()
                known |= {repr(cell): self._targets(path, cell, numbers) for cell in cells if repr(cell) not in known}
                padded = pad([self.tokenizer.encode(text) for text in texts_in(batch.column(wanted[0]))])
                yield padded.ids.T, padded.lengths, np.stack([known[repr(cell)] for cell in cells])

    def _targets(self, path: Path, cell: Any, numbers: dict[str, int]) -> Array:
        targets = np.zeros(len(self.labels), np.float32)
        try:
            for label in parse_labels(cell):
                targets[numbers[label.casefold()]] = 1
        except ValueError as error:
            raise DatasetError(f"{path}: {error}.") from None
        except KeyError:
            raise DatasetError(f"{path}: {str(cell)[:60]!r} is not one of the labels of the data set.") from None
        if targets.sum() > 1 and not self.multi_label:
            raise DatasetError(
                f"{path}: {str(cell)[:60]!r} are several labels, where the data set has one for each text."
            )
        return targets


def find_shards(folder: Path, columns: Columns, dataset: Dataset, tokenizer: Tokenizer, least: int) -> Shards:
    """Return the shards in a folder; only the footers of the files are read.

    Args:
        folder: the folder with the `.parquet` files.
        columns: the names of the columns with texts and labels.
        dataset: the data set with the allowed labels.
        tokenizer: the tokenizer for the texts.
        least: the fewest files that there must be.

    Raises:
        DatasetError: there are fewer files, or one is not Parquet, lacks a column or has no rows.
    """
    paths = tuple(sorted(folder.glob("*.parquet")))
    if not paths:
        raise DatasetError(f"{folder} has no files that end in .parquet.")
    if len(paths) < least:
        raise DatasetError(f"{folder} has too few files that end in .parquet: each of the {least} workers needs one.")
    rows = []
    for path in paths:
        with opened_parquet(path) as file:
            for name, option in ((columns.text, "--text-column"), (columns.label, "--label-column")):
                column_index(path, file.schema_arrow.names, name, option)
            rows.append(file.metadata.num_rows)
        if not rows[-1]:
            raise DatasetError(f"{path} has no rows: delete it.")
    return Shards(paths, tuple(rows), columns, dataset.labels, dataset.multi_label, tokenizer)


class Trainer(distributed.Trainer):
    """A Keras network that one or several processes train on shards."""

    def __init__(
        self, model: keras.Model, recipe: Recipe, multi_label: bool, workers: distributed.Workers, shards: Shards
    ) -> None:
        super().__init__(model, recipe, multi_label, workers)
        self._shards = shards

    def train_epoch(self, examples: Examples, number: int) -> Iterator[float]:
        """See `Trainable`; the examples are those of the shards."""
        del examples
        recipe, cluster = self._recipe, self._workers.cluster
        size = len(range(cluster.index, recipe.batch_size, cluster.count))
        weights = np.full(size, 1 / recipe.batch_size, np.float32)
        rng = np.random.default_rng([recipe.seed, number, cluster.index])
        steps = count_batches(self._shards, recipe.batch_size)
        self.set_dropout((number - 1) * steps)
        batches = self._shards.batches(size, rng, recipe.word_dropout, cluster)
        for step, (batch, targets) in zip(range((number - 1) * steps, number * steps), batches, strict=False):
            rate = warmup_cosine(step, recipe.epochs * steps, recipe.learning_rate)
            yield self.update(batch.ids.T, targets, weights, rate)
