"""Whole training runs on small data, without the command line."""

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file

from classifiers.classifier import MINIMUM_CERTAINTY, Prediction
from classifiers.emotions import LABELS
from classifiers.errors import CheckpointError, ClassifiersError, MissingExtraError, WorkerLostError
from classifiers.model_directory import load_models, load_network, read_manifest
from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples, logits_of
from classifiers.nn.network import Network
from classifiers.training import backends, onnx_export
from classifiers.training import options as options_module
from classifiers.training import run as run_module
from classifiers.training.cluster import Cluster
from classifiers.training.corpus import shipped_dataset
from classifiers.training.datasets import Split, load_dataset
from classifiers.training.distillation import apply_temperature
from classifiers.training.history import History
from classifiers.training.loop import Job
from classifiers.training.numpy_backend import Trainer
from classifiers.training.options import Options
from classifiers.training.recipes import SHIPPED, Recipe
from classifiers.training.run import Outcome, run
from classifiers.training.warm_start import read_weights
from tests.classifiers.conftest import GOEMOTIONS_ROWS
from tests.classifiers.training.recording import QuickTeacher, RecordingReporter, ctrl_c_in_epoch

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("blank_figures", "made_up_baselines")]


def trained(out: Path, reporter: RecordingReporter | None = None, **given: Any) -> Outcome:
    """Run with the RNN alone by default, and return the outcome."""
    options: dict[str, Any] = {"models": ("rnn",), "epochs": 1} | given
    return run(Options("python train.py", out=out, **options), reporter or RecordingReporter())


@pytest.mark.usefixtures("baselines")
def test_outcome_of_a_finished_run_is_complete(feelings: Path, tmp_path: Path) -> None:
    reporter = RecordingReporter()
    out = tmp_path / "models"
    outcome = trained(out, reporter, dataset=str(feelings), epochs=2, models=("gru", "rnn"))
    assert outcome == Outcome(out, ("rnn", "gru"), complete=True)
    assert list(read_manifest(out).models) == ["rnn", "gru"]
    assert not (out / "checkpoints").exists()
    epochs, steps = reporter.totals["GRU"]
    assert (epochs, len(reporter.batches["GRU"]), len(reporter.epochs["GRU"])) == (2, 2 * steps, 2)
    assert reporter.lines[0].startswith("feelings: ")
    measured = [line.split(" on test")[0] for line in reporter.lines if " on test: macro-F1" in line]
    assert measured == ["RNN", "GRU", "Bag of words", "TF-IDF baseline"]


@pytest.mark.usefixtures("small_goemotions")
def test_certainty_is_chosen_on_the_dev_messages_of_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it were chosen on test, the figures on test would be too good."""
    chosen_on: list[tuple[str, ...]] = []

    def choose(predictions: Sequence[Prediction], split: Split, labels: Sequence[str]) -> float:
        assert (len(predictions), tuple(labels)) == (len(split), LABELS)
        chosen_on.append(split.texts)
        return 0.77

    monkeypatch.setattr(run_module, "choose_reaction_certainty", choose)
    trained(tmp_path / "models", dataset="goemotions")
    assert chosen_on == [tuple(f"{label} lol dev" for label in LABELS)]
    assert read_manifest(tmp_path / "models").models["rnn"].certainty == 0.77


def test_own_labels_get_the_default_certainty(feelings: Path, tmp_path: Path) -> None:
    trained(tmp_path / "models", dataset=str(feelings))
    manifest = read_manifest(tmp_path / "models")
    assert manifest.models["rnn"].certainty == MINIMUM_CERTAINTY
    assert manifest.neighbours == {}


@pytest.mark.usefixtures("small_goemotions")
def test_neighbours_come_from_the_training_messages_of_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = load_dataset("people")
    both = np.zeros((1, len(LABELS)), np.float32)
    both[0, [LABELS.index("joy"), LABELS.index("love")]] = 1
    edited = replace(people, train=Split(("a text",), both))
    seen: list[Prediction] = []

    def choose(predictions: Sequence[Prediction], _split: Split, _labels: Sequence[str]) -> float:
        seen.extend(predictions)
        return 0.77

    monkeypatch.setattr(run_module, "choose_reaction_certainty", choose)
    monkeypatch.setattr(
        run_module, "load_dataset", lambda name, **_: edited if name == "people" else load_dataset(name)
    )
    trained(tmp_path / "models", dataset="goemotions")
    assert read_manifest(tmp_path / "models").neighbours == {"joy": {"love": 1.0}, "love": {"joy": 1.0}}
    assert seen, "the certainty is chosen on what the bot will use"
    for prediction in seen:
        accepted = dict(zip(prediction.labels, prediction.acceptance, strict=True))
        assert accepted["joy"] == pytest.approx(accepted["love"])


def test_run_starts_from_the_weights_of_an_earlier_run(feelings: Path, tmp_path: Path) -> None:
    anew, further = RecordingReporter(), RecordingReporter()
    trained(tmp_path / "first", anew, dataset=str(feelings), epochs=8)
    trained(tmp_path / "second", further, dataset=str(feelings), start=tmp_path / "first")
    assert further.epochs["RNN"][0].loss < 0.8 * anew.epochs["RNN"][0].loss


def test_encoder_without_a_teacher_is_refused(feelings: Path, tmp_path: Path) -> None:
    with pytest.raises(ClassifiersError, match="add --recipe shipped, or leave --encoder out"):
        trained(tmp_path / "models", dataset=str(feelings), encoder=tmp_path)


@pytest.mark.parametrize("files", [(), ("config.json",), ("model.safetensors",)])
def test_folder_without_an_encoder_is_refused_before_the_data_are_read(
    files: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in files:
        (tmp_path / name).touch()
    monkeypatch.setattr(options_module, "shipped_dataset", lambda: pytest.fail("it was read"))
    with pytest.raises(
        ClassifiersError, match=f"^There is no encoder in {re.escape(str(tmp_path))}: give --encoder a folder"
    ):
        trained(tmp_path / "models", recipe="shipped", models=("bilstm",), encoder=tmp_path)


def test_output_folder_may_not_be_the_one_to_start_from(feelings: Path, tmp_path: Path) -> None:
    out = tmp_path / "models"
    trained(out, dataset=str(feelings))
    before = read_manifest(out)
    with pytest.raises(ClassifiersError, match=r"those that they start from: give another folder with --out\.$"):
        trained(out, dataset=str(feelings), start=out, overwrite=True)
    assert read_manifest(out) == before


def test_outcome_after_ctrl_c_keeps_the_finished_epochs(feelings: Path, tmp_path: Path) -> None:
    out = tmp_path / "models"
    with ctrl_c_in_epoch(2):
        outcome = trained(out, dataset=str(feelings), epochs=3, models=("rnn", "gru"))
    assert outcome == Outcome(out, ("rnn",), complete=False)
    assert read_manifest(out).models["rnn"].epochs == 1
    assert (out / "checkpoints" / "rnn").is_dir()


def test_outcome_after_ctrl_c_in_the_first_epoch_is_empty(feelings: Path, tmp_path: Path) -> None:
    with ctrl_c_in_epoch(1):
        outcome = trained(tmp_path / "models", dataset=str(feelings))
    assert outcome == Outcome(tmp_path / "models", (), complete=False)
    assert not (tmp_path / "models").exists()


def test_file_named_builtin_gets_the_recipe_of_a_file(
    feelings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes: list[Recipe] = []

    def stopped(_network: Any, job: Job, _progress: Any) -> History:
        recipes.append(job.recipe)
        return History(interrupted=True)

    monkeypatch.setattr(run_module, "fit", stopped)
    for name in ("builtin.jsonl", "mine.jsonl"):
        feelings = feelings.rename(tmp_path / name)
        assert not trained(tmp_path / "models", dataset=str(feelings), epochs=None).written
    assert recipes[0] == recipes[1]
    assert recipes[0].patience is not None
    trained(tmp_path / "models", dataset=str(feelings), epochs=500)
    assert (recipes[2].epochs, recipes[2].patience) == (500, None)  # as many as were asked for


def test_one_framework_does_not_resume_a_run_of_another(
    feelings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "models"
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "remove_checkpoints", lambda _: None)
        trained(out, dataset=str(feelings))
    with pytest.raises(CheckpointError, match="was started with another framework: continue with the same, or"):
        trained(out, dataset=str(feelings), framework="keras", resume=True)


SMALL = replace(SHIPPED, teachers=2, augmentations=1, assistant_augmentations=2, people_repeats=3)
"""The shipped recipe with fewer of all that takes time."""


@pytest.fixture
def eight_bits() -> None:
    """Let the shipped recipe write the BiLSTM in 8 bits."""


@pytest.fixture
def floats(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the BiLSTM in floats unless a test requests `eight_bits`, which takes longer than its training."""
    if "eight_bits" not in request.fixturenames:
        monkeypatch.setattr(onnx_export, "quantize_dynamic", lambda graph, path, **_: onnx.save(graph, path))


@pytest.mark.slow
@pytest.mark.usefixtures("small_goemotions", "floats")
class TestShippedRecipe:
    """The whole recipe, on a few rows and with teachers that train quickly."""

    @pytest.fixture(autouse=True)
    def few_teachers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(options_module, "SHIPPED", SMALL)

    def _run(self, out: Path, reporter: RecordingReporter | None = None, **given: Any) -> Outcome:
        options = {"models": ("rnn", "bilstm"), "framework": "numpy", "embedding": 16} | given
        return trained(out, reporter, recipe="shipped", **options)

    def test_another_seed_reuses_the_cached_outputs(self, tmp_path: Path) -> None:
        first, second = RecordingReporter(), RecordingReporter()
        assert self._run(tmp_path / "zero", first).complete
        assert QuickTeacher.epochs_run == [1, 2] * 2
        assert not any("has run before" in line for line in first.lines)
        assert self._run(tmp_path / "one", second, seed=1).complete
        assert QuickTeacher.epochs_run == [1, 2] * 2
        assert sum("has run before" in line for line in second.lines) == 2
        manifest = read_manifest(tmp_path / "one")
        assert (manifest.dataset, manifest.labels) == ("goemotions+chat+people", LABELS)
        assert not (tmp_path / "one" / "checkpoints").exists()

    def test_resume_after_ctrl_c_in_the_teacher_and_again_while_the_bilstm_labels_texts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole, stopped = tmp_path / "whole", tmp_path / "stopped"
        self._run(whole)
        shutil.rmtree(tmp_path / "cache")
        with monkeypatch.context() as patch:
            patch.setattr(QuickTeacher, "stops_at", 2)
            with pytest.raises(KeyboardInterrupt):
                self._run(stopped)
        assert not (stopped / "manifest.json").exists()
        with monkeypatch.context() as patch:
            patch.setattr(RecordingReporter, "track", interrupt)
            with pytest.raises(KeyboardInterrupt):
                self._run(stopped, resume=True)
        assert self._run(stopped, resume=True).complete
        assert QuickTeacher.epochs_run == [1, 2] * 4
        assert same_weights(whole, stopped)
        assert (whole / "bilstm.onnx").read_bytes() == (stopped / "bilstm.onnx").read_bytes()

    def test_each_text_is_trained_with_the_teacher_outputs_of_that_text(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The outputs of these teachers depend only on the number of words."""
        monkeypatch.setattr(
            options_module, "SHIPPED", replace(SMALL, refitted=())
        )  # the expected answers are those before the refit
        seen = recorded_examples(monkeypatch)
        monkeypatch.setattr(QuickTeacher, "logits", lambda _, rows: -np.tile([[len(row)] for row in rows], 28) / 10)
        out = tmp_path / "models"
        assert self._run(out).written == ("rnn", "bilstm")
        distilled, assisted = seen
        rows = GOEMOTIONS_ROWS + 2 * len(LABELS)
        of_people = 2 * len(LABELS) + 2  # with an augmented text for each, and two without labels
        assert len(distilled) == 2 * rows + 2 + 2 * of_people
        lengths = np.array([[len(sequence)] for sequence in distilled.sequences])
        as_labelled = np.isclose(distilled.targets, np.tile(sigmoid(-lengths / 10), len(LABELS))).all(axis=1)
        assert as_labelled.mean() > 0.99  # the tokenizer shortens a word that stands three times in a row

        # The RNN learns the same and further texts labelled by the BiLSTM, trained before it; all at the temperature.
        assert len(assisted) == len(distilled) + 2 * (rows + 2)
        tempered = apply_temperature(distilled.targets, SMALL.temperature)
        assert np.allclose(assisted.targets[: len(distilled)], tempered)
        further = assisted.sequences[len(distilled) :]
        assert further[:rows] != distilled.sequences[rows + 2 : 2 * rows + 2]
        answers = sigmoid(logits_of(load_network("bilstm", out), further) / SMALL.temperature)
        # In 8 bits an answer depends a little on the batch in which it is computed.
        assert np.allclose(assisted.targets[len(distilled) :], answers, atol=1e-3)

    def test_targets_except_for_people_are_averaged_with_the_bilstm_to_start_from(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Refitted to so few texts, the BiLSTM in 8 bits would answer differently in another batch.
        monkeypatch.setattr(options_module, "SHIPPED", replace(SMALL, refitted=()))
        earlier = tmp_path / "earlier"
        self._run(earlier, models=("bilstm",))
        seen = recorded_examples(monkeypatch)
        shutil.rmtree(tmp_path / "cache")
        monkeypatch.setattr(QuickTeacher, "logits", lambda _, rows: np.full((len(rows), 28), -2.0))
        self._run(tmp_path / "models", models=("bilstm",), start=earlier)
        [distilled] = seen
        teacher = float(sigmoid(np.array(-2.0)))
        others, people = GOEMOTIONS_ROWS + len(LABELS), len(LABELS)
        texts = shipped_dataset().train.texts
        scores = load_models(earlier)["bilstm"].scores(texts[:others])
        np.testing.assert_allclose(distilled.targets[:others], (teacher + scores) / 2, atol=1e-4)
        np.testing.assert_allclose(distilled.targets[others : others + people + 2], teacher, atol=1e-6)
        augmented = distilled.targets[others + people + 2 : 2 * (others + people) + 2]
        assert (np.abs(augmented[:others] - teacher) > 1e-4).any(axis=1).all()
        np.testing.assert_allclose(augmented[others : others + people], teacher, atol=1e-6)

    def test_messages_of_people_are_repeated_within_an_epoch(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = recorded_examples(monkeypatch)
        self._run(tmp_path / "models", models=("bilstm",))
        [distilled] = seen
        others, people = GOEMOTIONS_ROWS + len(LABELS), len(LABELS)
        once = 2 * (others + people) + 2
        of_people = [*distilled.sequences[others : others + people + 2], *distilled.sequences[once - people : once]]
        assert distilled.sequences[once:] == of_people * (SMALL.people_repeats - 1)

    @pytest.mark.usefixtures("eight_bits")
    def test_output_layer_of_the_bilstm_alone_is_refitted_after_training(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refitted, plain = tmp_path / "refitted", tmp_path / "plain"
        self._run(refitted)
        monkeypatch.setattr(options_module, "SHIPPED", replace(SMALL, refitted=()))
        self._run(plain)
        assert same_weights(refitted, plain)
        after, before = (read_weights("bilstm", folder) for folder in (refitted, plain))
        changed = {name for name in before if not np.allclose(before[name], after[name], atol=0.01)}
        assert changed == {"9.kernel", "9.bias"}
        train = load_dataset("goemotions").train
        losses = [
            log_loss(train.targets, load_models(folder)["bilstm"].scores(train.texts)) for folder in (refitted, plain)
        ]
        assert losses[0] < losses[1]

    def test_targets_of_the_refit_are_labels_own_answers_or_both_by_data_set(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: list[tuple[Array, ...]] = []

        def recorded(
            kernel: Array, bias: Array, features: Array, targets: Array, weights: Array
        ) -> tuple[Array, Array]:
            given.append((sigmoid(features @ kernel + bias), targets, weights))
            return kernel, bias

        monkeypatch.setattr(run_module, "refit", recorded)
        self._run(tmp_path / "models", models=("bilstm",))
        [(own, targets, weights)] = given
        labels = shipped_dataset().train.targets
        goemotions, chat = slice(GOEMOTIONS_ROWS), slice(GOEMOTIONS_ROWS, GOEMOTIONS_ROWS + len(LABELS))
        people = slice(GOEMOTIONS_ROWS + len(LABELS), None)
        np.testing.assert_allclose(targets[goemotions], labels[goemotions])
        np.testing.assert_allclose(targets[chat], own[chat], atol=1e-6)
        np.testing.assert_allclose(targets[people], (own[people] + labels[people]) / 2, atol=1e-6)
        assert (weights[goemotions] == 1).all()
        assert (weights[GOEMOTIONS_ROWS:] == 0.5).all()

    def test_start_without_the_bilstm_is_refused_before_a_teacher_is_trained(self, tmp_path: Path) -> None:
        trained(tmp_path / "earlier", dataset="goemotions", embedding=16)
        with pytest.raises(ClassifiersError, match="has no BiLSTM to start from"):
            self._run(tmp_path / "models", start=tmp_path / "earlier")
        assert QuickTeacher.epochs_run == []

    def test_small_networks_without_the_bilstm_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ClassifiersError) as caught:
            self._run(tmp_path / "models", models=("rnn", "gru"))
        assert str(caught.value) == (
            "The other networks of the shipped recipe learn from its BiLSTM: give --model rnn gru bilstm."
        )

    def test_word_vectors_wider_than_the_teacher_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ClassifiersError, match=r"at most its 768 features: give --embedding 768 or less\.$"):
            self._run(tmp_path / "models", embedding=800)


def recorded_examples(monkeypatch: pytest.MonkeyPatch) -> list[Examples]:
    """Return a list to which each epoch of a NumPy training adds its examples."""
    seen: list[Examples] = []
    train_epoch = Trainer.train_epoch

    def record(self: Trainer, examples: Examples, number: int) -> Iterator[float]:
        seen.append(examples)
        return train_epoch(self, examples, number)

    monkeypatch.setattr(Trainer, "train_epoch", record)
    return seen


def same_weights(one: Path, other: Path) -> bool:
    """Return whether the RNNs in two model directories are the same."""
    first, second = (load_file(folder / "rnn.safetensors") for folder in (one, other))
    return all(np.array_equal(first[name], second[name]) for name in first)


def log_loss(targets: Array, probabilities: Array) -> float:
    """Return the mean cross-entropy."""
    return float(-np.log(np.where(targets > 0, probabilities, 1 - probabilities)).mean())


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


class WorkersStub:
    """Stands for `distributed.Workers` without the other process; its networks train in NumPy."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def agree(self, what: str, value: str) -> None:
        assert what
        assert value

    def send_files(self, folder: Path) -> None:
        assert folder.name == "checkpoints"


@pytest.fixture
def become_worker(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that makes this process one of two that train together, without the other."""

    def create_trainer(setup: backends.Setup, network: Network, workers: Any, _shards: Any) -> Any:
        assert (setup.framework, type(workers)) == ("keras", WorkersStub)
        return backends.create_trainer(replace(setup, framework="numpy"), network)

    def set_place(index: int) -> None:
        config = {"cluster": {"worker": ["one:1", "two:1"]}, "task": {"type": "worker", "index": index}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))

    monkeypatch.setattr(run_module, "connect_workers", WorkersStub)
    monkeypatch.setattr(run_module, "create_trainer", create_trainer)
    return set_place


def test_only_the_chief_writes(feelings: Path, tmp_path: Path, become_worker: Callable[[int], None]) -> None:
    become_worker(1)
    reporter = RecordingReporter()
    outcome = trained(tmp_path / "models", reporter, dataset=str(feelings))
    assert (outcome.written, outcome.complete, outcome.lost) == ((), True, False)
    assert not outcome.folder.exists()
    assert not (tmp_path / "models").exists()
    assert reporter.lines == ["Worker 1 of 2 is training; the chief reports progress and writes the models."]
    become_worker(0)
    assert trained(tmp_path / "models", dataset=str(feelings)) == Outcome(tmp_path / "models", ("rnn",), complete=True)


def test_run_that_lost_a_worker_resumes_when_started_again(
    feelings: Path, tmp_path: Path, become_worker: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    train_epoch = Trainer.train_epoch
    begun: list[int] = []

    def lose(trainer: Trainer, examples: Examples, number: int) -> Iterator[float]:
        begun.append(number)
        if len(begun) == 3:
            raise WorkerLostError
        yield from train_epoch(trainer, examples, number)

    monkeypatch.setattr(Trainer, "train_epoch", lose)
    become_worker(0)
    out = tmp_path / "models"
    outcome = trained(out, dataset=str(feelings), epochs=4)
    assert outcome == Outcome(out, (), complete=False, lost=True)
    assert trained(out, dataset=str(feelings), epochs=4).complete, "without resume"
    assert begun == [1, 2, 3, 3, 4]


@pytest.mark.parametrize("options", [{"framework": "numpy"}, {"recipe": "shipped", "models": ("rnn", "bilstm")}])
def test_only_keras_trains_on_several_machines_or_from_shards(
    options: dict[str, Any], tmp_path: Path, become_worker: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    become_worker(0)
    with pytest.raises(ClassifiersError, match=r"Only Keras trains on several machines .* or unset TF_CONFIG\."):
        trained(tmp_path / "models", **options)
    monkeypatch.delenv("TF_CONFIG")
    with pytest.raises(ClassifiersError, match=r" or from shards: .* or leave --shards out\."):
        trained(tmp_path / "models", shards=tmp_path, **options)


def test_shards_name_their_missing_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        MissingExtraError, match=r'Reading Parquet needs more packages: run `pip install "emobot\[parquet'
    ):
        trained(tmp_path / "models", shards=tmp_path)


def test_bad_tf_config_is_reported_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", "two machines")
    with pytest.raises(ClassifiersError, match="TF_CONFIG cannot be used"):
        trained(tmp_path / "models")
    assert not (tmp_path / "models").exists()
