"""Write and read checkpoints: folders from which stopped training runs continue."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes

from classifiers.errors import CheckpointError
from classifiers.files import write_atomically
from classifiers.nn.arrays import Array
from classifiers.training.history import Epoch, History, choose_best
from classifiers.training.origin import Origin
from classifiers.training.recipes import Recipe

FORMAT = "emobot-training-1"
"""The value of `format` in the history of every checkpoint."""

_HISTORY = "history.json"
_OWN_FILES = re.compile(r"history\.json(\.partial)?|epoch-\d+\.safetensors(\.partial)?")


def is_checkpoint(folder: Path) -> bool:
    """Return whether `save_checkpoint` wrote to this folder; its files may have been damaged since."""
    try:
        return f'"{FORMAT}"'.encode() in (folder / _HISTORY).read_bytes()
    except OSError:
        return False


def delete_checkpoint(checkpoint: Path) -> None:
    """Delete what `save_checkpoint` wrote, and the folder unless it holds other files."""
    (checkpoint / _HISTORY).unlink(missing_ok=True)  # first, so that the rest is not mistaken for a checkpoint
    for path in _own_files(checkpoint):
        path.unlink()
    with suppress(OSError):
        checkpoint.rmdir()


def has_only_checkpoint_files(folder: Path) -> bool:
    """Return whether a folder has only files that `save_checkpoint` writes, even partial ones; True if it is empty."""
    return folder.is_dir() and len(_own_files(folder)) == sum(1 for _ in folder.iterdir())


def _own_files(checkpoint: Path) -> list[Path]:
    return [path for path in checkpoint.iterdir() if _OWN_FILES.fullmatch(path.name)]


def save_checkpoint(
    checkpoint: Path, history: History, recipe: Recipe, origin: Origin, state: dict[str, Array]
) -> None:
    """Write the best state of a training run, and `state` after its last epoch; delete earlier ones.

    The history is written last and names the valid states. Until then, those that the previous history names stay
    intact, so being killed half-way does no harm.
    """
    checkpoint.mkdir(parents=True, exist_ok=True)
    number = len(history.epochs)
    for epoch, arrays in {history.best_epoch.number: history.best_state, number: state}.items():
        write_atomically(checkpoint / f"epoch-{epoch}.safetensors", to_bytes(arrays))
    content = {
        "format": FORMAT,
        "recipe": asdict(recipe),
        "origin": asdict(origin),
        "epochs": [asdict(epoch) for epoch in history.epochs],
    }
    write_atomically(checkpoint / _HISTORY, json.dumps(content).encode())
    kept = {_HISTORY, f"epoch-{number}.safetensors", f"epoch-{history.best_epoch.number}.safetensors"}
    for path in _own_files(checkpoint):
        if path.name not in kept:
            path.unlink()


class _HistoryFile(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `history.json`."""

    format: Literal["emobot-training-1"]
    recipe: Recipe
    origin: Origin
    epochs: Annotated[list[Epoch], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        if [epoch.number for epoch in self.epochs] != list(range(1, len(self.epochs) + 1)):
            raise ValueError("the epochs are not numbered from 1")


def load_checkpoint(
    checkpoint: Path, recipe: Recipe, origin: Origin, restore: Callable[[dict[str, Array]], None]
) -> History:
    """Return the history so far, after passing its last state to `restore`; an empty one if there is no checkpoint.

    Raises:
        CheckpointError: it is from another recipe or origin, or cannot be read or restored.
    """
    history = _read_history(checkpoint)
    if history is None:
        return History()
    others = origin.differences(history.origin)
    others += [f"{key} {value}" for key, value in asdict(history.recipe).items() if value != getattr(recipe, key)]
    if others:
        raise CheckpointError(
            f"The training run in {checkpoint} was started with {', '.join(others)}: continue with the same, "
            "or start again with --overwrite."
        )
    try:
        best_state, last_state = (
            load_file(checkpoint / f"epoch-{number}.safetensors")
            for number in (choose_best(history.epochs).number, len(history.epochs))
        )
        # Check the best state, too, since otherwise damage to it would show only at the end of the run.
        for state in (best_state, last_state):
            restore(state)
    except Exception as error:  # NumPy, Keras and PyTorch raise different errors for a state that does not fit
        raise CheckpointError(f"The checkpoint in {checkpoint} is damaged: start again with --overwrite.") from error
    return History(history.epochs, best_state)


def _read_history(checkpoint: Path) -> _HistoryFile | None:
    """Return the content of a checkpoint's history; None if there is no checkpoint.

    Raises:
        CheckpointError: it cannot be read, or is damaged.
    """
    try:
        # Python's own reader, since the losses of a diverged network are NaN, which msgspec's does not accept.
        return msgspec.convert(json.loads((checkpoint / _HISTORY).read_bytes()), _HistoryFile)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointError(f"The checkpoint in {checkpoint} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise CheckpointError(
            f"The checkpoint in {checkpoint} is damaged: start again with --overwrite, or choose another folder with "
            "--out."
        ) from error
