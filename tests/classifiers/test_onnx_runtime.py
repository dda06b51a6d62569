from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_telemetry_of_onnx_runtime_is_disabled(tmp_path: Path) -> None:
    """Otherwise importing it creates an identifier of this computer in the user's cache."""
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    code = "import sys; from classifiers import load_models; print('onnxruntime' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert list(tmp_path.iterdir()) == []
