from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from benchmarks.load.process import BotProcess

DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"


async def test_bot_that_ignores_the_stop_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.load.process._EXIT_TIMEOUT", 0.05)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", DEAF, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    await process.stdout.readline()
    with pytest.raises(TimeoutError):
        await BotProcess(process).end()
    assert process.returncode == -signal.SIGKILL
