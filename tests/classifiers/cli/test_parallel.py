"""Processing a stream on all cores; the work is Python's own `eval`, so that a process imports nothing of ours."""

import os
import threading
from collections.abc import Iterator

import pytest

from classifiers.cli import parallel
from classifiers.cli.parallel import map_in_order
from classifiers.errors import ClassifiersError


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    for library in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.setenv(f"{library}_NUM_THREADS", "1")  # so that monkeypatch restores it


def test_few_texts_are_processed_without_other_processes() -> None:
    own = os.getpid()
    assert list(map_in_order(eval, iter(["__import__('os').getpid()"] * 3))) == [own] * 3


def test_many_texts_keep_their_order_and_are_not_read_far_ahead() -> None:
    taken = 0

    def chunks() -> Iterator[str]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield f"{number}, __import__('os').getpid()"
        raise ClassifiersError("This is the end.")

    results = map_in_order(eval, chunks(), alone=30)
    numbers, processes = [], set()
    for _ in range(100):
        number, process = next(results)
        numbers.append(number)
        processes.add(process)
        assert taken <= len(numbers) + 2 * 2 + 2
    with pytest.raises(ClassifiersError, match="end"):
        next(results)
    assert numbers == list(range(100))
    assert os.getpid() in processes
    assert 2 <= len(processes) <= 3


def test_result_is_returned_before_further_input_arrives() -> None:
    more = threading.Event()

    def chunks() -> Iterator[str]:
        yield "1"
        yield "2"
        more.wait()
        yield "3"

    results = map_in_order(eval, chunks(), alone=1)
    assert [next(results), next(results)] == [1, 2]
    more.set()
    assert list(results) == [3]


def test_a_killed_process_is_reported_in_one_sentence() -> None:
    chunks = ["1", *["__import__('os')._exit(1)"] * 2]
    with pytest.raises(ClassifiersError, match="was killed"):
        list(map_in_order(eval, iter(chunks), alone=1))
