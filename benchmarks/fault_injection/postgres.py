"""Start a PostgreSQL server, which can be stopped, killed and started again."""

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
"""The folder in which Debian installs the programs, by version; they are not on the PATH."""


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, or None if they are not installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


class PostgresServer:
    """A server that listens only on a socket in its folder."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root

    @property
    def url(self) -> str:
        """The value of the bot's setting DATABASE_URL."""
        return f"postgresql+asyncpg://postgres@/postgres?host={self._folder}"

    async def create(self) -> None:
        """Create the server's files."""
        if self._user:
            shutil.chown(self._folder, "postgres")
        await self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")

    async def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        options = f"-c listen_addresses='' -c unix_socket_directories='{self._folder}' -c fsync=off"
        await self._run("pg_ctl", "start", "--wait", f"--log={self._folder / 'log'}", f"--options={options}")

    async def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server: "fast" as a package upgrade does, or "immediate" as in a crash."""
        await self._run("pg_ctl", "stop", f"--mode={mode}")

    async def _run(self, program: str, *arguments: str) -> None:
        """Run one of its programs.

        Raises:
            RuntimeError: it failed; the message names its log.
        """
        process = await asyncio.create_subprocess_exec(
            self._programs / program,
            f"--pgdata={self._folder / 'data'}",
            *arguments,
            cwd=self._folder,
            stdout=asyncio.subprocess.DEVNULL,  # the server would keep a pipe open
            stderr=asyncio.subprocess.DEVNULL,
            user=self._user,
        )
        if await process.wait():
            raise RuntimeError(f"{program} failed: see {self._folder / 'log'}")


@asynccontextmanager
async def postgres() -> AsyncIterator[PostgresServer]:
    """Run a server with an empty database during the block.

    Raises:
        RuntimeError: PostgreSQL is not installed, or failed.
    """
    programs = find_programs()
    if programs is None:
        raise RuntimeError("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = PostgresServer(programs, Path(folder))
        await server.create()
        await server.start()
        try:
            yield server
        finally:
            await server.stop("immediate")
