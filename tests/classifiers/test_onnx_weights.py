"""Reading weights without `onnx` gives the same as reading them with it."""

import numpy as np
import onnx
import onnx.numpy_helper
import pytest

from classifiers.model_directory import FILES, PRETRAINED
from classifiers.onnx_weights import float_weights, refers_to_other_files


def test_shipped_weights_match_those_read_by_onnx() -> None:
    content = (PRETRAINED / FILES["bilstm"]).read_bytes()
    expected = [onnx.numpy_helper.to_array(each) for each in onnx.load_from_string(content).graph.initializer]
    expected = [array.ravel() for array in expected if array.dtype.kind == "f"]
    found = list(float_weights(content))
    assert len(found) == len(expected)
    assert sum(array.size for array in found) > 1e4
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    assert not refers_to_other_files(content)


@pytest.mark.parametrize("raw", [True, False])
def test_floats_are_read_from_either_field(raw: bool) -> None:
    numbers = np.array([1.5, np.nan, -2], np.float32)
    kept = numbers.tobytes() if raw else numbers.tolist()
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [3], kept, raw=raw)
    whole = onnx.helper.make_tensor("n", onnx.TensorProto.INT64, [2], [1, 2])
    graph = onnx.helper.make_graph([], "g", [], [], [whole, tensor])
    [found] = float_weights(onnx.helper.make_model(graph).SerializeToString())
    np.testing.assert_array_equal(found, numbers)


@pytest.mark.parametrize(
    "field",
    [
        b"\xa0\x06\x96\x01",  # number 100, the integer 150
        b"\xa1\x06" + bytes(8),
        b"\xa2\x06\x02\x08\x01",  # two bytes
        b"\xa5\x06" + bytes(4),
    ],
)
def test_other_fields_are_skipped(field: bytes) -> None:
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [1], [1.5])
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    [found] = float_weights(field + onnx.helper.make_model(graph).SerializeToString())
    np.testing.assert_array_equal(found, [1.5])


@pytest.mark.parametrize(
    "model",
    [
        b"\x80",  # an integer that ends too early
        b"\x80" * 1_000_000,  # an integer that does not end
        b"\x08",  # a field without its value
        b"\x3a\x03\x00\x00",  # three bytes, of which there are two
        b"\x3d\x00\x00\x00",  # four bytes, of which there are three
        b"\x3b",  # a wire type that ONNX does not use
    ],
)
def test_a_damaged_file_is_refused(model: bytes) -> None:
    with pytest.raises(ValueError, match="it is damaged"):
        list(float_weights(model))


def test_external_data_is_detected_in_a_subgraph() -> None:
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    inner = onnx.helper.make_graph([onnx.helper.make_node("Constant", [], ["c"], value=tensor)], "inner", [], [])
    outer = onnx.helper.make_graph([onnx.helper.make_node("If", ["x"], ["y"], then_branch=inner)], "outer", [], [])
    assert refers_to_other_files(onnx.helper.make_model(outer).SerializeToString())
