"""A PostgreSQL server of one's own, which can be stopped, killed and started again."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

_DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian has the programs, by version, and not on the path."""


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, None if there are none."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


class PostgresServer:
    """A server that listens at a socket in its folder alone."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root

    @property
    def url(self) -> str:
        """The URL of its database, as the bot's setting has it."""
        return f"postgresql+asyncpg://postgres@/postgres?host={self._folder}"

    async def create(self) -> None:
        """Make its files."""
        if self._user:
            shutil.chown(self._folder, "postgres")
        await self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")

    async def start(self) -> None:
        """Start it, and wait until it can be asked."""
        options = f"-c listen_addresses='' -c unix_socket_directories='{self._folder}' -c fsync=off"
        await self._run("pg_ctl", "start", "--wait", f"--log={self._folder / 'log'}", f"--options={options}")

    async def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop it: fast as an upgrade of its package does, or immediate as after a crash."""
        await self._run("pg_ctl", "stop", f"--mode={mode}")

    async def _run(self, program: str, *arguments: str) -> None:
        """Run one of its programs.

        Raises:
            RuntimeError: it failed; the text says why.
        """
        process = await asyncio.create_subprocess_exec(
            self._programs / program,
            f"--pgdata={self._folder / 'data'}",
            *arguments,
            cwd=self._folder,
            stdout=asyncio.subprocess.DEVNULL,  # a pipe would stay open as long as the server
            stderr=asyncio.subprocess.DEVNULL,
            user=self._user,
        )
        if await process.wait():
            raise RuntimeError(f"{program} failed: see {self._folder / 'log'}")


@asynccontextmanager
async def postgres() -> AsyncIterator[PostgresServer]:
    """Serve a new and empty database as long as the context lasts.

    Raises:
        RuntimeError: there are no programs, or they failed.
    """
    programs = find_programs()
    if programs is None:
        raise RuntimeError("there are no programs of PostgreSQL")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = PostgresServer(programs, Path(folder))
        await server.create()
        await server.start()
        try:
            yield server
        finally:
            await server.stop("immediate")
