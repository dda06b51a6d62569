from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest

from bot.cli.stopping import GRACE_PERIOD, until_stopped
from tests.bot.cli.support import environment


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_second_signal_does_not_interrupt_writing(stop: signal.Signals) -> None:
    before = signal.getsignal(stop)
    written = False

    async def work() -> None:
        nonlocal written
        try:
            signal.raise_signal(stop)
            await asyncio.Event().wait()
        finally:
            for _ in range(3):
                signal.raise_signal(stop)
                await asyncio.sleep(0.01)
            written = True

    assert await until_stopped(work()) == stop
    assert written
    assert signal.getsignal(stop) == before


ENDLESS = """
import asyncio, signal, threading
from bot.cli import stopping

async def work():
    threading.Thread(target=threading.Event().wait).start()
    signal.raise_signal(signal.SIGTERM)
    try:
        await asyncio.Event().wait()
    finally:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.Event().wait()

stopping.GRACE_PERIOD = 0
asyncio.run(stopping.until_stopped(work()))
"""


def test_second_signal_limits_the_time_of_stopping() -> None:
    assert GRACE_PERIOD == 3
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS], capture_output=True, text=True, env=environment(), check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (1, "Stopped before all was written.\n")


@pytest.mark.parametrize(("stop", "status"), [("SIGINT", 130), ("SIGTERM", 0)])
def test_only_sigint_ends_with_the_status_of_ctrl_c(stop: str, status: int) -> None:
    program = (
        "import asyncio, signal, sys\n"
        "from bot.cli.stopping import run_until_stopped\n"
        "async def work():\n"
        f"    signal.raise_signal(signal.{stop})\n"
        "    await asyncio.Event().wait()\n"
        "try:\n"
        "    run_until_stopped(work())\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(130)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], env=environment(), check=False).returncode == status


async def test_work_that_returns_was_not_stopped() -> None:
    async def work() -> None:
        pass

    assert await until_stopped(work()) is None


async def test_work_that_cancels_itself_raises_cancelled_error() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await until_stopped(work())
