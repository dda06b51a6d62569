"""Import ONNX Runtime without telemetry, which reports each start to Microsoft and stores an id of this computer."""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # ONNX Runtime reads it while it is imported

import onnxruntime

__all__ = ["onnxruntime"]
