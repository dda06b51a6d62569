"""Imports follow the contracts in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="run `pip install -e '.[dev]'` to check the directions of imports")


def test_imports_follow_the_contracts() -> None:
    # In a process of its own, since import-linter keeps the standard output that it finds at its first import.
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
