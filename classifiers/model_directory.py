"""The model directory: what `train.py` writes and the bot loads, and the only door to trained models.

    manifest.json      labels, sizes, thresholds, temperatures, figures, provenance, a SHA-256 of each other file
    tokenizer.json     the vocabulary, shared by all models
    rnn.safetensors    the RNN's parameters, for our NumPy layers; so too gru.safetensors and lstm.safetensors
    bilstm.onnx        the BiLSTM as an ONNX graph

A directory holds any of the models. Nothing in it is code: no pickle, no Python.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import numpy as np
import onnxruntime
from safetensors.numpy import load_file, save

from classifiers.batching import Batch, pad
from classifiers.classifier import MINIMUM_CERTAINTY, NetworkClassifier
from classifiers.errors import ModelDirectoryError
from classifiers.layers import Array
from classifiers.network import build
from classifiers.text import UNKNOWN, Tokenizer

PRETRAINED = Path(__file__).parent / "pretrained"
"""The model directory that is shipped with the package."""

MANIFEST, TOKENIZER = "manifest.json", "tokenizer.json"

ModelName: TypeAlias = Literal["rnn", "gru", "lstm", "bilstm"]
"""What commands, settings and manifests call the models."""

FILES = {"rnn": "rnn.safetensors", "gru": "gru.safetensors", "lstm": "lstm.safetensors", "bilstm": "bilstm.onnx"}
"""The file of each model, in the order in which models are shown."""

NAMES = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM", "bilstm": "BiLSTM"}
"""What people call them."""

DIRECTIONS = {"rnn": 1, "gru": 1, "lstm": 1, "bilstm": 2}
"""Whether each reads from the left alone or from both sides."""


_REMEDY = "train it anew with `python train.py`, or unset EMOBOT_MODELS to use the models that are shipped"


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the manifest says of one model: its sizes, its calibration and its figures on the test split."""

    embedding: int
    parameters: int
    epochs: int
    temperature: float
    thresholds: tuple[float, ...]
    certainty: float = MINIMUM_CERTAINTY
    test: dict[str, float]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the manifest says of the whole directory."""

    format: Literal["emobot-models-1"] = "emobot-models-1"
    command: str
    dataset: str
    dataset_sha256: str
    labels: tuple[str, ...]
    multi_label: bool
    max_tokens: int
    models: dict[str, ModelCard]
    files: dict[str, str] = {}


def read_manifest(directory: Path) -> Manifest:
    """The directory's manifest; its other files are not looked at.

    Raises:
        ModelDirectoryError: the directory or its manifest is missing, foreign or damaged.
    """
    try:
        return msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Manifest)
    except (FileNotFoundError, NotADirectoryError):
        raise ModelDirectoryError(
            f"There is no model directory at {directory} (it would hold a {MANIFEST}); {_REMEDY}."
        ) from None
    except OSError as error:
        raise ModelDirectoryError(f"The model directory {directory} cannot be read: {error.strerror}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelDirectoryError(
            f"{directory / MANIFEST} is no manifest of this version ({error}); {_REMEDY}."
        ) from None


def load_models(directory: Path = PRETRAINED) -> dict[str, NetworkClassifier]:
    """The directory's models by name, in the order of `FILES`.

    Raises:
        ModelDirectoryError: the directory is missing, foreign or damaged.
    """
    manifest = read_manifest(directory)
    for name, digest in manifest.files.items():
        _verify(directory, name, digest)
    try:
        return _assemble(manifest, directory)
    except Exception as error:  # the parsers of three file formats raise whatever they like
        raise ModelDirectoryError(f"The model directory {directory} is damaged ({error}); {_REMEDY}.") from error


def _assemble(manifest: Manifest, directory: Path) -> dict[str, NetworkClassifier]:
    tokenizer = Tokenizer(msgspec.json.decode((directory / TOKENIZER).read_bytes())["words"], manifest.max_tokens)
    models = {}
    for name in FILES:
        card = manifest.models.get(name)
        if card is None:
            continue
        if len(card.thresholds) != len(manifest.labels):
            raise ValueError(f"{name} has {len(card.thresholds)} thresholds for {len(manifest.labels)} labels")
        run = load_network(name, directory)
        probe = run(pad([[UNKNOWN]]))
        if probe.shape != (1, len(manifest.labels)):
            raise ValueError(f"{name} gives {probe.shape[1]} logits for {len(manifest.labels)} labels")
        models[name] = NetworkClassifier(
            run,
            tokenizer,
            manifest.labels,
            card.thresholds,
            card.temperature,
            card.certainty,
            manifest.multi_label,
        )
    if not models:
        raise ValueError("it holds no model")
    return models


def load_network(name: str, directory: Path) -> Callable[[Batch], Array]:
    """One of the directory's networks, as a function from a batch to logits (batch, labels)."""
    path = directory / FILES[name]
    return load_onnx(path) if path.suffix == ".onnx" else load_numpy(name, path)


def load_numpy(name: str, path: Path) -> Callable[[Batch], Array]:
    """A network of our layers in a safetensors file, as a function from a batch to logits (batch, labels)."""
    arrays = load_file(path)
    # The vectors stay in float16: only those of a message's own words are ever computed with.
    arrays |= {name: array.astype(np.float32) for name, array in arrays.items() if name != "0.embeddings"}
    vocabulary, embedding = arrays["0.embeddings"].shape
    network = build(name, vocabulary, embedding, len(arrays["7.bias"]), rng=None)
    network.load(arrays)
    return network.forward


def load_onnx(path: Path) -> Callable[[Batch], Array]:
    """The BiLSTM in an ONNX file, as a function from a batch to logits (batch, labels)."""
    options = onnxruntime.SessionOptions()
    # Measured: a second thread makes single messages slower, and idle threads would spin.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(batch: Batch) -> Array:
        [logits] = session.run(["logits"], {"ids": batch.ids, "lengths": batch.lengths})
        return np.asarray(logits)

    return run


def save_numpy(name: str, params: Mapping[str, Array], directory: Path) -> None:
    """Write the file of a network of our layers: its parameters in float16, half the size for no measurable loss."""
    (directory / FILES[name]).write_bytes(save({key: array.astype(np.float16) for key, array in params.items()}))


def save_tokenizer(tokenizer: Tokenizer, directory: Path) -> None:
    """Write the tokenizer's file."""
    (directory / TOKENIZER).write_bytes(msgspec.json.encode({"words": tokenizer.words}))


def unseal(directory: Path) -> None:
    """Make the directory, or take its manifest away, so that half-written models are never loaded."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MANIFEST).unlink(missing_ok=True)


def seal(directory: Path, manifest: Manifest) -> None:
    """Write the manifest, with the hashes of the tokenizer and of each model that it describes."""
    names = [TOKENIZER, *(FILES[name] for name in manifest.models)]
    files = {name: _digest(directory / name) for name in names}
    content = msgspec.json.encode(msgspec.structs.replace(manifest, files=files))
    (directory / MANIFEST).write_bytes(msgspec.json.format(content, indent=1))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verify(directory: Path, name: str, digest: str) -> None:
    if Path(name).name != name:
        raise ModelDirectoryError(f"{directory / MANIFEST} names the file {name!r} outside its folder; {_REMEDY}.")
    try:
        found = _digest(directory / name)
    except OSError:
        raise ModelDirectoryError(f"The model directory {directory} lacks its file {name}; {_REMEDY}.") from None
    if found != digest:
        raise ModelDirectoryError(
            f"The file {name} in {directory} is damaged: it differs from what the manifest describes; {_REMEDY}."
        )
