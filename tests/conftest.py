"""What tests of both halves share: a small model directory with known, untrained weights."""

import os

# TensorFlow reads this when it is first imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pathlib import Path

import numpy as np
import pytest

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

LABELS = ("joy", "sadness", "neutral")


@pytest.fixture
def small_models(tmp_path: Path) -> Path:
    """A model directory of the RNN and the BiLSTM over five words and three labels."""
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
    directory = tmp_path / "small-models"
    invalidate_manifest(directory)
    save_tokenizer(tokenizer, directory)
    save_numpy("rnn", rnn.params, directory)
    onnx_export.save_bilstm(bilstm.params, directory / FILES["bilstm"])
    write_manifest(directory, manifest)
    return directory
