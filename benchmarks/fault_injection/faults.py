"""Define the faults that can be injected."""

from __future__ import annotations

import asyncio
import resource
import shutil
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import benchmarks.gateway as loopback
from benchmarks.fault_injection.databases import Database, PostgresDatabase, SQLiteFile
from benchmarks.fault_injection.supervisor import Supervisor
from benchmarks.gateway import Garbage, LoopbackDiscord
from classifiers import PRETRAINED

COUNTS_AT_RISK = 6.0
"""Seconds for which the mood counts may be lost when the bot is killed; it writes them every four seconds."""

_MISSING_PERMISSIONS, _UNKNOWN_MESSAGE = 50013, 10008  # Discord's own error codes
_FULL = 4096  # the most bytes in a file when the disk is full
_POLL_INTERVAL, _TRIES = 0.1, 1200  # in all, twice the longest pause before the bot reconnects


@dataclass(frozen=True, slots=True)
class System:
    """The system into which faults are injected.

    Attributes:
        discord: the Discord that the bot is connected to.
        supervisor: runs the bot's process.
        models: the folder with its models.
        database: its database.
        random: chooses how long faults last.
    """

    discord: LoopbackDiscord
    supervisor: Supervisor
    models: Path
    database: Database
    random: Random

    async def pause(self, shortest: float = 1.0, longest: float = 8.0) -> None:
        """Sleep for a random time, in seconds."""
        await asyncio.sleep(self.random.uniform(shortest, longest))


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that can be injected.

    Attributes:
        name: its name.
        inject: causes the fault, and returns when it is over.
        part: the part of the system that it affects; two faults of different parts may happen at once.
        lost_before: seconds before the fault for which mood counts may be lost.
        loses_counts: whether mood counts may be lost until the bot reacts again.
        forgets: whether earlier counts are deleted, so that a message which is edited or deleted later stays counted.
        replays_events: whether the bot gets the events of the meantime afterwards, all at once.
        alone: whether no other fault may happen at the same time.
    """

    name: str
    inject: Callable[[System], Awaitable[None]]
    part: str
    lost_before: float = 0.0
    loses_counts: bool = False
    forgets: bool = False
    replays_events: bool = False
    alone: bool = False


def faults(database: type[Database]) -> list[Fault]:
    """Return all faults that are possible with this kind of database."""
    return [*_OF_GATEWAY, *_OF_API, *_OF_PROCESS, *(_OF_SQLITE if database is SQLiteFile else _OF_POSTGRES)]


# ------------------------------------------------------------ the gateway


async def _cut(system: System, *, mid_frame: bool) -> None:
    system.discord.gateway.cut(mid_frame=mid_frame)


async def _silence(system: System) -> None:
    gateway = system.discord.gateway
    resumed = gateway.resumed
    gateway.silent = True
    await system.pause(2, 40)  # after 38 seconds, the bot reconnects by itself
    gateway.silent = False
    if gateway.resumed < resumed + gateway.shards:  # the bot gets the events of the meantime only when it resumes
        gateway.cut()


async def _refuse_resumption(system: System) -> None:
    gateway = system.discord.gateway
    identified = gateway.identified
    gateway.refuses_resume = True
    gateway.cut()
    for _ in range(_TRIES):
        await asyncio.sleep(_POLL_INTERVAL)
        if gateway.identified >= identified + gateway.shards:
            break
    gateway.refuses_resume = False


async def _ask_to_reconnect(system: System) -> None:
    await system.discord.gateway.request_reconnect()


async def _invalidate(system: System, *, resumable: bool) -> None:
    await system.discord.gateway.invalidate(resumable=resumable)


async def _garble(system: System, kind: Garbage) -> None:
    await system.discord.gateway.send_garbage(kind)


async def _close(system: System, code: int) -> None:
    await system.discord.gateway.close(code)


async def _leave_gateway(system: System) -> None:
    await system.discord.close_gateway()
    await system.pause()
    await system.discord.gateway_endpoint.open()


_CODES = (1000, 1001, 4000, 4002, 4008, 4009)
"""Codes with which the gateway may close a connection and let its session be resumed."""

_OF_GATEWAY = [
    Fault("gateway cut", partial(_cut, mid_frame=False), "gateway", replays_events=True),
    Fault("gateway cut in mid-frame", partial(_cut, mid_frame=True), "gateway", replays_events=True),
    *[
        Fault(f"gateway closes with {code}", partial(_close, code=code), "gateway", replays_events=True)
        for code in _CODES
    ],
    Fault("gateway silent", _silence, "gateway", replays_events=True),
    Fault("gateway away", _leave_gateway, "gateway", replays_events=True),
    Fault("resumption refused", _refuse_resumption, "gateway", loses_counts=True),
    Fault("reconnect request", _ask_to_reconnect, "gateway", replays_events=True),
    Fault("session invalid, to be resumed", partial(_invalidate, resumable=True), "gateway", replays_events=True),
    Fault("session invalid", partial(_invalidate, resumable=False), "gateway", loses_counts=True),
    *[Fault(f"frame: {kind}", partial(_garble, kind=kind), "gateway", replays_events=True) for kind in Garbage],
]

# ------------------------------------------------------------ the API


async def _answer(system: System, answer: loopback.Fault) -> None:
    """Answer all requests like this for a while."""
    system.discord.api.fault = answer
    await system.pause()
    system.discord.api.fault = None


async def _refuse(system: System, answer: loopback.Fault) -> None:
    """Refuse all reactions for a while."""
    system.discord.api.fault = loopback.only("/reactions/", answer)
    await system.pause(3)
    system.discord.api.fault = None


async def _leave_api(system: System) -> None:
    await system.discord.api_endpoint.close()
    await system.pause()
    await system.discord.api_endpoint.open()


async def _reset_token(system: System) -> None:
    """Refuse the token until the bot exits, then start it again, as if it had a new token."""
    system.discord.api.fault = loopback.refused(401)
    await system.supervisor.wait_for_exit()
    await system.pause()
    system.discord.api.fault = None
    system.supervisor.start()


_FAILURES = {
    "500": loopback.status(500),
    "502": loopback.status(502, b"<html>"),
    "503": loopback.status(503),
    "hanging": loopback.hanging(),
    "garbage with 200": loopback.garbled(200),
    "no text with 200": loopback.no_text(200),
}
_REFUSALS = {
    "403": loopback.refused(403, _MISSING_PERMISSIONS),
    "403 with garbage": loopback.garbled(403),
    "404": loopback.refused(404, _UNKNOWN_MESSAGE),
    "429 with garbage": loopback.garbled(429),
    "429 global": loopback.limited("global", 2),
    "429 by route": loopback.limited("user", 0.5),
    "429 shared": loopback.limited("shared", 0.5),
    "429 of Cloudflare": loopback.cloudflare(),
}
_OF_API = [
    *[Fault(f"API: {name}", partial(_answer, answer=answer), "API") for name, answer in _FAILURES.items()],
    *[Fault(f"API: {name}", partial(_refuse, answer=answer), "API") for name, answer in _REFUSALS.items()],
    Fault("API away", _leave_api, "API"),
    Fault("API: 401", _reset_token, "API", lost_before=1.0, loses_counts=True, alone=True),
]

# ------------------------------------------------------------ the process


async def _stop(system: System) -> None:
    await system.supervisor.stop()
    system.supervisor.start()


async def _stop_twice(system: System) -> None:
    stopping = asyncio.create_task(system.supervisor.stop())
    await asyncio.sleep(system.random.uniform(0, 0.1))
    system.supervisor.send(signal.SIGTERM)
    await stopping
    system.supervisor.start()


async def _kill(system: System) -> None:
    system.supervisor.send(signal.SIGKILL)
    await system.supervisor.wait_for_exit()


async def _replace_models(system: System) -> None:
    for file in system.models.iterdir():
        file.write_bytes(b"replaced")
    await system.pause()
    shutil.rmtree(system.models)
    await system.pause()
    shutil.copytree(PRETRAINED, system.models)


async def _jump(system: System, hours: float) -> None:
    """Set this computer's clock forward or back for a while, as the process sees it."""
    await system.supervisor.set_clock(3600 * hours)
    await system.pause()
    await system.supervisor.set_clock(0)


async def _fill_disk(system: System) -> None:
    """Keep the process's files from growing for a while, as on a full disk."""
    if (pid := system.supervisor.pid) is None:
        return
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (_FULL, before[1]))
    await system.pause()
    if system.supervisor.pid == pid:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


_OF_PROCESS = [
    Fault("SIGTERM", _stop, "process", lost_before=1.0, loses_counts=True),
    Fault("SIGTERM twice", _stop_twice, "process", lost_before=1.0, loses_counts=True),
    Fault("kill -9", _kill, "process", lost_before=COUNTS_AT_RISK, loses_counts=True),
    Fault("model files replaced and deleted", _replace_models, "process"),
    Fault("clock an hour ahead", partial(_jump, hours=1), "clock"),
    Fault("clock a day behind", partial(_jump, hours=-24), "clock"),
]

# ------------------------------------------------------------ the database


async def _to_file(system: System, what: Callable[[SQLiteFile], Awaitable[None]]) -> None:
    assert isinstance(system.database, SQLiteFile)  # noqa: S101 - `faults` gives it only faults that it can have
    await what(system.database)


async def _to_server(system: System, what: Callable[[PostgresDatabase], Awaitable[None]]) -> None:
    assert isinstance(system.database, PostgresDatabase)  # noqa: S101 - as above
    await what(system.database)


_OF_SQLITE = [
    Fault("database locked", partial(_to_file, what=lambda file: file.lock(8)), "database"),
    Fault("database read-only", partial(_to_file, what=lambda file: file.forbid_writing(6)), "database"),
    Fault("disk full", _fill_disk, "database"),
    Fault(
        "database deleted",
        partial(_to_file, what=SQLiteFile.delete),
        "database",
        forgets=True,
        alone=True,  # until the file is written again, opt-outs exist only in the process's memory
    ),
    Fault("database replaced by a copy", partial(_to_file, what=SQLiteFile.replace), "database"),
]
_OF_POSTGRES = [
    Fault("database locked", partial(_to_server, what=lambda server: server.lock(8)), "database"),
    Fault("PostgreSQL restarted", partial(_to_server, what=lambda server: server.restart(4)), "database"),
    Fault("PostgreSQL crashed", partial(_to_server, what=PostgresDatabase.crash), "database"),
    Fault("connections ended", partial(_to_server, what=PostgresDatabase.end_connections), "database"),
]


def lost_before(together: Sequence[Fault]) -> float:
    """Return the seconds before these faults for which mood counts may be lost.

    A process that is told to stop writes its counts first, but it cannot if the database fails at the same time.
    """
    longest = max(fault.lost_before for fault in together)
    return COUNTS_AT_RISK if longest and any(fault.part == "database" for fault in together) else longest


def draw_faults(possible: Sequence[Fault], random: Random) -> list[Fault]:
    """Return one random fault, or two that affect different parts."""
    first, second = random.choice(possible), random.choice(possible)
    together = first.part != second.part and not first.alone and not second.alone
    return [first, second] if together else [first]
