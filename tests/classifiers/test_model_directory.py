import json
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest

from classifiers import network
from classifiers.errors import ModelDirectoryError
from classifiers.model_directory import (
    DIRECTIONS,
    FILES,
    MANIFEST,
    NAMES,
    PRETRAINED,
    TOKENIZER,
    ModelName,
    load_models,
    read_manifest,
    save_numpy,
    seal,
)


def edit_manifest(directory: Path, **changes: object) -> None:
    manifest = json.loads((directory / MANIFEST).read_text())
    (directory / MANIFEST).write_text(json.dumps(manifest | changes))


def test_both_models_answer(small_models: Path) -> None:
    models = load_models(small_models)
    assert list(models) == ["rnn", "bilstm"]
    for model in models.values():
        empty, happy = model.predict(["", "i am happy"])
        assert model.labels == happy.labels == ("joy", "sadness", "neutral")
        assert happy.thresholds == (0.3, 0.4, 0.5)
        assert all(0 < score < 1 for score in happy.scores)
        assert empty.scores != happy.scores
        assert model.predict([]) == []


def test_a_batch_answers_as_each_text_alone(small_models: Path) -> None:
    texts = ["sad", "i am not happy", "", "i am i am i am i am i am i am"]
    for model in load_models(small_models).values():
        alone = [model.predict([text])[0].scores for text in texts]
        np.testing.assert_allclose([p.scores for p in model.predict(texts)], alone, atol=1e-6)


def test_a_directory_may_hold_one_model(small_models: Path) -> None:
    manifest = json.loads((small_models / MANIFEST).read_text())
    del manifest["models"]["bilstm"], manifest["files"][FILES["bilstm"]]
    (small_models / MANIFEST).write_text(json.dumps(manifest))
    assert list(load_models(small_models)) == ["rnn"]


def test_a_directory_may_hold_all_models(small_models: Path) -> None:
    manifest = read_manifest(small_models)
    rng = np.random.default_rng(1)
    for name in ("gru", "lstm"):
        save_numpy(name, network.build(name, 7, 4, len(manifest.labels), rng).params, small_models)
    cards = dict.fromkeys(FILES, manifest.models["rnn"])
    seal(small_models, msgspec.structs.replace(manifest, models=cards))
    models = load_models(small_models)
    assert list(models) == ["rnn", "gru", "lstm", "bilstm"]
    assert len({model.predict(["i am happy"])[0].scores for model in models.values()}) == 4


def test_all_that_is_said_of_models_is_said_of_each() -> None:
    assert get_args(ModelName) == tuple(FILES) == tuple(NAMES) == tuple(DIRECTIONS) == tuple(network.DEPTHS)


def test_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(ModelDirectoryError, match=r"no model directory at .*nowhere.*python train\.py"):
        load_models(tmp_path / "nowhere")


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelDirectoryError, match="no model directory"):
        load_models(tmp_path / "file")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"format": "emobot-models-9"}'])
def test_a_foreign_manifest(small_models: Path, content: bytes) -> None:
    (small_models / MANIFEST).write_bytes(content)
    with pytest.raises(ModelDirectoryError, match="no manifest of this version"):
        load_models(small_models)


@pytest.mark.parametrize("name", [TOKENIZER, FILES["rnn"], FILES["bilstm"]])
def test_a_damaged_or_missing_file_is_named(small_models: Path, name: str) -> None:
    path = small_models / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelDirectoryError, match=f"{name} in .* is damaged"):
        load_models(small_models)
    path.unlink()
    with pytest.raises(ModelDirectoryError, match=f"lacks its file {name}"):
        load_models(small_models)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"labels": ["joy", "sadness"]}, "3 thresholds for 2 labels"),
        ({"models": {}}, "holds no model"),
    ],
)
def test_a_manifest_that_does_not_fit_its_files(small_models: Path, changes: dict[str, object], why: str) -> None:
    edit_manifest(small_models, **changes)
    with pytest.raises(ModelDirectoryError, match=why):
        load_models(small_models)


def test_files_outside_the_folder_are_refused(small_models: Path) -> None:
    edit_manifest(small_models, files={"../secret": "0" * 64})
    with pytest.raises(ModelDirectoryError, match="outside its folder"):
        load_models(small_models)


def test_files_that_are_no_models(small_models: Path) -> None:
    """Hashes in order, content not: whoever wrote it was no train.py."""
    import hashlib

    files = read_manifest(small_models).files
    (small_models / FILES["bilstm"]).write_bytes(b"not onnx")
    edit_manifest(small_models, files=files | {FILES["bilstm"]: hashlib.sha256(b"not onnx").hexdigest()})
    with pytest.raises(ModelDirectoryError, match="is damaged"):
        load_models(small_models)


def test_the_shipped_directory_is_whole_and_small() -> None:
    models = load_models(PRETRAINED)
    assert list(models) == ["rnn", "bilstm"]
    size = sum((PRETRAINED / name).stat().st_size for name in [MANIFEST, *read_manifest(PRETRAINED).files])
    assert size < 12e6
