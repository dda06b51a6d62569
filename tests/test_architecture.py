"""Imports point the way that pyproject.toml says."""

from pathlib import Path

import pytest

cli = pytest.importorskip("importlinter.cli", reason="run `pip install -e '.[dev]'` to check the directions of imports")


def test_imports_keep_their_contracts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])
    assert cli.lint_imports(no_cache=True, is_debug_mode=False) == 0, capsys.readouterr().out
