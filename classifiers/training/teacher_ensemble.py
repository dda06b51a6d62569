"""Fine-tune several teachers, or read their cached outputs, and combine these."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from classifiers.errors import ClassifiersError, MissingExtraError
from classifiers.nn.batching import Examples
from classifiers.nn.initializers import prior_bias
from classifiers.training.datasets import Dataset
from classifiers.training.distillation import TeacherOutputs
from classifiers.training.history import History
from classifiers.training.loop import Trainable
from classifiers.training.progress import Reporter
from classifiers.training.recipes import TEACHER_HEAD_RATE, TEACHER_MAX_PIECES, Distillation, Recipe

if TYPE_CHECKING:
    from classifiers.training.teacher import Teacher

Fit: TypeAlias = Callable[[str, Trainable, Examples, Examples, Recipe, str], History]
"""A function that trains a network: title, network, training examples, dev examples, recipe and framework."""


def check_encoder(folder: Path) -> None:
    """Refuse a folder that cannot hold an encoder, before anything slow is done.

    Raises:
        ClassifiersError: it lacks the encoder's configuration, or any file with weights.
    """
    if not (folder / "config.json").is_file() or not any(
        path.suffix in (".safetensors", ".bin") for path in folder.iterdir()
    ):
        raise ClassifiersError(
            f"There is no encoder in {folder}: give --encoder a folder with config.json, the tokenizer's files "
            "and model.safetensors, as its page on huggingface.co has them."
        )


class TeacherEnsemble:
    """The teachers of a distillation, all trained on one data set, each with its own seed."""

    def __init__(
        self, dataset: Dataset, distillation: Distillation, fit: Fit, reporter: Reporter, folder: Path | None = None
    ) -> None:
        """Take what the teachers learn, and how.

        Args:
            dataset: the data set whose labels they learn.
            distillation: the encoder from which they start, and their recipe.
            fit: trains a network.
            reporter: shows the progress.
            folder: a folder with the encoder; None to download it from the Hub.
        """
        self._dataset = dataset
        self._distillation = distillation
        self._folder = folder
        self._fit = fit
        self._reporter = reporter

    def outputs(self, texts: Sequence[str], words: Sequence[str]) -> TeacherOutputs:
        """Return the teachers' combined outputs for texts and words.

        The outputs of each teacher are cached beyond the run, so that another seed or a changed network needs no
        teacher.

        Raises:
            KeyboardInterrupt: after Ctrl-C; the outputs of a half-trained teacher are useless.
            ClassifiersError: the encoder cannot be downloaded or read.
            MissingExtraError: PyTorch is not installed.
        """
        return TeacherOutputs.combined(
            [
                self._outputs(replace(self._distillation.teacher, seed=seed), texts, words)
                for seed in range(self._distillation.teachers)
            ]
        )

    def cache_path(self, recipe: Recipe, texts: Sequence[str], words: Sequence[str]) -> Path:
        """Return the path of a teacher's cached outputs; its name depends on all that the outputs depend on.

        Raises:
            MissingExtraError: Pooch, which knows the folder, is not installed.
        """
        try:
            import pooch  # noqa: PLC0415 - the other recipe does without
        except ImportError:
            raise MissingExtraError("Learning from a teacher", "distill") from None
        code = Path(__file__).with_name("teacher.py").read_text()
        encoder = self._distillation.encoder
        parts = (
            self._dataset.sha256,
            encoder,
            str(self._folder),
            recipe,
            TEACHER_MAX_PIECES,
            TEACHER_HEAD_RATE,
            tuple(words),
            list(texts),
            code,
        )
        digest = hashlib.sha256(repr(parts).encode()).hexdigest()
        return Path(pooch.os_cache("emobot")) / f"teacher-outputs-{digest[:16]}.safetensors"

    def _outputs(self, recipe: Recipe, texts: Sequence[str], words: Sequence[str]) -> TeacherOutputs:
        """Return the outputs of one teacher, from its cache if there is one."""
        path = self.cache_path(recipe, texts, words)
        outputs = TeacherOutputs.load(path, len(texts), len(self._dataset.labels), len(words))
        if outputs:
            self._reporter.say(f"Teacher {recipe.seed + 1} has run before: its outputs are read from {path}.")
            return outputs
        teacher = self._fine_tune(recipe)
        self._reporter.say(f"Teacher {recipe.seed + 1} labels {len(texts):,} texts and all words: some minutes.")
        outputs = TeacherOutputs(teacher.logits(teacher.encode(texts)), teacher.vectors(words))
        outputs.save(path)
        return outputs

    def _fine_tune(self, recipe: Recipe) -> Teacher:
        """Return a teacher after training it; exceptions are those of `outputs`."""
        try:
            from classifiers.training.teacher import Teacher, fastest_device  # noqa: PLC0415 - PyTorch takes seconds to load
        except ImportError:
            raise MissingExtraError("Learning from a teacher", "distill") from None
        dataset, encoder = self._dataset, self._distillation.encoder
        bias = prior_bias(dataset.train.targets, dataset.multi_label)
        try:
            teacher = Teacher(bias, recipe, encoder, self._folder, fastest_device())
        except (OSError, ValueError) as error:
            raise ClassifiersError(
                f"The encoder that the teacher starts from cannot be read from {self._folder or encoder.name} "
                f"({type(error).__name__}): try again later, or give a folder that holds it with --encoder."
            ) from error
        train, dev = (Examples(teacher.encode(split.texts), split.targets) for split in (dataset.train, dataset.dev))
        if self._fit(f"Teacher {recipe.seed + 1}", teacher, train, dev, recipe, "teacher").interrupted:
            raise KeyboardInterrupt
        return teacher
