"""Imports follow the contracts in pyproject.toml."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="run `pip install -e '.[dev]'` to check the directions of imports")

ROOT = Path(__file__).parents[1]


def test_imports_follow_the_contracts() -> None:
    # In a process of its own, since import-linter keeps the standard output that it finds at its first import.
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_networks_may_import_no_other_part_of_the_package() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [forbidden] = [each["forbidden_modules"] for each in contracts if each.get("source_modules") == ["classifiers.nn"]]
    package = ROOT / "classifiers"
    parts = {path.parent.name for path in package.glob("*/__init__.py")} | {path.stem for path in package.glob("*.py")}
    assert sorted(forbidden) == sorted(f"classifiers.{part}" for part in parts - {"__init__", "__main__", "nn"})


def test_networks_need_only_numpy() -> None:
    imported = set()
    for file in (ROOT / "classifiers" / "nn").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).split(".")[0])
    assert imported - sys.stdlib_module_names == {"classifiers", "numpy"}
