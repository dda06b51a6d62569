"""Prepare the folder that a training run writes to, without touching files of the user.

Only files that a training run wrote are ever deleted or replaced, and only in a model directory or the folder of a
stopped run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from classifiers.errors import ClassifiersError
from classifiers.model_directory import FILES, MANIFEST
from classifiers.training.checkpoint import delete_checkpoint, has_only_checkpoint_files, is_checkpoint

CHECKPOINTS = "checkpoints"
"""The folder in a model directory that holds one checkpoint for each network in training."""

_WRITTEN = {".json", ".safetensors", ".onnx", ".keras", ".md", ".png"}
"""The extensions of the files that a training run or a study writes into its folder."""

_OURS = re.compile("|".join([*FILES, r"teacher-\d+"]))


def prepare(folder: Path, models: Collection[str], resume: bool, overwrite: bool) -> None:
    """Create a folder, or make sure that an existing one may be written to.

    Args:
        folder: the folder.
        models: the networks to be trained. With `resume`, those that were stopped must be among them, since they would
            be lost otherwise.
        resume: whether to continue a stopped training run.
        overwrite: whether earlier models may be replaced; the checkpoints of stopped training runs are deleted at once.

    Raises:
        ClassifiersError: it is a file; it holds files that are not ours; it holds models, and neither option says what
            to do with them; there is no stopped training run to resume; or it cannot be written to.
    """
    with _naming_folder(folder):
        _prepare(folder, models, resume, overwrite)
    check_writable(folder)


def check_writable(folder: Path) -> None:
    """Create the folder and try to write to it, before any work is done.

    Raises:
        ClassifiersError: it cannot be created or written to, or one of its files cannot be replaced.
    """
    with _naming_folder(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
        for path in folder.iterdir():
            if path.suffix in _WRITTEN and (path.is_dir() or not os.access(path, os.W_OK)):
                raise ClassifiersError(f"{path} cannot be replaced: remove it, or choose another folder with --out.")


@contextmanager
def _naming_folder(folder: Path) -> Iterator[None]:
    """Turn an OSError in the block into an error that names the folder and what to do."""
    try:
        yield
    except OSError as error:
        raise ClassifiersError(
            f"{folder} cannot be written to ({error.strerror}): choose another folder with --out."
        ) from None


def _prepare(folder: Path, models: Collection[str], resume: bool, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ClassifiersError(f"{folder} is a file: choose a folder with --out.")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not resume and not overwrite:
        raise ClassifiersError(
            f"{folder} exists already: add --overwrite to replace its models, --resume to continue a training run "
            "that was stopped, or choose another folder with --out."
        )
    if not _is_ours(folder):
        raise ClassifiersError(
            f"{folder} holds files that are not Emobot models, so nothing is written there: "
            "choose another folder with --out."
        )
    if overwrite:
        remove_checkpoints(folder)
    elif not has_checkpoint(folder):
        raise ClassifiersError(
            f"There is no stopped training run in {folder} that can be resumed: "
            "start one with --overwrite, or choose another folder with --out."
        )
    elif not set(stopped := _stopped(folder)) <= set(models):
        raise ClassifiersError(
            f"The training run that was stopped in {folder} was of {' and '.join(stopped)}: continue with "
            f"--model {' '.join(stopped)}, or choose another folder with --out."
        )


def checkpoint(folder: Path, title: str) -> Path:
    """Return the path of a network's checkpoint in a model directory, by the network's title."""
    return folder / CHECKPOINTS / title.lower().replace(" ", "-")


def remove_checkpoints(folder: Path) -> None:
    """Delete the checkpoints in a model directory, even damaged ones, but no other files among them."""
    for path in list((folder / CHECKPOINTS).glob("*/")):
        if _OURS.fullmatch(path.name):
            delete_checkpoint(path)
    with suppress(OSError):  # not empty: it holds other files
        (folder / CHECKPOINTS).rmdir()


def remove_if_empty(folder: Path) -> None:
    """Remove `folder`, which `prepare` may have created, if it is empty."""
    with suppress(OSError):  # not empty
        folder.rmdir()


def _is_ours(folder: Path) -> bool:
    """Return whether `folder` holds models of any version, or the files of a stopped or killed training run."""
    try:
        return b'"emobot-models-' in (folder / MANIFEST).read_bytes()
    except OSError:
        return has_checkpoint(folder) or _has_only_partial_checkpoints(folder)


def _has_only_partial_checkpoints(folder: Path) -> bool:
    """Return whether `folder` holds only the files of a training run that did not finish its first checkpoint.

    That happens if the run is killed, or the disk is full.
    """
    return [path.name for path in folder.iterdir()] == [CHECKPOINTS] and all(
        _OURS.fullmatch(path.name) and has_only_checkpoint_files(path) for path in (folder / CHECKPOINTS).iterdir()
    )


def _stopped(folder: Path) -> list[str]:
    """Return the networks that a stopped training run in `folder` has started."""
    return [name for name in FILES if is_checkpoint(checkpoint(folder, name))]


def has_checkpoint(folder: Path) -> bool:
    """Return whether a model directory holds the checkpoint of a training run that was stopped."""
    return any(is_checkpoint(path) for path in (folder / CHECKPOINTS).glob("*/"))
