"""The connection to Discord's gateway, which survives frames that cannot be read, silence and failing shards."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Self

import aiohttp
import discord
from discord.backoff import ExponentialBackoff
from discord.gateway import DiscordWebSocket, KeepAliveHandler, ReconnectWebSocket, WebSocketClosure

log = logging.getLogger(__name__)

SILENCE_TIMEOUT = 38.0
"""Seconds of silence after which the connection is given up. Discord answers each heartbeat, and heartbeats are sent at
least every 21 s, twice as often as Discord demands, so that one lost answer does not cost the connection."""

CLOSE_TIMEOUT = 3.0
"""Seconds to wait for the gateway's answer when a connection is closed; a gateway that is gone never answers."""

LONGEST_PAUSE = 60.0
"""The most seconds that a shard waits before it reconnects."""

FRAMES_PER_TURN = 16
"""Frames after which other tasks get a turn. Reading a frame that has already arrived does not yield, so under
load thousands of messages would be in memory before the first of them is handled."""

_STABLE = 60.0  # seconds that a connection must last for the next one to be made at once
_STABLE_IN_SESSION = 10.0  # the same where the session continues, which Discord allows at any time
_HANDLED_BY_DISCORD_PY = (ReconnectWebSocket, WebSocketClosure, discord.ConnectionClosed, aiohttp.ClientError, OSError)


class Heartbeats(KeepAliveHandler):
    """Sends heartbeats twice as often as Discord demands, so that silence is noticed before a third one is due."""

    def __init__(self, *args: Any, interval: float, **kwargs: Any) -> None:
        super().__init__(*args, interval=interval / 2, **kwargs)

    def get_payload(self) -> dict[str, Any]:
        """Return a heartbeat, and note its time now: the answer may arrive before discord.py's thread does so."""
        self._last_send = time.perf_counter()
        return super().get_payload()


class Gateway(DiscordWebSocket):
    """Reconnects after a frame that discord.py cannot read, which would otherwise end the bot.

    It resumes the session, so that Discord sends what was missed. If the first frame after that cannot be read either,
    the frame itself is broken and Discord would send it again each time, so a new session is started.
    """

    _resumed_at: int | None = None
    _frames = 0

    async def identify(self) -> None:
        """Begin a session."""
        try:
            await super().identify()
        except BaseException:  # such as a turn that comes too late; discord.py forgets the connection, not its thread
            await self.close()
            raise

    async def resume(self) -> None:
        """Resume the session of an earlier connection."""
        self._resumed_at = self.sequence
        try:
            await super().resume()
        except BaseException:
            await self.close()
            raise

    async def poll_event(self) -> None:
        """Wait for a frame and handle it.

        Raises:
            ReconnectWebSocket: the connection is lost, silent, or sent a frame that cannot be read.
            discord.ConnectionClosed: Discord closed the connection and does not want another.
        """
        await super().poll_event()
        self._frames += 1
        if self._frames % FRAMES_PER_TURN == 0:
            await asyncio.sleep(0)

    async def close(self, code: int = 4000) -> None:
        """Close the connection without waiting for an answer as long as discord.py does: half a minute."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await super().close(code)

    async def received_message(self, msg: Any, /) -> None:
        """Handle a frame, or reconnect if it cannot be read.

        Raises:
            ReconnectWebSocket: the frame cannot be read.
        """
        try:
            await super().received_message(msg)
        except _HANDLED_BY_DISCORD_PY:
            raise
        except Exception as error:
            resume = self.session_id is not None and self.sequence != self._resumed_at
            log.warning(
                "Shard %s got a frame from Discord that cannot be read (%s): it reconnects.",
                self.shard_id,
                type(error).__name__,
            )
            await self.close()
            raise ReconnectWebSocket(self.shard_id, resume=resume) from None


class ProxiedGateway(Gateway):
    """Connects to a proxy instead of Discord.

    Frames come uncompressed, since the proxy may not know the compression that discord.py prefers. Sessions are resumed
    at the proxy, even if it names Discord's own address for that.
    """

    @classmethod
    async def from_client(cls, client: discord.Client, **options: Any) -> Self:
        """Connect, and begin or resume a session."""
        return await super().from_client(client, **{**options, "gateway": None, "compress": False})

    async def send_as_json(self, data: Any) -> None:
        """Send a frame."""
        if data["op"] == self.IDENTIFY:
            data["d"]["compress"] = False
        await super().send_as_json(data)


class _Backoff(ExponentialBackoff[Any]):
    def delay(self) -> Any:
        return min(super().delay(), LONGEST_PAUSE)


class Shard(discord.shard.Shard):
    """Reconnects while the other shards carry on, whereas discord.py reconnects one shard at a time.

    After a connection that did not last, it waits before the next attempt, longer each time.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._backoff = _Backoff()
        self._connecting: asyncio.Task[None] | None = None
        self._connected_at: float | None = None  # None while there is no connection
        self._reason: ReconnectWebSocket | None = None  # why it reconnects, and whether it resumes its session

    def launch(self) -> None:
        """Start to receive frames."""
        self._connected_at, self._reason = asyncio.get_running_loop().time(), None
        super().launch()

    async def close(self) -> None:
        """Close the connection, even one that is just being made, whose cancellation discord.py may lose."""
        if self._connecting:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        await super().close()

    async def reidentify(self, exc: ReconnectWebSocket) -> None:
        """Start to reconnect, to resume the session or to start another."""
        self._reason = exc
        self._begin(lambda: self._reidentify(exc))

    async def reconnect(self) -> None:
        """Start another attempt after one that failed.

        discord.py would start a new session, which never receives what was written in the meantime. The address that
        Discord gave for this session may be what failed, so the attempt uses the default one.
        """
        reason, connect = self._reason, super().reidentify
        if reason is None:
            self._begin(super().reconnect)
            return
        self.ws.gateway = Gateway.DEFAULT_GATEWAY
        self._begin(lambda: connect(reason))

    def _begin(self, connect: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if not self._client.is_closed():  # otherwise `close` has already done this
            self._connecting = asyncio.get_running_loop().create_task(connect())

    async def _reidentify(self, exc: ReconnectWebSocket) -> None:
        now = asyncio.get_running_loop().time()
        lasted = 0.0 if self._connected_at is None else now - self._connected_at
        self._connected_at = None
        if lasted > _STABLE:
            self._backoff = _Backoff()
        elif not exc.resume or lasted <= _STABLE_IN_SESSION:
            await asyncio.sleep(self._backoff.delay())
        await super().reidentify(exc)


def use(*, behind_proxy: bool) -> None:
    """Make discord.py connect with these classes; it offers no other way to choose them.

    Args:
        behind_proxy: whether the bot connects to a proxy instead of Discord.
    """
    # To the type checker, names of classes are constants.
    discord.shard.DiscordWebSocket = ProxiedGateway if behind_proxy else Gateway  # type: ignore[misc]  # on purpose
    discord.shard.Shard = Shard  # type: ignore[misc]  # on purpose
    discord.gateway.KeepAliveHandler = Heartbeats  # type: ignore[assignment, misc]  # on purpose
