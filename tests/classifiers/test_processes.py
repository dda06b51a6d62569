from __future__ import annotations

import os

import pytest

from classifiers.processes import cores, limit_threads_of_children


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", {0: {2, 5}}.__getitem__, raising=False)  # 0 means this process
    assert cores() == 2


def test_process_count_on_windows_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 96)
    assert cores() == 96
    monkeypatch.setattr("sys.platform", "win32")
    assert cores() == 61


def test_other_processes_get_one_thread_each_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.setenv(f"{library}_NUM_THREADS", "3")  # so that monkeypatch restores it
    monkeypatch.delenv("MKL_NUM_THREADS")
    limit_threads_of_children()
    assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("3", "1")
