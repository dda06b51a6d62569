"""Train on several machines, with TensorFlow's `MultiWorkerMirroredStrategy` in a loop of our own.

Each machine runs the same command, with its place in the environment variable TF_CONFIG (see `cluster`). Every process
has the whole network, with the same weights as all others. In each step it computes the gradients of its share of the
batch, the strategy adds up the gradients of all processes, and each process makes the same update with the sum. So,
except for the random masks of dropout, the weights are those that one process would get from the same batches.

Only the files of the chief are kept; the others write theirs to a temporary folder. The chief sends them the
checkpoints from which they continue. If a process is lost, TensorFlow makes the others fail in their next step:
`WorkerLostError`. They restart and wait for it, since TensorFlow cannot let a process rejoin.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np
import tensorflow as tf

from classifiers.errors import ClassifiersError, WorkerLostError
from classifiers.nn.arrays import Array
from classifiers.training import keras_backend
from classifiers.training.cluster import Cluster
from classifiers.training.recipes import Recipe


class Workers:
    """The connection to all processes that train together; there is one such object in a process.

    TensorFlow requires that it is created before anything is computed. Creating it waits for all other processes. Each
    process uses one GPU, if there is one. On a machine with several, start one process for each, with
    CUDA_VISIBLE_DEVICES.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        if cluster.count == 1:
            self.strategy = tf.distribute.get_strategy()
        else:
            tf.config.set_visible_devices(tf.config.list_physical_devices("GPU")[:1], "GPU")
            with _worker_errors(), _signals_to_system():
                self.strategy = tf.distribute.MultiWorkerMirroredStrategy()

        def add(array: Any) -> Any:
            return tf.distribute.get_replica_context().all_reduce(
                "SUM", tf.identity(array)
            )  # which gives the array a device

        self._add = tf.function(lambda array: self.strategy.run(add, (array,)), autograph=False, reduce_retracing=True)

    def total(self, array: Array) -> Array:
        """Return the sum of the arrays of all processes, which must have the same shape and type."""
        with _worker_errors():
            return np.asarray(self.first(self._add(tf.constant(array))))

    def from_chief(self, content: bytes) -> bytes:
        """Return the chief's value, whatever the others pass."""
        own = content if self.cluster.is_chief else b""
        size = int(self.total(np.array(len(own), np.int64)))
        numbers = np.zeros(-(-size // 4), np.int32)
        if self.cluster.is_chief:
            numbers[:] = np.frombuffer(own.ljust(4 * len(numbers), b"\0"), np.int32)
        return self.total(numbers).tobytes()[:size]

    def agree(self, what: str, value: str) -> None:
        """Make sure that all processes have the same `value`.

        Raises:
            ClassifiersError: one has another value; the sentence names `what`.
        """
        differs = self.from_chief(value.encode()) != value.encode()
        if self.total(np.array(differs, np.int32)):
            raise ClassifiersError(f"The workers have different {what}: start all with the same command and files.")

    def send_files(self, folder: Path) -> None:
        """Copy the chief's files in a folder and below it to the same folder of every other process."""
        paths = [path for path in folder.rglob("*") if path.is_file()] if self.cluster.is_chief else []
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        received = msgspec.msgpack.decode(self.from_chief(msgspec.msgpack.encode(files)), type=dict[str, bytes])
        if not self.cluster.is_chief:
            for name, content in received.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)

    def first(self, value: Any) -> Any:
        """Return the result of this process's first device."""
        return self.strategy.experimental_local_results(value)[0]


class Trainer(keras_backend.Trainer):
    """A Keras network that several processes train together."""

    def __init__(self, model: keras.Model, recipe: Recipe, multi_label: bool, workers: Workers) -> None:
        super().__init__(model, recipe, multi_label)
        self._workers = workers
        cross_entropy = keras.losses.BinaryCrossentropy if multi_label else keras.losses.CategoricalCrossentropy
        loss = cross_entropy(from_logits=True, reduction="sum")

        def gradients(ids: Any, targets: Any, weights: Any) -> Any:
            """Return the loss on the whole batch and its gradients, summed over all processes."""
            with tf.GradientTape() as tape:
                error = loss(targets, model(ids, training=True), sample_weight=weights)
            own = [error, *tape.gradient(error, model.trainable_variables)]
            return tf.distribute.get_replica_context().all_reduce("SUM", own)

        def update(ids: Any, targets: Any, weights: Any) -> Any:
            # The optimizer is outside `run`, where it would clip the gradients before they are summed.
            sums = workers.strategy.run(gradients, (ids, targets, weights))
            error, *summed = map(workers.first, sums)
            self._optimizer.apply_gradients(zip(summed, model.trainable_variables, strict=True))
            return error

        any_shape = (
            tf.TensorSpec((None, None), tf.int32),
            tf.TensorSpec((None, None), tf.float32),
            tf.TensorSpec((None,), tf.float32),
        )
        self._shared_update = tf.function(update, input_signature=any_shape, autograph=False)

    def step(self, ids: Array, targets: Array, rate: float) -> float:
        """Make one update from a batch, of which this process takes its share; return the loss before it."""
        rows = slice(self._workers.cluster.index, None, self._workers.cluster.count)
        weights = np.full(len(ids), 1 / len(ids), np.float32)[rows]
        if not len(weights):  # a batch with fewer texts than processes: take one text with weight 0
            rows, weights = slice(0, 1), np.zeros(1, np.float32)
        return self.update(ids[rows], targets[rows], weights, rate)

    def update(self, ids: Array, targets: Array, weights: Array, rate: float) -> float:
        """Make one update from this process's share of a batch; the weights of all texts of the batch add up to 1."""
        self._optimizer.learning_rate = rate
        with _worker_errors():
            return float(self._shared_update(ids, targets, weights))

    def logits(self, sequences: Sequence[Sequence[int]]) -> Array:
        """See `Trainable`; each process computes a share, and all get the same numbers, so they decide alike."""
        rows = slice(self._workers.cluster.index, None, self._workers.cluster.count)
        logits = np.zeros((len(sequences), self.model.output_shape[-1]), np.float32)
        if own := sequences[rows]:
            logits[rows] = super().logits(own)
        return self._workers.total(logits)


@contextmanager
def _signals_to_system() -> Iterator[None]:
    """Let Ctrl-C end this process while TensorFlow waits for others, and let SIGTERM end it afterwards.

    Meanwhile TensorFlow lets no Python code run, and from then on it intercepts SIGTERM.
    """
    interrupted, terminated = signal.signal(signal.SIGINT, signal.SIG_DFL), signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        for number, handler in ((signal.SIGINT, interrupted), (signal.SIGTERM, terminated)):
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: it was not Python's own


@contextmanager
def _worker_errors() -> Iterator[None]:
    """Turn TensorFlow's errors in the block into a `WorkerLostError` that says that another process was lost."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError):
        raise WorkerLostError("Another worker is lost.") from None
