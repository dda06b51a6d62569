import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import onnx
import onnx.numpy_helper
import onnx.parser
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from classifiers import onnx_runtime
from classifiers.errors import ModelDirectoryError
from classifiers.explain import network_of
from classifiers.model_directory import (
    FILES,
    MANIFEST,
    NAMES,
    PRETRAINED,
    TOKENIZER,
    ModelName,
    invalidate_manifest,
    load_models,
    read_manifest,
    save_numpy,
    write_manifest,
)
from classifiers.nn import network
from classifiers.nn.arrays import Array
from classifiers.training import onnx_export
from tests import hostile


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


def test_rnn_computes_in_float32_though_its_word_vectors_stay_as_small_as_in_the_file(small_models: Path) -> None:
    network = network_of(load_models(small_models)["rnn"])
    assert network is not None
    types = {name: array.dtype for name, array in network.params.items()}
    assert types == {name: "f2" if name == "0.embeddings" else "f4" for name in types}


def test_batch_gives_the_answers_of_single_texts(small_models: Path) -> None:
    texts = ["sad", "i am not happy", "", "i am i am i am i am i am i am"]
    model = load_models(small_models)["rnn"]
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
    for name in [name for name, file in FILES.items() if file.endswith(".safetensors")]:
        save_numpy(name, network.build(name, 7, 4, len(manifest.labels), rng).params, small_models)
    cards = dict.fromkeys(FILES, manifest.models["rnn"])
    write_manifest(small_models, msgspec.structs.replace(manifest, models=cards))
    models = load_models(small_models)
    assert list(models) == list(FILES)
    assert len({model.predict(["i am happy"])[0].scores for model in models.values()}) == len(models)


def test_every_table_of_models_has_each_model() -> None:
    assert get_args(ModelName) == tuple(FILES) == tuple(NAMES) == tuple(network.KINDS)


def test_manifest_may_set_emoji_of_labels(small_models: Path) -> None:
    edit_manifest(small_models, labels=["happy", "Sadness", "Neutral"], emoji={"happy": "😊", "SADNESS": "🥀"})
    for model in load_models(small_models).values():
        assert model.labels == ("happy", "sadness", "neutral")
        [prediction] = model.predict(["i am happy"])
        assert prediction.labels == model.labels
        assert prediction.emoji is model.emoji
        assert [model.emoji.get(label) for label in model.labels] == ["😊", "🥀", None]


def test_labels_have_default_emoji_if_the_manifest_sets_none(small_models: Path) -> None:
    edit_manifest(small_models, labels=["happy", "sadness", "neutral"])
    assert [load_models(small_models)["rnn"].emoji.get(label) for label in ("happy", "sadness")] == [None, "😢"]


@pytest.mark.parametrize("emoji", [{"glad": "😊"}, {"joy": "yes"}, {"neutral": "😐"}])
def test_unusable_emoji_in_the_manifest_are_refused(small_models: Path, emoji: dict[str, str]) -> None:
    edit_manifest(small_models, emoji=emoji)
    with pytest.raises(ModelDirectoryError, match=r'manifest\.json: .* correct its entry "emoji"\.'):
        load_models(small_models)


@pytest.mark.parametrize("name", ["manifest.json", "rnn.safetensors"])
def test_device_in_place_of_a_file_is_refused(small_models: Path, name: str) -> None:
    (small_models / name).unlink()
    (small_models / name).symlink_to(os.devnull)
    with pytest.raises(ModelDirectoryError, match=r"cannot be read(: | \()it is a device"):
        load_models(small_models)


def test_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ModelDirectoryError,
        match=r"no model directory at .*nowhere .*: check the path, train one with `python -m train`, or use the",
    ):
        load_models(tmp_path / "nowhere")


def test_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelDirectoryError, match="no model directory"):
        load_models(tmp_path / "file")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is not JSON at line 1"),
        (b'{\n"emoji": {"joy": "x",}\n}', "it is not JSON at line 2"),
        (b"{}", 'it lacks "command"'),
        (b'{"more": 1}', 'this version knows no "more"'),
        (b'{"models": {"rnn": {}}}', 'it lacks "embedding" in "models"'),
        (b"[1]", "it is a list or a single value"),
        (b"\xff\xfe", "it is not JSON"),
        (b"[" * 100_000, "it is a list or a single value"),
        (b'{"format": "emobot-models-9"}', 'its "format" cannot be used'),
    ],
)
def test_malformed_manifest_is_refused_in_plain_words(small_models: Path, content: bytes, why: str) -> None:
    (small_models / MANIFEST).write_bytes(content)
    with pytest.raises(ModelDirectoryError, match=rf"no manifest of this version \({why}( at line 1)?\)"):
        load_models(small_models)


def test_manifest_may_begin_with_a_byte_order_mark(small_models: Path) -> None:
    (small_models / MANIFEST).write_bytes(b"\xef\xbb\xbf" + (small_models / MANIFEST).read_bytes())
    assert [*load_models(small_models)] == ["rnn", "bilstm"]


@pytest.mark.parametrize("name", [TOKENIZER, FILES["rnn"], FILES["bilstm"]])
def test_damaged_or_missing_file_is_named(small_models: Path, name: str) -> None:
    path = small_models / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelDirectoryError, match=f"{name} in .* is damaged"):
        load_models(small_models)
    path.unlink()
    with pytest.raises(ModelDirectoryError, match=f"lacks its file {name}"):
        load_models(small_models)
    path.mkdir()
    with pytest.raises(ModelDirectoryError, match=rf"{name} in .* cannot be read \(Is a directory\)"):
        load_models(small_models)


def changed_card(directory: Path, **changes: object) -> dict[str, object]:
    """Return the models of the manifest, with some changes to the RNN."""
    models = json.loads((directory / MANIFEST).read_text())["models"]
    return {"models": models | {"rnn": models["rnn"] | changes}}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"labels": ["joy", "sadness"]}, "3 thresholds for 2 labels"),
        ({"labels": []}, 'its "labels" cannot be used'),
        ({"labels": ["joy", "sadness", ""]}, 'its "labels" cannot be used'),
        ({"labels": ["joy", "sadness", "joy"]}, "it has 'joy' twice"),
        ({"models": {}}, "holds no model"),
        ({"max_tokens": 0}, 'its "max_tokens" cannot be used'),
        ({"max_tokens": 2**62}, 'its "max_tokens" cannot be used'),
        ({"labels": ["joy", "sadness", "x" * 101]}, 'its "labels" cannot be used'),
        ({"labels": ["joy", "sadness", "a\n# b"]}, 'its "labels" cannot be used'),
        ({"dataset_sha256": None}, 'its "dataset_sha256" cannot be used'),
        ({"neighbours": {"pride": {"joy": 0.5}}}, "neighbours has 'pride'"),
        ({"neighbours": {"joy": {"pride": 0.5}}}, "neighbours has 'pride'"),
        ({"neighbours": {"joy": {"sadness": 1.5}}}, 'its "neighbours.* cannot be used'),
    ],
)
def test_contradictory_manifest_is_refused(small_models: Path, changes: dict[str, object], why: str) -> None:
    edit_manifest(small_models, **changes)
    with pytest.raises(ModelDirectoryError, match=rf"no manifest of this version \(.*{why}"):
        load_models(small_models)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"temperature": 0}, 'its "temperature" in "models" cannot be used'),
        ({"temperature": -1.0}, 'its "temperature" in "models" cannot be used'),
        ({"temperature": 1e300}, 'its "temperature" in "models" cannot be used'),
        ({"temperature": float("inf")}, "it holds a number that is not finite"),
        ({"temperature": float("nan")}, "it holds a number that is not finite"),
        ({"temperature": None}, 'its "temperature" in "models" cannot be used'),
        ({"thresholds": [-1, 0.4, 0.5]}, 'its "thresholds" in "models" cannot be used'),
        ({"thresholds": [0.3, 0.4, 1.5]}, 'its "thresholds" in "models" cannot be used'),
        ({"thresholds": [0.3, 0.4]}, "rnn has 2 thresholds for 3 labels"),
        ({"certainty": 2}, 'its "certainty" in "models" cannot be used'),
        ({"parameters": -5}, 'its "parameters" in "models" cannot be used'),
    ],
)
def test_impossible_calibration_is_refused(small_models: Path, changes: dict[str, object], why: str) -> None:
    edit_manifest(small_models, **changed_card(small_models, **changes))
    with pytest.raises(ModelDirectoryError, match=rf"no manifest of this version \(.*{why}"):
        load_models(small_models)


def test_model_of_another_version_is_refused(small_models: Path) -> None:
    manifest = json.loads((small_models / MANIFEST).read_text())
    edit_manifest(small_models, models={**manifest["models"], "transformer": manifest["models"]["rnn"]})
    with pytest.raises(ModelDirectoryError, match="this version knows no model 'transformer'"):
        load_models(small_models)


@pytest.mark.parametrize("file", [TOKENIZER, FILES["rnn"], FILES["bilstm"]])
def test_a_file_without_a_hash_is_not_loaded(small_models: Path, file: str) -> None:
    files = dict(read_manifest(small_models).files)
    del files[file]
    edit_manifest(small_models, files=files)
    with pytest.raises(ModelDirectoryError, match=f"lacks the hash of '{file}'"):
        load_models(small_models)


@pytest.mark.parametrize("file", ["../secret", "gru.safetensors"])
def test_hash_of_an_unneeded_file_is_refused(small_models: Path, file: str) -> None:
    edit_manifest(small_models, files=read_manifest(small_models).files | {file: "0" * 64})
    with pytest.raises(ModelDirectoryError, match=f"has a hash of a file that none of its models needs: '{file}'"):
        load_models(small_models)


def test_loaded_bytes_are_those_that_were_hashed(small_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is opened once, so that nobody can replace it in between."""
    opened: list[str] = []
    read_bytes = Path.read_bytes

    def replaced_afterwards(path: Path) -> bytes:
        opened.append(path.name)
        content = read_bytes(path)
        path.write_bytes(b"another file")
        return content

    monkeypatch.setattr(Path, "read_bytes", replaced_afterwards)
    models = load_models(small_models)
    assert sorted(opened) == sorted([MANIFEST, TOKENIZER, FILES["rnn"], FILES["bilstm"]])
    assert all(model.predict(["i am happy"]) for model in models.values())


def directory_with(directory: Path, file: str, content: bytes) -> Path:
    """Return the directory with another file and its hash, as somebody could publish it."""
    (directory / file).write_bytes(content)
    write_manifest(directory, read_manifest(directory))
    return directory


def refusal(directory: Path) -> str:
    with pytest.raises(ModelDirectoryError) as caught:
        load_models(directory)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith("or use the shipped models: unset EMOBOT_MODELS, or leave --models out.")
    return sentence


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "truncated"),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
        (b'["joy"]', "Expected `object`"),
        (b'{"words": "joy"}', "Expected `array`"),
        (b'{"words": [1]}', "Expected `str`"),
        (b'{"words": [""]}', "length >= 1"),
        (b'{"words": ["joy", "joy"]}', "it has 'joy' twice"),
        (b'{"words": ["joy"], "code": "import os"}', "unknown field `code`"),
        (b'{"words": ["a", "b", "c", "d", "e", "f"]}', "it has no vectors for the 8 words of tokenizer.json"),
    ],
)
def test_malformed_vocabulary_is_refused_with_the_reason(small_models: Path, content: bytes, why: str) -> None:
    assert why in refusal(directory_with(small_models, TOKENIZER, content))


def test_vocabulary_larger_than_the_embedding_of_the_bilstm_is_refused(small_models: Path) -> None:
    manifest = read_manifest(small_models)
    only = msgspec.structs.replace(manifest, models={"bilstm": manifest.models["bilstm"]})
    (small_models / TOKENIZER).write_bytes(b'{"words": ["a", "b", "c", "d", "e", "f"]}')
    write_manifest(small_models, only)
    assert "bilstm.onnx in" in refusal(small_models)
    assert "it has no vectors for the 8 words of tokenizer.json" in refusal(small_models)


@pytest.mark.parametrize("number", [np.nan, -np.inf])
@pytest.mark.parametrize("name", ["0.embeddings", "4.recurrent_kernel", "7.bias"])
def test_non_finite_weights_of_the_rnn_are_refused(small_models: Path, name: str, number: float) -> None:
    arrays = load((small_models / FILES["rnn"]).read_bytes())
    arrays[name].flat[-1] = number
    assert "it holds numbers that are not finite" in refusal(directory_with(small_models, FILES["rnn"], save(arrays)))


@pytest.mark.parametrize("number", [np.nan, -np.inf])
@pytest.mark.parametrize("name", ["embeddings_scale", "recurrent_3_scale", "output_bias"])
def test_non_finite_weights_of_the_bilstm_are_refused(small_models: Path, name: str, number: float) -> None:
    model = onnx.load(small_models / FILES["bilstm"])
    [weights] = [each for each in model.graph.initializer if each.name == name]
    array = onnx.numpy_helper.to_array(weights).copy()
    array.flat[-1] = number
    weights.CopyFrom(onnx.numpy_helper.from_array(array, name))
    content = model.SerializeToString()
    assert "it holds numbers that are not finite" in refusal(directory_with(small_models, FILES["bilstm"], content))


def test_finite_weights_with_a_non_finite_answer_are_refused(small_models: Path) -> None:
    """Each weight is finite, but their products are not."""
    arrays = load((small_models / FILES["rnn"]).read_bytes())
    arrays["7.kernel"] = np.full_like(arrays["7.kernel"], 3e38, np.float32)
    arrays["7.bias"] = np.full_like(arrays["7.bias"], 3e38, np.float32)
    arrays["4.bias"] = np.full_like(arrays["4.bias"], 100)
    assert "it holds numbers that are not finite" in refusal(directory_with(small_models, FILES["rnn"], save(arrays)))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"7.bias": None}, "7.bias"),
        ({"2.kernel": np.zeros((9, 128), np.float16)}, "2.kernel is (9, 128), not (4, 128)"),
        ({"2.kernel": np.zeros((4, 128), np.int8)}, "2.kernel is of int8, not of floats"),
        ({"0.embeddings": np.zeros((7, 4), np.int16)}, "0.embeddings is of int16, not of floats"),
        ({"0.embeddings": np.zeros(7, np.float16)}, ""),
        ({"8.kernel": np.zeros(3, np.float16)}, "8.kernel is (3,), not known"),
        (
            {"7.kernel": np.zeros((256, 2), np.float16), "7.bias": np.zeros(2, np.float16)},
            "it gives 2 logits for 3 labels",
        ),
    ],
)
def test_weights_of_another_network_are_refused(small_models: Path, change: dict[str, Array | None], why: str) -> None:
    arrays = load((small_models / FILES["rnn"]).read_bytes()) | change
    content = save({name: array for name, array in arrays.items() if array is not None})
    assert f"rnn.safetensors in {small_models} cannot be used: " in refusal(
        directory_with(small_models, FILES["rnn"], content)
    )
    assert why in refusal(small_models)


def test_bilstm_with_fewer_outputs_than_labels_is_refused(small_models: Path) -> None:
    net = network.build("bilstm", 7, 4, 2, np.random.default_rng(0))
    onnx_export.save_bilstm(net.params, small_models / FILES["bilstm"])
    write_manifest(small_models, read_manifest(small_models))
    assert "it gives 2 logits for 3 labels" in refusal(small_models)


@pytest.mark.parametrize("file", [FILES["rnn"], FILES["bilstm"]])
@pytest.mark.parametrize("content", [b"", b"neither of them", b"\x3a\xff"])
def test_files_that_are_not_models_are_refused(small_models: Path, file: str, content: bytes) -> None:
    assert f"{file} in {small_models} cannot be used: " in refusal(directory_with(small_models, file, content))


def test_onnx_graph_of_another_network_is_refused(small_models: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> other (float[2] x) => (float[2] y) { y = Abs (x) }'
    ).SerializeToString()
    refusal(directory_with(small_models, FILES["bilstm"], content))
    assert capfd.readouterr().err == ""


def test_onnx_data_in_another_file_is_refused(small_models: Path) -> None:
    """The manifest does not list that file, so it could be replaced after the hashes are written."""
    path = small_models / FILES["bilstm"]
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="more.bin", size_threshold=0)
    assert (small_models / "more.bin").exists()
    write_manifest(small_models, read_manifest(small_models))
    assert "it refers to another file" in refusal(small_models)


def test_onnx_runtimes_own_format_is_refused(
    small_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a FlatBuffer, whose weights would have to be read in another way."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "bilstm.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(str(small_models / FILES["bilstm"]), options, providers=["CPUExecutionProvider"])
    content = (tmp_path / "bilstm.ort").read_bytes()
    assert content[4:8] == b"ORTM"
    assert "it is damaged" in refusal(directory_with(small_models, FILES["bilstm"], content))
    monkeypatch.setattr(onnx_runtime, "refuse_other_graphs", lambda _: None)
    monkeypatch.setattr(onnx_runtime, "float_weights", lambda _: [])
    assert "protobuf parsing failed" in refusal(small_models)


def test_a_half_written_directory_is_never_loaded(small_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = read_manifest(small_models)
    invalidate_manifest(small_models)
    with pytest.raises(ModelDirectoryError, match="no model directory"):
        load_models(small_models)

    write_bytes = Path.write_bytes

    def full_disk(path: Path, content: bytes) -> int:
        write_bytes(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_disk)
        with pytest.raises(OSError, match="No space left"):
            write_manifest(small_models, manifest)
    with pytest.raises(ModelDirectoryError, match="no model directory"):
        load_models(small_models)
    write_manifest(small_models, manifest)
    assert list(load_models(small_models)) == ["rnn", "bilstm"]
    assert not list(small_models.glob("*.partial"))


def test_shipped_directory_is_complete_and_small() -> None:
    models = load_models(PRETRAINED)
    assert list(models) == ["rnn", "bilstm"]
    size = sum((PRETRAINED / name).stat().st_size for name in [MANIFEST, *read_manifest(PRETRAINED).files])
    assert size < 12e6


@settings(max_examples=settings().max_examples // 4)  # each loads two models
@given(st.data())
def test_damaged_directory_either_answers_or_is_refused_in_one_sentence(
    built_models: Path, new_folder: Callable[[str], Path], data: st.DataObject
) -> None:
    """The manifest has the hash of the damaged file, as if somebody had made it on purpose."""
    folder = new_folder("damaged")
    directory = shutil.copytree(built_models, folder / "models")
    manifest = read_manifest(directory)
    file = data.draw(st.sampled_from([MANIFEST, TOKENIZER, FILES["rnn"], FILES["bilstm"]]))
    (directory / file).write_bytes(data.draw(hostile.damaged((directory / file).read_bytes())))
    if file != MANIFEST:
        write_manifest(directory, manifest)
    files = sorted(folder.rglob("*"))
    refusals: list[str] = []
    with hostile.assert_little_memory(), np.errstate(all="ignore"):
        try:
            for model in load_models(directory).values():
                assert len(model.predict(["i am happy " * 20, ""])) == 2
        except ModelDirectoryError as error:
            refusals.append(str(error))
    assert not any("\n" in refusal for refusal in refusals)
    assert sorted(folder.rglob("*")) == files


def test_error_of_onnx_runtime_is_reported_once(small_models: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """ONNX Runtime would print some errors and retry."""
    content = (small_models / FILES["bilstm"]).read_bytes().replace(b"Gather", b"\xff" * 6)
    refusal(directory_with(small_models, FILES["bilstm"], content))
    assert capfd.readouterr() == ("", "")
