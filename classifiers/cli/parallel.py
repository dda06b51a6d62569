"""Map a function over a stream of any length with all cores, in order and in bounded memory."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator, Iterator, Sized
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from queue import Queue
from threading import Thread
from typing import TypeVar

from classifiers.errors import ClassifiersError
from classifiers.processes import IGNORE_CTRL_C, cores, limit_threads_of_children

Chunk = TypeVar("Chunk", bound=Sized)
Result = TypeVar("Result")

SERIAL_TEXTS = 1000
"""The number of texts that this process handles by itself first; starting another process takes about as long."""


def map_in_order(
    work: Callable[[Chunk], Result], chunks: Iterator[Chunk], alone: int = SERIAL_TEXTS
) -> Generator[Result, None, None]:
    """Yield the result of `work` for each chunk, in order, as soon as it is ready.

    This process handles the first `alone` texts by itself, and one process per core handles the rest. Only enough
    chunks are read ahead to keep them busy. An error raised by `chunks` comes after the results of the chunks before
    it.

    Args:
        work: what to do with a chunk; it can be pickled, like chunks and results.
        chunks: the source of chunks. After the first `alone` texts it is read in another thread, so that a slow source
            does not delay results.
        alone: how many texts this process handles by itself.

    Raises:
        ClassifiersError: a process was killed, for example because the system ran out of memory.
    """
    done = 0
    for chunk in chunks:
        yield work(chunk)
        done += len(chunk)
        if done >= alone:
            yield from _map_in_processes(work, chunks, cores())
            return


def _map_in_processes(work: Callable[[Chunk], Result], chunks: Iterator[Chunk], count: int) -> Iterator[Result]:
    """Yield the result of `work` for each chunk, in order, from `count` processes, which end with the iterator."""
    limit_threads_of_children()
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), *IGNORE_CTRL_C)
    begun: Queue[Future[Result] | None] = Queue(2 * count)

    def begin() -> None:
        try:
            for chunk in chunks:
                begun.put(pool.submit(work, chunk))
            begun.put(None)
        except Exception as error:  # raised where the results are consumed
            failed: Future[Result] = Future()
            failed.set_exception(error)
            begun.put(failed)

    Thread(target=begin, daemon=True).start()  # a daemon, since it may still wait for input when all else has ended
    try:
        while future := begun.get():
            yield future.result()
    except BrokenProcessPool:
        raise ClassifiersError(
            "A process that reads texts was killed, perhaps because the system ran out of memory."
        ) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()  # nobody needs its remaining work
