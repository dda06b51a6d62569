"""Provide what all tests share: how they are run, a small model directory with untrained weights, and a data set."""

import gc
import importlib
import json
import os
import re
import shutil
import sys
import tempfile
import threading

# Libraries read these when they are first imported. More than one thread in each of the tests' processes would only
# wait for the other processes.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # for tests that import ONNX Runtime before `classifiers`

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from discord.gateway import KeepAliveHandler

LABELS = ("joy", "sadness", "neutral")

HEAVY = {"altair", "keras", "scipy.stats", "sklearn", "tensorflow", "torch", "transformers"}
"""Libraries that take long to import, so that tests import them when they run."""

IMPORTED = pytest.StashKey[set[str]]()
"""The libraries of `HEAVY` that were imported while the tests were collected."""

threadpool_limits(1, user_api="blas")  # pytest-randomly imports NumPy before the variables above are set

settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=5000, deadline=None)  # pytest --hypothesis-profile=thorough
settings.load_profile("quick")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Switch garbage collection off while tests are collected, and make it rare afterwards.

    A full collection takes long, especially with TensorFlow imported: with Python's own thresholds, collections took a
    fourteenth of the time of all tests.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 50, 100)
        gc.enable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Record the slow imports that a process would have made by only collecting the tests."""
    session.config.stash[IMPORTED] = HEAVY & sys.modules.keys()


def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than there are cores, since tests of sockets and of other processes wait."""
    return (os.cpu_count() or 1) + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run also the tests that take long, as CI does")


def omits_long_tests(config: pytest.Config) -> bool:
    """Return whether to leave out tests that take long: unless --long is given, or files or folders are named."""
    return not config.getoption("long") and config.args == config.getini("testpaths")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start with the tests that take seconds, so that at the end no process waits for one.

    Those that need heavy libraries come first: pytest-xdist gives its first process what comes first, so hardly any
    other has to import them.
    """
    if omits_long_tests(config):
        left_out = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=lambda item: (not item.get_closest_marker("heavy"), not item.get_closest_marker("slow")))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Print what was left out, and after a failure the order of the tests."""
    if omits_long_tests(config):
        terminalreporter.write_line("Left out: tests that take long. All of them: python -m pytest --long")
    seed = config.getoption("randomly_seed", None)
    if exitstatus and seed is not None:
        terminalreporter.write_line(f"The same order again: --randomly-seed={seed}")


@pytest.fixture(scope="session")
def new_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that creates an empty folder, given the beginning of its name.

    It does not number the folders as pytest does, which looks through those of all other tests to find the next number.
    In a process that has run a thousand tests, that takes three times as long as creating the folder.
    """
    return lambda name: Path(tempfile.mkdtemp(prefix=f"{name}-", dir=tmp_path_factory.getbasetemp()))


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, new_folder: Callable[[str], Path]) -> Path:
    """Return an empty folder of the test's own, in place of pytest's fixture; see `new_folder`."""
    return new_folder(re.sub(r"\W", "_", request.node.name)[:30])


@pytest.fixture
def small_models(built_models: Path, tmp_path: Path) -> Path:
    """Return a directory of an RNN and a BiLSTM with five words and three labels, which a test may change."""
    return shutil.copytree(built_models, tmp_path / "small-models")


@pytest.fixture(scope="session")
def built_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the original of which `small_models` is a copy."""
    # Not above, since pytest-xdist starts the other processes only after this module is imported.
    from classifiers.model_directory import (
        FILES,
        Manifest,
        ModelCard,
        invalidate_manifest,
        save_numpy,
        save_tokenizer,
        write_manifest,
    )
    from classifiers.nn import network
    from classifiers.text import Tokenizer
    from classifiers.training import onnx_export

    tokenizer = Tokenizer(["i", "am", "not", "happy", "sad"], max_tokens=8)
    rng = np.random.default_rng(0)
    rnn = network.build("rnn", len(tokenizer), 4, len(LABELS), rng)
    bilstm = network.build("bilstm", len(tokenizer), 4, len(LABELS), rng)
    cards = {
        name: ModelCard(
            embedding=4,
            parameters=1,
            epochs=1,
            temperature=2.0,
            thresholds=(0.3, 0.4, 0.5),
            test={"macro_f1": 0.5},
        )
        for name in ("rnn", "bilstm")
    }
    manifest = Manifest(
        command="python train.py",
        dataset="made up",
        dataset_sha256="0" * 64,
        labels=LABELS,
        multi_label=True,
        max_tokens=8,
        models=cards,
    )
    directory = tmp_path_factory.mktemp("models")
    invalidate_manifest(directory)
    save_tokenizer(tokenizer, directory)
    save_numpy("rnn", rnn.params, directory)
    onnx_export.save_bilstm(bilstm.params, directory / FILES["bilstm"])
    write_manifest(directory, manifest)
    return directory


@pytest.fixture
def feelings(tmp_path: Path) -> Path:
    """Return a file with 120 texts, some of which have both labels."""
    file = tmp_path / "feelings.jsonl"
    rows = [
        {"text": f"{word} day {number}", "label": labels}
        for number in range(40)
        for word, labels in (("good", ["joy"]), ("bad", ["sadness"]), ("mixed", ["joy", "sadness"]))
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


FIGURES = {
    "classifiers.training.report": ("draw_training", "draw_label_f1", "draw_calibration", "draw_confusion"),
    "classifiers.study.article": ("draw_memory", "draw_gradients", "draw_matched", "draw_curves"),
}
"""The functions that draw the figures of reports, by their modules."""


class BlankFigure:
    """Replaces Matplotlib's figure, which takes longer to draw than a small network takes to train."""

    def savefig(self, path: Path) -> None:
        path.touch()


@pytest.fixture
def figures() -> None:
    """Let the reports draw their figures, which takes longer than training a small network."""


@pytest.fixture
def blank_figures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures of reports blank, unless a test requests `figures`."""
    if "figures" not in request.fixturenames:
        for name, figures in FIGURES.items():
            # By their names, so that Matplotlib need not be imported before pytest-xdist can start any process.
            module = importlib.import_module(name)
            for figure in figures:
                monkeypatch.setattr(module, figure, lambda *_: BlankFigure())


@pytest.fixture
def baselines() -> None:
    """Let training runs measure their baselines, which takes longer than training a small network."""


@pytest.fixture
def made_up_baselines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give training runs made-up baselines, unless a test requests `baselines`."""
    from classifiers.training.datasets import Dataset
    from classifiers.training.evaluation import BagOfWords, Metrics

    def metrics(dataset: Dataset) -> Metrics:
        return Metrics(len(dataset.test), 0.5, 0.5, 0.5, 0.1, dict.fromkeys(dataset.labels, 0.5))

    if "baselines" not in request.fixturenames:
        monkeypatch.setattr("classifiers.training.run.baseline", metrics)
        words = "classifiers.training.run.bag_of_words"
        monkeypatch.setattr(words, lambda dataset, _: BagOfWords(0.5, 0.5, metrics(dataset)))


@pytest.fixture(autouse=True)
def heartbeats_end() -> Iterator[None]:
    """Stop the heartbeats of connections that a test has left, which would fail without its event loop."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("keep-alive-handler"):
            cast("KeepAliveHandler", thread).stop()
