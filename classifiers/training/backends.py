"""Choose the framework that trains a network, NumPy or Keras, and the function that writes its files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifiers.errors import MissingExtraError, require
from classifiers.memory import share_heaps
from classifiers.model_directory import FILES, save_numpy
from classifiers.nn import network as networks
from classifiers.nn.arrays import Array
from classifiers.nn.network import Network
from classifiers.starting import delay_ctrl_c
from classifiers.text import Tokenizer
from classifiers.training import numpy_backend
from classifiers.training.cluster import Cluster
from classifiers.training.datasets import Dataset
from classifiers.training.distillation import pca
from classifiers.training.loop import Trainable
from classifiers.training.recipes import Recipe
from classifiers.training.tables import Columns

if TYPE_CHECKING:
    from classifiers.training.distributed import Workers
    from classifiers.training.shards import Shards


def choose_frameworks(names: Iterable[str], framework: str | None) -> dict[str, str]:
    """Return the framework for each network, after checking that all it takes to train and write it is installed.

    Args:
        names: the networks.
        framework: numpy or keras for all networks; None for Keras for the BiLSTM and NumPy for the others.

    Raises:
        MissingExtraError: something is not installed.
    """
    frameworks = {name: framework or ("keras" if name == "bilstm" else "numpy") for name in names}
    require("Training", "train", "scipy", "sklearn")
    if "keras" in frameworks.values():
        require("Training with Keras", "train", "keras", "tensorflow")
    if "bilstm" in frameworks:
        require("Writing the BiLSTM", "train", "onnx")
    return frameworks


def initial_network(name: str, recipe: Recipe, vocabulary: int, bias: Array, vectors: Array | None = None) -> Network:
    """Return an untrained network.

    Args:
        name: its kind, as in `classifiers.nn.network.KINDS`.
        recipe: its sizes and seed.
        vocabulary: how many token numbers there are.
        bias: (labels,) the bias of its output.
        vectors: (words, features) its initial word vectors; None for random ones.
    """
    rng = np.random.default_rng(recipe.seed)
    built = networks.build(name, vocabulary, recipe.embedding, len(bias), rng, recipe.dropout)
    if vectors is not None:
        built.layers[0].params["embeddings"][-len(vectors) :] = pca(vectors, recipe.embedding)
    built.layers[-1].params["bias"] = bias
    return built


def connect_workers(cluster: Cluster) -> Workers:
    """Wait for all processes that train together, and return them; nothing may be computed in Keras before.

    Raises:
        MissingExtraError: Keras is not installed.
    """
    try:
        with _quiet_tensorflow(), delay_ctrl_c():
            from classifiers.training import distributed  # noqa: PLC0415 - TensorFlow takes seconds to load
    except ImportError:
        raise MissingExtraError("Training with Keras", "train") from None
    return distributed.Workers(cluster)


def open_shards(folder: Path, columns: Columns, dataset: Dataset, tokenizer: Tokenizer, least: int) -> Shards:
    """Return the shards in a folder, after checking their number and columns.

    Raises:
        DatasetError: there are none, or they cannot be used.
        MissingExtraError: PyArrow is not installed.
    """
    require("Reading Parquet", "parquet", "pyarrow")
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # before PyArrow is loaded, whose pool keeps 16 MB
    share_heaps()  # before TensorFlow starts its threads
    with _quiet_tensorflow(), delay_ctrl_c():
        from classifiers.training.shards import find_shards  # noqa: PLC0415 - it needs TensorFlow
    return find_shards(folder, columns, dataset, tokenizer, least)


@dataclass(frozen=True, slots=True)
class Setup:
    """The settings with which a network is trained and saved.

    Attributes:
        name: the kind of network.
        framework: numpy or keras.
        recipe: the hyper-parameters.
        multi_label: whether a text may have several labels.
        folder: the model directory.
    """

    name: str
    framework: str
    recipe: Recipe
    multi_label: bool
    folder: Path


def create_trainer(
    setup: Setup, network: Network, workers: Workers | None = None, shards: Shards | None = None
) -> tuple[Trainable, Callable[[], None]]:
    """Return a trainer for an untrained network, and the function that writes the trained network's files.

    Args:
        setup: the settings with which the network is trained and saved.
        network: the network before training.
        workers: the processes that train it together, in Keras; None if this one trains alone.
        shards: the training texts, in Keras, instead of examples in memory; None to train on examples.

    Raises:
        MissingExtraError: the framework, or a package for writing the file, is not installed.
    """
    name, recipe, save = setup.name, setup.recipe, _saver(setup.name, setup.folder)
    if setup.framework == "numpy":
        return numpy_backend.Trainer(network, recipe, setup.multi_label), lambda: save(network.params)
    try:
        with _quiet_tensorflow(), delay_ctrl_c():
            from classifiers.training import keras_backend  # noqa: PLC0415 - TensorFlow takes seconds to load, and NumPy needs none
    except ImportError:
        raise MissingExtraError("Training with Keras", "train") from None
    own_seed = recipe.seed + (workers.cluster.index if workers else 0)  # for its own dropout masks
    model = keras_backend.from_network(name, network, recipe.dropout, own_seed)

    def export() -> None:
        model.save(setup.folder / f"{name}.keras")
        save(keras_backend.params(model))

    return _keras_trainer(model, recipe, setup.multi_label, workers, shards), export


def _keras_trainer(
    model: Any, recipe: Recipe, multi_label: bool, workers: Workers | None, shards: Shards | None
) -> Trainable:
    """Return a Keras trainer: from shards, with several processes, or in this process alone."""
    if shards:
        from classifiers.training.shards import Trainer  # noqa: PLC0415 - it needs TensorFlow

        return Trainer(model, recipe, multi_label, workers or connect_workers(Cluster()), shards)
    if workers:
        from classifiers.training import distributed  # noqa: PLC0415 - likewise

        return distributed.Trainer(model, recipe, multi_label, workers)
    from classifiers.training import keras_backend  # noqa: PLC0415 - likewise

    return keras_backend.Trainer(model, recipe, multi_label)


@contextmanager
def _quiet_tensorflow() -> Iterator[None]:
    """Keep TensorFlow's log off the terminal, while it is loaded and later, unless the user has set a level.

    While it is loaded, it ignores all levels and writes to the file descriptor itself, not to `sys.stderr`.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        yield
        return
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _saver(name: str, out: Path) -> Callable[[Mapping[str, Array]], None]:
    """Return the function that writes a network's parameters to the served file, whichever framework trained them."""
    if name != "bilstm":
        return lambda params: save_numpy(name, params, out)
    try:
        from classifiers.training import onnx_export  # noqa: PLC0415 - the other networks do without
    except ImportError:
        raise MissingExtraError("Writing the BiLSTM", "train") from None
    return lambda params: onnx_export.save_bilstm(params, out / FILES[name])
