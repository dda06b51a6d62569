"""The ensemble with teachers that train quickly."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers.errors import ClassifiersError
from classifiers.training.datasets import load_dataset
from classifiers.training.history import History
from classifiers.training.recipes import SHIPPED
from classifiers.training.teacher_ensemble import TeacherEnsemble
from tests.classifiers.training.recording import QuickTeacher, RecordingReporter

pytestmark = pytest.mark.usefixtures("small_goemotions")

DISTILLATION = replace(SHIPPED, teachers=2)
WORDS = ("so", "much", "joy")
TEXTS = ("so much joy", "gg", "joy gg")


def one_epoch(_title: str, network: Any, train: Any, *_: Any) -> History:
    """Train one epoch, without checkpoints."""
    assert list(network.train_epoch(train, 1))
    return History()


def ensemble(reporter: RecordingReporter) -> TeacherEnsemble:
    return TeacherEnsemble(load_dataset("chat"), DISTILLATION, one_epoch, reporter)


def test_there_is_one_output_per_text_and_one_vector_per_word() -> None:
    outputs = ensemble(RecordingReporter()).outputs(TEXTS, WORDS)
    assert outputs.logits.shape == (len(TEXTS), 28)
    assert outputs.vectors.shape == (len(WORDS), 2 * 120)


def test_damaged_cached_outputs_are_computed_again(tmp_path: Path) -> None:
    first = ensemble(RecordingReporter()).outputs(TEXTS, WORDS)
    kept, _ = (tmp_path / "cache" / "emobot").iterdir()
    kept.write_bytes(kept.read_bytes()[:-1])
    reporter = RecordingReporter()
    again = ensemble(reporter).outputs(TEXTS, WORDS)
    assert sum("has run before" in line for line in reporter.lines) == 1
    assert sum("labels 3 texts" in line for line in reporter.lines) == 1
    np.testing.assert_array_equal(again.logits, first.logits)


def test_cached_outputs_are_used_only_for_the_same_recipe_encoder_texts_and_words(tmp_path: Path) -> None:
    teachers, recipe = ensemble(RecordingReporter()), DISTILLATION.teacher
    kept = teachers.cache_path(recipe, TEXTS, WORDS)
    assert kept == teachers.cache_path(recipe, list(TEXTS), list(WORDS))
    others = [
        teachers.cache_path(replace(recipe, seed=1), TEXTS, WORDS),
        teachers.cache_path(recipe, TEXTS[::-1], WORDS),
        teachers.cache_path(recipe, TEXTS, WORDS[::-1]),
        TeacherEnsemble(load_dataset("goemotions"), DISTILLATION, one_epoch, RecordingReporter()).cache_path(
            recipe, TEXTS, WORDS
        ),
        TeacherEnsemble(load_dataset("chat"), DISTILLATION, one_epoch, RecordingReporter(), tmp_path).cache_path(
            recipe, TEXTS, WORDS
        ),
    ]
    assert len({kept, *others}) == 6


def test_ctrl_c_in_a_teacher_writes_no_cache(tmp_path: Path) -> None:
    teachers = TeacherEnsemble(
        load_dataset("chat"), DISTILLATION, lambda *_: History(interrupted=True), RecordingReporter()
    )
    with pytest.raises(KeyboardInterrupt):
        teachers.outputs(TEXTS, WORDS)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("error", [OSError, ValueError])
def test_unreadable_encoder_is_reported_with_its_folder(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error("many lines about this")

    monkeypatch.setattr(QuickTeacher, "__init__", fail)
    for folder, place in ((None, "sentence-transformers/all-mpnet-base-v2"), (tmp_path, str(tmp_path))):
        teachers = TeacherEnsemble(load_dataset("chat"), DISTILLATION, one_epoch, RecordingReporter(), folder)
        with pytest.raises(ClassifiersError) as caught:
            teachers.outputs(TEXTS, WORDS)
        assert str(caught.value) == (
            f"The encoder that the teacher starts from cannot be read from {place} ({error.__name__}): try again "
            "later, or give a folder that holds it with --encoder."
        )
