import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import classifiers.training
from classifiers.errors import MissingExtraError
from classifiers.model_directory import FILES
from classifiers.text import Tokenizer
from classifiers.training.backends import Setup, choose_frameworks, create_trainer, initial_network, open_shards
from classifiers.training.datasets import Dataset, Split
from classifiers.training.distillation import pca
from classifiers.training.recipes import TINY
from classifiers.training.tables import Columns

BIAS = np.array([0.5, -1], dtype=np.float32)
LOGGED = "I0000 port.cc:153] oneDNN custom operations are on.\n"


@pytest.mark.parametrize("framework", ["numpy", pytest.param("keras", marks=pytest.mark.heavy)])
def test_network_starts_with_the_given_word_vectors_and_output_bias(framework: str, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(30, 120)).astype(np.float32)
    start = initial_network("rnn", TINY["rnn"], 32, BIAS, vectors)
    network, _ = create_trainer(Setup("rnn", framework, TINY["rnn"], True, tmp_path), start)
    state = network.state()
    np.testing.assert_allclose(state["network/0.embeddings"][2:], pca(vectors, 16), atol=1e-6)
    np.testing.assert_array_equal(state["network/7.bias"], BIAS)


@pytest.mark.parametrize("module", ["keras_backend", "onnx_export"])
def test_missing_train_extra_is_named(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(classifiers.training, module, raising=False)
    monkeypatch.setitem(sys.modules, f"classifiers.training.{module}", None)
    start = initial_network("bilstm", TINY["bilstm"], 32, BIAS)
    with pytest.raises(MissingExtraError, match=r'needs more packages: run `pip install "emobot\[train\]"`'):
        create_trainer(Setup("bilstm", "keras", TINY["bilstm"], True, tmp_path), start)


@pytest.mark.parametrize(("level", "shown"), [(None, ""), ("3", ""), ("0", LOGGED)])
def test_log_of_loading_tensorflow_is_hidden_unless_its_level_is_set(
    level: str | None,
    shown: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Finder:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "classifiers.training.keras_backend":
                os.write(2, LOGGED.encode())
                raise ImportError

    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    if level:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
    monkeypatch.delattr(classifiers.training, "keras_backend", raising=False)
    monkeypatch.delitem(sys.modules, "classifiers.training.keras_backend", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    start = initial_network("rnn", TINY["rnn"], 32, BIAS)
    with pytest.raises(MissingExtraError):
        create_trainer(Setup("rnn", "keras", TINY["rnn"], True, tmp_path), start)
    os.write(2, b"An error of ours.\n")
    assert capfd.readouterr().err == f"{shown}An error of ours.\n"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == (level or "3")


def test_only_the_bilstm_is_trained_in_keras_by_default() -> None:
    assert choose_frameworks(FILES, None) == dict.fromkeys(FILES, "numpy") | {"bilstm": "keras"}
    for framework in ("numpy", "keras"):
        assert choose_frameworks(FILES, framework) == dict.fromkeys(FILES, framework)


def test_extras_that_no_network_needs_are_not_required(monkeypatch: pytest.MonkeyPatch) -> None:
    for missing in ("keras", "tensorflow", "onnx"):
        monkeypatch.setitem(sys.modules, missing, None)
    choose_frameworks(["rnn"], "numpy")
    with pytest.raises(MissingExtraError, match=r"^Training with Keras needs"):
        choose_frameworks(["rnn"], "keras")
    with pytest.raises(MissingExtraError, match=r"^Writing the BiLSTM needs"):
        choose_frameworks(["bilstm"], "numpy")


def test_arrow_keeps_no_memory_of_its_own_while_shards_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "")  # so that monkeypatch restores it
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL")
    pool = SimpleNamespace(find_shards=lambda *_: os.environ["ARROW_DEFAULT_MEMORY_POOL"])
    monkeypatch.setitem(sys.modules, "classifiers.training.shards", pool)
    texts = Split(("so happy",), np.ones((1, 1), np.float32))
    dataset = Dataset("feelings", ("joy",), texts, texts, texts, "")
    found: object = open_shards(tmp_path, Columns(), dataset, Tokenizer([], 8), 1)
    assert found == "system"
