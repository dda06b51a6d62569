"""Load the BiLSTM's ONNX graph into ONNX Runtime.

ONNX Runtime is imported without its telemetry, which reports each start to Microsoft and stores an id of this computer.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from classifiers.memory import release_unused
from classifiers.nn.arrays import Array, require_finite
from classifiers.nn.batching import Batch
from classifiers.onnx_graph import refuse_other_graphs
from classifiers.onnx_weights import float_weights, refers_to_other_files

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # ONNX Runtime reads it while it is imported

import onnxruntime

__all__ = ["load_onnx", "onnxruntime"]


def load_onnx(content: bytes) -> Callable[[Batch], Array]:
    """Return the BiLSTM from the bytes of an ONNX file, as a function from a batch to logits (batch, labels).

    Raises:
        Exception: it is not such a file or another graph, refers to other files, or holds weights that are not finite.
    """
    if refers_to_other_files(content):
        raise ValueError("it refers to another file")
    refuse_other_graphs(content)
    require_finite(float_weights(content))
    options = onnxruntime.SessionOptions()
    # Measurements show that a second thread makes single messages slower, and idle threads would spin.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The graph is written as it is to run: optimising it would change neither results nor speed, but take memory.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4  # errors are raised as exceptions and need not be printed as well
    options.add_session_config_entry(
        "session.load_model_format", "ONNX"
    )  # ONNX Runtime's own format is not checked above
    session = onnxruntime.InferenceSession(
        content,
        options,
        providers=["CPUExecutionProvider"],
        enable_fallback=False,  # it would print the error and retry with the same provider
    )
    session._model_bytes = None  # it would keep the file to reload it on devices that this bot does not use
    # The first run reserves 1 MB, of which it uses little; in memory that was used before, all of it would be resident.
    release_unused()

    def run(batch: Batch) -> Array:
        [logits] = session.run(["logits"], {"ids": batch.ids, "lengths": batch.lengths})
        return np.asarray(logits)

    return run
