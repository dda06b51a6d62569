"""`python -m classifiers`."""

import runpy
import sys

import pytest

import classifiers


def test_the_package_runs_its_command_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["classifiers", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("classifiers", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("Usage: python -m classifiers ")


def test_package_has_the_names_in_all_but_no_unknown_one() -> None:
    assert all(hasattr(classifiers, name) for name in classifiers.__all__)
    assert not hasattr(classifiers, "no_such_name")
