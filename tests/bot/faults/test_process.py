"""What is lost when the process of the bot is stopped or killed, as the name of each test says."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gateway import LoopbackDiscord, World
from bot import Emobot
from classifiers import PRETRAINED
from tests.bot.faults.support import stored_moods
from tests.loopback import environment, until

ROOT = Path(__file__).parents[3]
TEXT = "I am so happy for you, congratulations!"


@pytest.fixture
def world() -> World:
    return World(servers=1, channels=40)


@dataclass
class Process:
    """A bot in another process."""

    process: asyncio.subprocess.Process
    log: Path

    async def end(self, stop: signal.Signals) -> int:
        """Send a signal, and return the exit status."""
        self.process.send_signal(stop)
        return await asyncio.wait_for(self.process.wait(), 60)

    def has_clean_log(self) -> bool:
        """Return whether the log has neither a traceback nor the text of a message."""
        text = self.log.read_text()
        return "Traceback" not in text and "congratulations" not in text


Starter = Callable[[], Awaitable[Process]]


@pytest.fixture
async def start(loopback: LoopbackDiscord, database: Path, tmp_path: Path) -> AsyncIterator[Starter]:
    """Return a function that starts the bot with copies of the shipped models and waits until it is ready."""
    models = shutil.copytree(PRETRAINED, tmp_path / "models")
    variables = {
        **environment(loopback),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": f"sqlite:///{database}",
        "EMOBOT_MODELS": str(models),
        "OMP_NUM_THREADS": "1",
    }
    started: list[Process] = []

    async def start_bot() -> Process:
        before = loopback.gateway.events["GUILD_CREATE"]
        log = tmp_path / f"log {len(started)}"
        with log.open("w") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", env=variables, cwd=tmp_path, stderr=file
            )
        started.append(Process(process, log))
        await until(lambda: loopback.gateway.events["GUILD_CREATE"] > before or process.returncode is not None)
        assert process.returncode is None, log.read_text()
        return started[-1]

    yield start_bot
    for bot in started:
        if bot.process.returncode is None:
            bot.process.kill()
            await bot.process.wait()


@asynccontextmanager
async def burst(loopback: LoopbackDiscord) -> AsyncIterator[list[int]]:
    """Write messages all the time; yield their ids."""
    written: list[int] = []

    async def write() -> None:
        while True:
            written.append(await loopback.say(TEXT, len(written) % 40))
            await asyncio.sleep(0.01)

    writing = asyncio.create_task(write())
    try:
        yield written
    finally:
        writing.cancel()
        await asyncio.wait([writing])


@pytest.mark.slow
async def test_second_sigterm_in_a_burst_loses_no_count(
    start: Starter, loopback: LoopbackDiscord, database: Path
) -> None:
    bot = await start()
    async with burst(loopback):
        await until(lambda: len(loopback.routes.reactions) >= 10)
        bot.process.send_signal(signal.SIGTERM)
        assert await bot.end(signal.SIGTERM) == 0
    reacted = {reaction.message_id for reaction in loopback.routes.reactions}
    assert len(reacted) == len(loopback.routes.reactions)
    assert await stored_moods(database, loopback) >= len(reacted)
    assert bot.has_clean_log(), bot.log.read_text()


@pytest.mark.long
@pytest.mark.slow
async def test_kill_9_loses_only_seconds_of_counts_and_causes_no_second_reaction(
    start: Starter, loopback: LoopbackDiscord, database: Path
) -> None:
    killed = await start()
    async with burst(loopback) as written:
        await until(lambda: len(loopback.routes.reactions) >= 10)
        count = len(written)
        for _ in range(100):  # the bot writes counts that have waited for four seconds
            if await stored_moods(database, loopback) >= count / 2:
                break
            await asyncio.sleep(0.2)
    assert await killed.end(signal.SIGKILL) == -signal.SIGKILL
    assert await stored_moods(database, loopback) >= count / 2
    before = {reaction.message_id for reaction in loopback.routes.reactions}
    await start()
    message_id = await loopback.say(TEXT)
    await until(lambda: message_id in {reaction.message_id for reaction in loopback.routes.reactions})
    ids = [reaction.message_id for reaction in loopback.routes.reactions]
    assert len(ids) == len(set(ids)) == len(before) + 1


@pytest.mark.slow
async def test_replaced_or_deleted_model_files_do_not_affect_the_running_bot(
    start: Starter, loopback: LoopbackDiscord, tmp_path: Path
) -> None:
    bot = await start()
    await loopback.say(TEXT, 0)
    await until(lambda: len(loopback.routes.reactions) == 1)
    for file in (tmp_path / "models").iterdir():
        file.write_bytes(b"replaced")
    shutil.rmtree(tmp_path / "models")
    for channel in range(1, 6):
        await loopback.say(TEXT, channel)
    await until(lambda: len(loopback.routes.reactions) == 6)
    assert await bot.end(signal.SIGTERM) == 0
    assert bot.has_clean_log(), bot.log.read_text()


class TestInThisProcess:
    """Bots in this process that have requests in flight when they are stopped."""

    @pytest.fixture
    def world(self) -> World:
        return World()

    async def test_change_being_saved_at_the_stop_is_kept_without_an_error_in_the_log(
        self,
        running: Emobot,
        loopback: LoopbackDiscord,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        [guild_id], save = loopback.world.guild_ids(), running.store.change_settings

        async def save_and_stop(*arguments: Any, **options: Any) -> None:
            await save(*arguments, **options)
            await running.close()

        monkeypatch.setattr(running.store, "change_settings", save_and_stop)
        caplog.set_level(logging.DEBUG, "bot.errors")
        opened = await loopback.slash("settings")
        await until(lambda: opened.callback)
        pressed = await loopback.press("settings:enabled:off", opened)
        await until(lambda: "was not answered: the bot is stopping" in caplog.text)
        assert pressed.callback is None
        assert not running.store.settings(guild_id).enabled
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []

    async def test_reaction_in_flight_at_the_stop_leaves_no_warning_in_the_log(
        self,
        running: Emobot,
        loopback: LoopbackDiscord,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        ask, outcomes = running.http.add_reaction, running.outcomes

        async def stop_and_ask(*arguments: Any) -> None:
            await running.close()
            await ask(*arguments)

        monkeypatch.setattr(running.http, "add_reaction", stop_and_ask)
        await loopback.say("happy")
        await until(outcomes.total)
        assert dict(outcomes) == {"held back": 1}
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
