"""Read and write model directories: `train.py` writes one, and the bot loads one.

    manifest.json      labels, sizes, thresholds, temperatures, figures, provenance, a SHA-256 of each other file
    tokenizer.json     the vocabulary, shared by all models
    rnn.safetensors    the RNN's parameters, for our NumPy layers; so too for the other networks
                       that are served from them
    bilstm.onnx        the BiLSTM as an ONNX graph

A directory has one or more models. Nothing in it is code: no pickle, no Python. Each file is read once, so that the
bytes that are loaded are exactly those whose hash was compared. A model that could not answer a message is refused when
it is loaded.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, TypeVar, get_args

import msgspec
import numpy as np
from safetensors.numpy import load, save

from classifiers.acceptance import shares_of
from classifiers.classifier import MINIMUM_CERTAINTY, NetworkClassifier
from classifiers.emotions import EMOJI, canonical_spelling, checked_emoji
from classifiers.errors import ModelDirectoryError
from classifiers.files import refuse_device, write_atomically
from classifiers.memory import release_unused
from classifiers.nn.arrays import Array, require_finite
from classifiers.nn.batching import UNKNOWN, Batch, pad
from classifiers.nn.network import KINDS, build
from classifiers.onnx_runtime import load_onnx
from classifiers.text import Tokenizer

Parsed = TypeVar("Parsed")

PRETRAINED = Path(__file__).parent / "pretrained"
"""The model directory that is shipped with the package."""

MANIFEST, TOKENIZER = "manifest.json", "tokenizer.json"

ModelName: TypeAlias = Literal["rnn", "gru", "lstm", "bilstm"]
"""The names of the models in commands, settings and manifests."""

FILES = {name: f"{name}.safetensors" for name in get_args(ModelName)} | {"bilstm": "bilstm.onnx"}
"""The file of each model, in the order in which models are shown."""

NAMES = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM", "bilstm": "BiLSTM"}
"""The display names of the models."""

DIRECTIONS = {name: kind.directions for name, kind in KINDS.items()}
"""The directions of each model: 1 if it reads only from the left, 2 if it reads from both sides."""


# `python train.py` works only in a clone.
_SHIPPED = "use the shipped models: unset EMOBOT_MODELS, or leave --models out"
_REMEDY = f"train it again with `python -m train`, or {_SHIPPED}"

_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_FIELD = re.compile(r"field `(.*)`$")


_Amount: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
_Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
_Label: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The manifest's entry for one model: its sizes, its calibration and its figures on the test split."""

    embedding: _Amount
    parameters: _Amount
    epochs: _Amount
    temperature: Annotated[float, msgspec.Meta(ge=0.01, le=100)]
    thresholds: tuple[Annotated[float, msgspec.Meta(gt=0, le=1)], ...]
    certainty: Annotated[float, msgspec.Meta(ge=0, le=1)] = MINIMUM_CERTAINTY
    test: dict[str, float]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The manifest of a directory; `emoji` may be changed by hand at any time.

    Attributes:
        labels: the labels, each on one line and of at most 100 characters, the most that Discord's menus show.
        emoji: emoji for labels that have no default one, or that replace the default.
        neighbours: labels that readers accept together, see `classifiers.acceptance`.
        files: the SHA-256 of each other file.
    """

    format: Literal["emobot-models-1"] = "emobot-models-1"
    command: str
    dataset: str
    dataset_sha256: str
    labels: Annotated[tuple[_Label, ...], msgspec.Meta(min_length=1)]
    multi_label: bool
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    models: dict[str, ModelCard]
    emoji: dict[str, str] = {}
    neighbours: dict[str, dict[str, Annotated[float, msgspec.Meta(ge=0, le=1)]]] = {}
    files: dict[str, str] = {}

    def __post_init__(self) -> None:
        """Check that the parts agree.

        Raises:
            ValueError: they contradict each other, there is no model, or one that this version does not know.
        """
        if not self.models:
            raise ValueError("it holds no model")
        for name, card in self.models.items():
            if name not in FILES:
                raise ValueError(f"this version knows no model {name!r}")
            if len(card.thresholds) != len(self.labels):
                raise ValueError(f"{name} has {len(card.thresholds)} thresholds for {len(self.labels)} labels")
        for label in [*self.neighbours, *(other for row in self.neighbours.values() for other in row)]:
            if label not in self.labels:
                raise ValueError(f"neighbours has {label!r}, which is not one of its labels")
        _refuse_repetition(self.labels)


class _Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `tokenizer.json`."""

    words: tuple[_Name, ...]

    def __post_init__(self) -> None:
        _refuse_repetition(self.words)


def _refuse_repetition(names: Sequence[str]) -> None:
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise ValueError(f"it has {repeated[0]!r} twice")


def read_manifest(directory: Path) -> Manifest:
    """Return the directory's manifest, without looking at its other files.

    Raises:
        ModelDirectoryError: the directory or its manifest is missing, foreign or damaged.
    """
    try:
        refuse_device(directory / MANIFEST)
        content = (directory / MANIFEST).read_bytes().removeprefix(codecs.BOM_UTF8)  # some editors write it
    except (FileNotFoundError, NotADirectoryError):
        raise ModelDirectoryError(
            f"There is no model directory at {directory} (it would hold a {MANIFEST}): check the path, train one with "
            f"`python -m train`, or {_SHIPPED}."
        ) from None
    except OSError as error:
        raise ModelDirectoryError(f"The model directory {directory} cannot be read: {error.strerror}.") from error
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = _describe_fault(error) if isinstance(error, msgspec.ValidationError) else _describe_json_error(content)
        raise ModelDirectoryError(
            f"{directory / MANIFEST} is no manifest of this version ({fault}); {_REMEDY}."
        ) from None
    try:
        return _with_canonical_spelling(manifest)
    except ValueError as error:
        raise ModelDirectoryError(f'{directory / MANIFEST}: {error}; correct its entry "emoji".') from None


def _describe_fault(error: msgspec.ValidationError) -> str:
    """Return what is wrong with a manifest, without Python's types and msgspec's notation."""
    text, place = str(error), _PLACE.search(str(error))
    names = re.findall(r"[a-z]\w*", place[1]) if place else []
    text = _PLACE.sub("", text)
    inside = f' in "{names[0]}"' if names else ""
    if field := _FIELD.search(text):
        return f'this version knows no "{field[1]}"{inside}' if "unknown" in text else f'it lacks "{field[1]}"{inside}'
    if not text.startswith(("Expected", "Invalid")):
        return text  # raised in `Manifest.__post_init__`
    if not names:
        return "it is a list or a single value"
    return f'its "{names[-1]}"{inside if len(names) > 1 else ""} cannot be used'


def _describe_json_error(content: bytes) -> str:
    """Return where a manifest is not JSON, as far as that is known."""
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        return f"it is not JSON at line {error.lineno}"
    except (UnicodeDecodeError, RecursionError):
        return "it is not JSON"
    return "it holds a number that is not finite"  # Python's reader accepts NaN, msgspec's does not


def _with_canonical_spelling(manifest: Manifest) -> Manifest:
    labels = canonical_spelling(manifest.labels)
    return msgspec.structs.replace(manifest, labels=labels, emoji=checked_emoji(manifest.emoji, labels))


def load_models(directory: Path = PRETRAINED) -> dict[str, NetworkClassifier]:
    """Return the directory's models by name, in the order of `FILES`.

    Raises:
        ModelDirectoryError: the directory is missing, foreign or damaged.
    """
    manifest = read_manifest(directory)
    needed = {TOKENIZER, *(FILES[name] for name in manifest.models)}
    for file in sorted(needed ^ manifest.files.keys()):
        fault = "lacks the hash of" if file in needed else "has a hash of a file that none of its models needs:"
        raise ModelDirectoryError(f"{directory / MANIFEST} {fault} {file!r}; {_REMEDY}.")

    def read(file: str, parse: Callable[[bytes], Parsed]) -> Parsed:
        return _read(directory / file, parse, manifest.files[file])

    tokenizer = read(TOKENIZER, partial(_tokenizer, manifest))
    models = {
        name: read(file, partial(_classifier, manifest, tokenizer, name))
        for name, file in FILES.items()
        if name in manifest.models
    }
    release_unused()  # the files' bytes: 3 MB
    return models


def load_network(name: str, directory: Path) -> Callable[[Batch], Array]:
    """Return one of the directory's networks, as a function from a batch to logits (batch, labels).

    The manifest is not read, so that a network can be measured before there is one.

    Raises:
        ModelDirectoryError: its file is missing or damaged.
    """
    return _read(directory / FILES[name], partial(_network, name))


def load_numpy(name: str, content: bytes) -> Callable[[Batch], Array]:
    """Return a network of our layers from the bytes of a safetensors file, as a function from a batch to logits.

    Raises:
        Exception: it is not such a file, or has weights that are not finite.
    """
    arrays = load(content)
    for key, array in arrays.items():
        if array.dtype.kind != "f":
            raise ValueError(f"{key} is of {array.dtype}, not of floats")
    require_finite(arrays.values())
    # The word vectors stay in float16, since only those of a message's words are computed with.
    arrays |= {name: array.astype(np.float32) for name, array in arrays.items() if name != "0.embeddings"}
    vocabulary, embedding = arrays["0.embeddings"].shape
    network = build(name, vocabulary, embedding, len(arrays[f"{KINDS[name].output}.bias"]), rng=None)
    network.load(arrays)
    return network.forward


def save_numpy(name: str, params: Mapping[str, Array], directory: Path) -> None:
    """Write the file of a network of our layers: its parameters in float16, half the size without measurable loss."""
    content = save({key: array.astype(np.float16) for key, array in params.items()})
    write_atomically(directory / FILES[name], content)


def save_tokenizer(tokenizer: Tokenizer, directory: Path) -> None:
    """Write the tokenizer's file."""
    write_atomically(directory / TOKENIZER, msgspec.json.encode({"words": tokenizer.words}))


def invalidate_manifest(directory: Path) -> None:
    """Create the directory if it is missing, and delete its manifest, so that half-written models are never loaded."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MANIFEST).unlink(missing_ok=True)


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write the manifest, with the hashes of the tokenizer and of each model that it describes.

    If this fails, an earlier manifest stays as it is; `invalidate_manifest` deletes that one first.
    """
    names = [TOKENIZER, *(FILES[name] for name in manifest.models)]
    files = {name: _digest((directory / name).read_bytes()) for name in names}
    content = msgspec.json.encode(msgspec.structs.replace(manifest, files=files))
    write_atomically(directory / MANIFEST, msgspec.json.format(content, indent=1))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path, parse: Callable[[bytes], Parsed], digest: str | None = None) -> Parsed:
    """Return what `parse` returns for a file's bytes, after comparing their SHA-256 with `digest` unless that is None.

    Raises:
        ModelDirectoryError: the file cannot be read, has another hash, or `parse` raised an exception.
    """
    directory, file = path.parent, path.name
    try:
        refuse_device(path)
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelDirectoryError(f"The model directory {directory} lacks its file {file}; {_REMEDY}.") from None
    except OSError as error:
        raise ModelDirectoryError(
            f"The file {file} in {directory} cannot be read ({error.strerror}); {_REMEDY}."
        ) from None
    if digest is not None and _digest(content) != digest:
        raise ModelDirectoryError(
            f"The file {file} in {directory} is damaged: it differs from what the manifest describes; {_REMEDY}."
        )
    try:
        return parse(content)
    except Exception as error:  # the parsers of three file formats raise many kinds of exceptions
        [reason, *_] = f"{error}".splitlines() or [type(error).__name__]
        raise ModelDirectoryError(
            f"The file {file} in {directory} cannot be used: {reason.rstrip('.')}; {_REMEDY}."
        ) from error


def _tokenizer(manifest: Manifest, content: bytes) -> Tokenizer:
    return Tokenizer(msgspec.json.decode(content, type=_Vocabulary).words, manifest.max_tokens)


def _network(name: str, content: bytes) -> Callable[[Batch], Array]:
    return load_onnx(content) if FILES[name].endswith(".onnx") else load_numpy(name, content)


def _classifier(manifest: Manifest, tokenizer: Tokenizer, name: str, content: bytes) -> NetworkClassifier:
    """Return the model with that name, after a trial with the unknown word and the last word of the vocabulary."""
    run = _network(name, content)
    with np.errstate(over="ignore", invalid="ignore"):  # the result is checked below
        logits = run(pad([[UNKNOWN]]))
    require_finite([logits])
    if logits.shape != (1, len(manifest.labels)):
        raise ValueError(f"it gives {logits.shape[-1]} logits for {len(manifest.labels)} labels")
    try:
        run(pad([[len(tokenizer) - 1]]))
    except Exception:
        raise ValueError(f"it has no vectors for the {len(tokenizer):,} words of {TOKENIZER}") from None
    card = manifest.models[name]
    return NetworkClassifier(
        run,
        tokenizer,
        manifest.labels,
        card.thresholds,
        card.temperature,
        card.certainty,
        manifest.multi_label,
        EMOJI | manifest.emoji,
        shares_of(manifest.neighbours, manifest.labels) if manifest.neighbours else None,
    )
