"""ONNX Runtime gets only graphs that we exported, so that no file takes much more memory than its size."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import onnx.parser
import onnxruntime
import pytest

from classifiers.model_directory import FILES, PRETRAINED
from classifiers.nn import network
from classifiers.nn.batching import pad
from classifiers.onnx_graph import KNOWN_GRAPHS, MAX_DIMENSION, fingerprint, refuse_other_graphs
from classifiers.onnx_runtime import load_onnx
from classifiers.training import onnx_export

SHIPPED = (PRETRAINED / FILES["bilstm"]).read_bytes()


@pytest.fixture(scope="module")
def built() -> onnx.ModelProto:
    """Return a small graph of ours, in floats."""
    return onnx_export.float_graph(network.build("bilstm", 7, 4, 2, np.random.default_rng(0)).params)


@pytest.fixture
def model(built: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of `built` that a test may change; building one takes longer than checking it."""
    return copy.deepcopy(built)


def weights(model: onnx.ModelProto, name: str) -> onnx.TensorProto:
    return next(tensor for tensor in model.graph.initializer if tensor.name == name)


def replaced(model: onnx.ModelProto, name: str, array: np.ndarray) -> None:
    weights(model, name).CopyFrom(onnx.numpy_helper.from_array(array, name))


def float16_export(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph as we exported it before the 8-bit format: weights in float16, cast to float32."""

    def cast(name: str, result: str) -> onnx.NodeProto:
        return onnx.helper.make_node(
            "Cast", [name], [result], to=onnx.TensorProto.FLOAT, domain=""
        )  # as the parser does

    old = onnx.ModelProto()
    old.CopyFrom(model)
    casts = {}
    for tensor in old.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.name != "lowest":
            array = onnx.numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
            casts[tensor.name] = cast(tensor.name, f"{tensor.name}_32")
    del casts["embeddings"]  # of which only the words of the texts are cast
    nodes = list(old.graph.node)
    for node in nodes:
        node.input[:] = [f"{name}_32" if name in casts else name for name in node.input]
    gather = next(node for node in nodes if node.op_type == "Gather")
    vectors = cast("vectors", gather.output[0])
    gather.output[0] = "vectors"
    del old.graph.node[:]
    old.graph.node.extend([gather, vectors, *casts.values(), *(node for node in nodes if node is not gather)])
    return old


def test_known_graphs_are_those_of_this_and_earlier_exports(model: onnx.ModelProto) -> None:
    """If this fails with a new release of ONNX Runtime, add the graph that it writes."""
    written = [SHIPPED, model.SerializeToString(), float16_export(model).SerializeToString()]
    assert [fingerprint(each) for each in written] == [*KNOWN_GRAPHS]


def test_earlier_export_still_computes_the_same(model: onnx.ModelProto) -> None:
    new, old = (load_onnx(each.SerializeToString()) for each in (model, float16_export(model)))
    batch = pad([[2, 3, 4], [5, 6]])
    np.testing.assert_allclose(old(batch), new(batch), atol=1e-3)


def other_weights(model: onnx.ModelProto) -> None:
    replaced(model, "embeddings", np.ones((30, 4), np.float32))


def other_names(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        node.name = "another"
        for names in (node.input, node.output):
            names[:] = [name.replace("hidden", "state") for name in names]


def descriptions(model: onnx.ModelProto) -> None:
    model.doc_string = model.graph.doc_string = model.graph.node[0].doc_string = "ours"
    next(node for node in model.graph.node if node.attribute).attribute[0].doc_string = "ours"


def constants_as_bytes(model: onnx.ModelProto) -> None:
    for name in ("joined", "zero", "time_axis"):
        replaced(model, name, onnx.numpy_helper.to_array(weights(model, name)))


@pytest.mark.parametrize("change", [other_weights, other_names, descriptions, constants_as_bytes])
def test_differences_that_do_not_change_the_computation_are_accepted(
    model: onnx.ModelProto, change: Callable[[onnx.ModelProto], None]
) -> None:
    change(model)
    refuse_other_graphs(model.SerializeToString())


def billion_numbers(model: onnx.ModelProto) -> None:
    replaced(model, "zero", np.array(-(2**30), np.int32))


def other_axes(model: onnx.ModelProto) -> None:
    weights(model, "outer_axes").int64_data[:] = [0, 1]


def another_operator(model: onnx.ModelProto) -> None:
    next(node for node in model.graph.node if node.op_type == "Div").op_type = "Mul"


def another_domain(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.microsoft"


def another_version(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 16


def another_attribute(model: onnx.ModelProto) -> None:
    lstm = next(node for node in model.graph.node if node.op_type == "LSTM")
    next(each for each in lstm.attribute if each.name == "hidden_size").i = 2**30


def graph_in_an_attribute(model: onnx.ModelProto) -> None:
    inner = onnx.helper.make_graph([], "inner", [], [])
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("body", inner))


def weights_that_broadcast(model: onnx.ModelProto) -> None:
    replaced(model, "output_bias", np.zeros((1000, 1), np.float32))


def missing_weights(model: onnx.ModelProto) -> None:
    weights(model, "embeddings").dims[0] = 2**30


def negative_dimension(model: onnx.ModelProto) -> None:
    weights(model, "embeddings").dims[:] = [-(2**30), -4]


def wide_weights(model: onnx.ModelProto) -> None:
    replaced(model, "embeddings", np.zeros((1, MAX_DIMENSION + 1), np.float32))


def wide_recurrence(model: onnx.ModelProto) -> None:
    replaced(model, "recurrent_1", np.zeros((1, MAX_DIMENSION + 1, 1), np.float32))


def sparse_weights(model: onnx.ModelProto) -> None:
    values = onnx.helper.make_tensor("big", onnx.TensorProto.FLOAT, [1], [1.0])
    places = onnx.helper.make_tensor("places", onnx.TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(onnx.helper.make_sparse_tensor(values, places, [2**30]))


def a_function(model: onnx.ModelProto) -> None:
    model.functions.append(onnx.helper.make_function("ours", "Gather", [], [], [], model.opset_import))


def duplicate_constant(model: onnx.ModelProto) -> None:
    model.graph.initializer.insert(0, onnx.numpy_helper.from_array(np.array(-(2**30), np.int32), "zero"))


def unused_operator(model: onnx.ModelProto) -> None:
    model.graph.node.append(onnx.helper.make_node("Expand", ["embeddings", "joined"], ["wasted"]))


def operator_without_output(model: onnx.ModelProto) -> None:
    model.graph.node.append(onnx.helper.make_node("Expand", ["embeddings", "joined"], []))


def another_output(model: onnx.ModelProto) -> None:
    model.graph.output.append(onnx.helper.make_tensor_value_info("mean", onnx.TensorProto.FLOAT, None))


def missing_input(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "nowhere"


def weights_named_like_the_input(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((1, 1), np.int32), "ids"))


@pytest.mark.parametrize(
    "change",
    [
        billion_numbers,
        other_axes,
        another_operator,
        another_domain,
        another_version,
        another_attribute,
        graph_in_an_attribute,
        weights_that_broadcast,
        missing_weights,
        negative_dimension,
        wide_weights,
        wide_recurrence,
        sparse_weights,
        a_function,
        duplicate_constant,
        unused_operator,
        operator_without_output,
        another_output,
        missing_input,
        weights_named_like_the_input,
    ],
)
def test_any_other_graph_is_refused_before_it_is_opened(
    model: onnx.ModelProto, change: Callable[[onnx.ModelProto], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(onnxruntime, "InferenceSession")
    change(model)
    with pytest.raises(ValueError, match=r"^it"):
        load_onnx(model.SerializeToString())


@pytest.mark.parametrize(
    "content",
    [
        SHIPPED + b"\x3a\x00",  # a reader of protocol buffers joins two graphs
        b"",
        b"\x3a\x00",  # an empty graph
        b"\x3a\x0d\x0a\x0b\x12\x01a\x2a\x02\x18\x00\x2a\x02\x1a\x00",  # attributes: a number, and bytes
        b"\x3a\x00\x42\x02\x08\x01\x42\x02\x0a\x00",  # two sets of operators: one named by a number
        b"\x3a\x02\x0a\x00",  # an operator without fields
        b"\x3a\x07\x2a\x05\x42\x01a\x10\x01",  # weights without a size
        b"\x3a\x08\x2a\x06\x40\x80\x80\x80\x80\x20",  # the name of weights is a large integer
    ],
)
def test_a_damaged_graph_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it"):
        refuse_other_graphs(content)
