"""ONNX Runtime, which would otherwise tell Microsoft of each start and keep an identifier of this computer."""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # ONNX Runtime looks at it while it is imported

import onnxruntime

__all__ = ["onnxruntime"]
