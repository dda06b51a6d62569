"""Run the bot until it ends, or until Ctrl-C or a service manager stops it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

GRACE_PERIOD = 3.0
"""Seconds that a process may keep writing after a second signal to stop."""


def run_until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in an event loop until it ends, or cancel it when the process is told to stop.

    Raises:
        KeyboardInterrupt: Ctrl-C stopped it.
    """
    if asyncio.run(until_stopped(work)) == signal.SIGINT:
        raise KeyboardInterrupt


async def until_stopped(work: Coroutine[Any, Any, None]) -> int | None:
    """Await `work`, and cancel it on a signal to stop; return that signal, or None if the work ended by itself.

    Cancelled work can still write its data. After a second signal it has `GRACE_PERIOD` seconds for that.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    stopped_by: int | None = None
    last: asyncio.TimerHandle | None = None

    def stop(number: int) -> None:
        nonlocal stopped_by, last
        if stopped_by is None:
            if task.cancel():
                stopped_by = number
        elif last is None:
            last = loop.call_later(GRACE_PERIOD, _exit_at_once)

    with _on_signals(lambda number: loop.call_soon_threadsafe(stop, number)):
        try:
            await task
        except asyncio.CancelledError:
            if stopped_by is None:
                raise
        finally:
            if last:
                last.cancel()
    return stopped_by


def _exit_at_once() -> None:
    """End the process at once, since waiting for threads or for an unresponsive database could take forever."""
    click.echo("Stopped before all was written.", err=True)
    os._exit(1)


@contextmanager
def _on_signals(stop: Callable[[int], object]) -> Iterator[None]:
    """Call `stop` on each signal to stop, instead of its default action.

    This uses `signal` itself, since asyncio has no such handlers on Windows. SIGINT needs a handler, too, because
    processes that a shell script starts in the background ignore it by default.
    """
    before = {}
    try:
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last one is Windows' own
            with suppress(AttributeError, ValueError):  # not on this system; not in this thread
                number = getattr(signal, name)
                before[number] = signal.signal(number, lambda received, _frame: stop(received))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
