"""What can befall the bot, by name."""

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
from benchmarks.fault_injection.supervisor import Keeper
from benchmarks.gateway import Garbage, LoopbackDiscord
from classifiers import PRETRAINED

WRITES_WITHIN = 6.0
"""Seconds of counts that the bot loses at most if it is killed: it writes them every four."""

_FORBIDDEN, _GONE = 50013, 10008  # Discord's own error codes
_FULL = 4096  # bytes that a file may have on a full disk
_LOOKS_EVERY, _TRIES = 0.1, 1200  # seconds; the longest pause before another connection takes half of all


@dataclass(frozen=True, slots=True)
class Scene:
    """What a fault can get at.

    Attributes:
        discord: where the bot is.
        keeper: keeps its process alive.
        models: the folder with its models.
        database: what the bot keeps things in.
        random: says how long the fault lasts.
    """

    discord: LoopbackDiscord
    keeper: Keeper
    models: Path
    database: Database
    random: Random

    async def a_while(self, shortest: float = 1.0, longest: float = 8.0) -> None:
        """Let some seconds pass."""
        await asyncio.sleep(self.random.uniform(shortest, longest))


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that befalls the bot.

    Attributes:
        name: what it is called.
        happens: lets it happen, and returns when it is over.
        of: what it befalls; two of different kinds may happen at once.
        lost_before: seconds before it of which counts may be lost.
        lost_meanwhile: whether the counts may be lost of what is written until the bot reacts again.
        forgets: whether the counts so far are gone, so that a message edited or deleted later stays in them.
        replays: whether the bot hears late of what was written meanwhile, and all at once.
        alone: whether nothing else may happen at once.
    """

    name: str
    happens: Callable[[Scene], Awaitable[None]]
    of: str
    lost_before: float = 0.0
    lost_meanwhile: bool = False
    forgets: bool = False
    replays: bool = False
    alone: bool = False


def faults(database: type[Database]) -> list[Fault]:
    """Return all faults that can befall the bot with such a database."""
    return [*_OF_GATEWAY, *_OF_API, *_OF_PROCESS, *(_OF_SQLITE if database is SQLiteFile else _OF_POSTGRES)]


# ------------------------------------------------------------ the gateway


async def _cut(scene: Scene, *, mid_frame: bool) -> None:
    scene.discord.gateway.cut(mid_frame=mid_frame)


async def _silence(scene: Scene) -> None:
    gateway = scene.discord.gateway
    resumed = gateway.resumed
    gateway.silent = True
    await scene.a_while(2, 40)  # with more than 38, the bot gives it up
    gateway.silent = False
    if gateway.resumed < resumed + gateway.shards:  # what was not sent meanwhile comes with a resumption only
        gateway.cut()


async def _refuse_resumption(scene: Scene) -> None:
    gateway = scene.discord.gateway
    identified = gateway.identified
    gateway.refuses_resume = True
    gateway.cut()
    for _ in range(_TRIES):
        await asyncio.sleep(_LOOKS_EVERY)
        if gateway.identified >= identified + gateway.shards:
            break
    gateway.refuses_resume = False


async def _ask_to_reconnect(scene: Scene) -> None:
    await scene.discord.gateway.request_reconnect()


async def _invalidate(scene: Scene, *, resumable: bool) -> None:
    await scene.discord.gateway.invalidate(resumable=resumable)


async def _garble(scene: Scene, kind: Garbage) -> None:
    await scene.discord.gateway.send_garbage(kind)


async def _close(scene: Scene, code: int) -> None:
    await scene.discord.gateway.close(code)


async def _leave_gateway(scene: Scene) -> None:
    await scene.discord.close_gateway()
    await scene.a_while()
    await scene.discord.gateway_endpoint.open()


_CODES = (1000, 1001, 4000, 4002, 4008, 4009)
"""With which the gateway may close a connection whose session goes on."""

_OF_GATEWAY = [
    Fault("gateway cut", partial(_cut, mid_frame=False), "gateway", replays=True),
    Fault("gateway cut in mid-frame", partial(_cut, mid_frame=True), "gateway", replays=True),
    *[Fault(f"gateway closes with {code}", partial(_close, code=code), "gateway", replays=True) for code in _CODES],
    Fault("gateway silent", _silence, "gateway", replays=True),
    Fault("gateway away", _leave_gateway, "gateway", replays=True),
    Fault("resumption refused", _refuse_resumption, "gateway", lost_meanwhile=True),
    Fault("reconnect request", _ask_to_reconnect, "gateway", replays=True),
    Fault("session invalid, to be resumed", partial(_invalidate, resumable=True), "gateway", replays=True),
    Fault("session invalid", partial(_invalidate, resumable=False), "gateway", lost_meanwhile=True),
    *[Fault(f"frame: {kind}", partial(_garble, kind=kind), "gateway", replays=True) for kind in Garbage],
]

# ------------------------------------------------------------ the API


async def _answer(scene: Scene, answer: loopback.Fault) -> None:
    """Answer so, whatever is asked for."""
    scene.discord.api.fault = answer
    await scene.a_while()
    scene.discord.api.fault = None


async def _refuse(scene: Scene, answer: loopback.Fault) -> None:
    """Refuse all reactions."""
    scene.discord.api.fault = loopback.only("/reactions/", answer)
    await scene.a_while(3)
    scene.discord.api.fault = None


async def _leave_api(scene: Scene) -> None:
    await scene.discord.api_endpoint.close()
    await scene.a_while()
    await scene.discord.api_endpoint.open()


async def _reset_token(scene: Scene) -> None:
    """Accept the token no more, until somebody has given the bot another one."""
    scene.discord.api.fault = loopback.refused(401)
    await scene.keeper.ended()
    await scene.a_while()
    scene.discord.api.fault = None
    scene.keeper.start()


_FAILURES = {
    "500": loopback.status(500),
    "502": loopback.status(502, b"<html>"),
    "503": loopback.status(503),
    "hanging": loopback.hanging(),
    "garbage with 200": loopback.garbled(200),
    "no text with 200": loopback.no_text(200),
}
_REFUSALS = {
    "403": loopback.refused(403, _FORBIDDEN),
    "403 with garbage": loopback.garbled(403),
    "404": loopback.refused(404, _GONE),
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
    Fault("API: 401", _reset_token, "API", lost_before=1.0, lost_meanwhile=True, alone=True),
]

# ------------------------------------------------------------ the process


async def _stop(scene: Scene) -> None:
    await scene.keeper.stop()
    scene.keeper.start()


async def _stop_twice(scene: Scene) -> None:
    stopping = asyncio.create_task(scene.keeper.stop())
    await asyncio.sleep(scene.random.uniform(0, 0.1))
    scene.keeper.send(signal.SIGTERM)
    await stopping
    scene.keeper.start()


async def _kill(scene: Scene) -> None:
    scene.keeper.send(signal.SIGKILL)
    await scene.keeper.ended()


async def _replace_models(scene: Scene) -> None:
    for file in scene.models.iterdir():
        file.write_bytes(b"replaced")
    await scene.a_while()
    shutil.rmtree(scene.models)
    await scene.a_while()
    shutil.copytree(PRETRAINED, scene.models)


async def _jump(scene: Scene, hours: float) -> None:
    """Set this computer's clock forward or back, as the process sees it, and right again after a while."""
    await scene.keeper.set_clock(3600 * hours)
    await scene.a_while()
    await scene.keeper.set_clock(0)


async def _fill_disk(scene: Scene) -> None:
    """Let no file of the process grow, as on a full disk."""
    if (pid := scene.keeper.pid) is None:
        return
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (_FULL, before[1]))
    await scene.a_while()
    if scene.keeper.pid == pid:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


_OF_PROCESS = [
    Fault("SIGTERM", _stop, "process", lost_before=1.0, lost_meanwhile=True),
    Fault("SIGTERM twice", _stop_twice, "process", lost_before=1.0, lost_meanwhile=True),
    Fault("kill -9", _kill, "process", lost_before=WRITES_WITHIN, lost_meanwhile=True),
    Fault("model files replaced and deleted", _replace_models, "process"),
    Fault("clock an hour ahead", partial(_jump, hours=1), "clock"),
    Fault("clock a day behind", partial(_jump, hours=-24), "clock"),
]

# ------------------------------------------------------------ the database


async def _happens_to_file(scene: Scene, what: Callable[[SQLiteFile], Awaitable[None]]) -> None:
    assert isinstance(scene.database, SQLiteFile)  # noqa: S101 - see `faults`
    await what(scene.database)


async def _happens_to_server(scene: Scene, what: Callable[[PostgresDatabase], Awaitable[None]]) -> None:
    assert isinstance(scene.database, PostgresDatabase)  # noqa: S101 - see `faults`
    await what(scene.database)


_OF_SQLITE = [
    Fault("database locked", partial(_happens_to_file, what=lambda file: file.lock(8)), "database"),
    Fault("database read-only", partial(_happens_to_file, what=lambda file: file.forbid_writing(6)), "database"),
    Fault("disk full", _fill_disk, "database"),
    Fault(
        "database deleted",
        partial(_happens_to_file, what=SQLiteFile.delete),
        "database",
        forgets=True,
        alone=True,  # for a while, the process alone knows who has opted out
    ),
    Fault("database replaced by a copy", partial(_happens_to_file, what=SQLiteFile.replace), "database"),
]
_OF_POSTGRES = [
    Fault("database locked", partial(_happens_to_server, what=lambda server: server.lock(8)), "database"),
    Fault("PostgreSQL restarted", partial(_happens_to_server, what=lambda server: server.restart(4)), "database"),
    Fault("PostgreSQL crashed", partial(_happens_to_server, what=PostgresDatabase.crash), "database"),
    Fault("connections ended", partial(_happens_to_server, what=PostgresDatabase.end_connections), "database"),
]


def lost_before(together: Sequence[Fault]) -> float:
    """Return the seconds before some faults of which counts may be lost.

    A process that is told to stop writes what waits, but not into a database that fails at the same time.
    """
    longest = max(fault.lost_before for fault in together)
    return WRITES_WITHIN if longest and any(fault.of == "database" for fault in together) else longest


def drawn(among: Sequence[Fault], random: Random) -> list[Fault]:
    """Return one fault, or two that befall different things."""
    first, second = random.choice(among), random.choice(among)
    together = first.of != second.of and not first.alone and not second.alone
    return [first, second] if together else [first]
