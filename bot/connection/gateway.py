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

SILENCE = 38.0
"""Seconds after which a gateway that sends nothing is given up. Discord answers each heartbeat, and they are sent at
least every 21 s, twice as often as Discord asks for, so that the loss of one answer is no loss of the connection."""

FAREWELL = 3.0
"""Seconds that a gateway which was given up has to answer the end of the connection; one that is gone never does."""

LONGEST_PAUSE = 60.0
"""Seconds that a shard waits at most before it connects again."""

FRAMES_AT_ONCE = 16
"""Frames after which other tasks get a turn. Reading a frame that has arrived does not yield to them, so under load
thousands of messages would be in memory before the first of them is handled."""

_STABLE = 60.0  # seconds after which a connection was no failure, so that the next one is made at once
_DISCORDS_OWN = (ReconnectWebSocket, WebSocketClosure, discord.ConnectionClosed, aiohttp.ClientError, OSError)


class Heartbeats(KeepAliveHandler):
    """Sends heartbeats twice as often as Discord asks for, so that silence is noticed before a third is due."""

    def __init__(self, *args: Any, interval: float, **kwargs: Any) -> None:
        super().__init__(*args, interval=interval / 2, **kwargs)

    def get_payload(self) -> dict[str, Any]:
        """Return a heartbeat, and note when it is sent: the answer may be there before discord.py's thread does so."""
        self._last_send = time.perf_counter()
        return super().get_payload()


class Gateway(DiscordWebSocket):
    """Connects again after a frame that discord.py cannot read, where discord.py itself would end the bot.

    It resumes the session, so that Discord sends again what was missed. If the first frame after that cannot be read
    either, the frame itself is broken and Discord would send it for ever, so a new session begins.
    """

    _resumed_at: int | None = None
    _frames = 0

    async def identify(self) -> None:
        """Begin a session."""
        try:
            await super().identify()
        except BaseException:  # as when its turn comes too late: discord.py forgets the connection, but not its thread
            await self._give_up()
            raise

    async def resume(self) -> None:
        """Resume the session of an earlier connection."""
        self._resumed_at = self.sequence
        try:
            await super().resume()
        except BaseException:
            await self._give_up()
            raise

    async def poll_event(self) -> None:
        """Wait for a frame and handle it.

        Raises:
            ReconnectWebSocket: the connection is lost, silent, or sent a frame that cannot be read.
            discord.ConnectionClosed: Discord ended the connection and wants no other.
        """
        try:
            # discord.py notices silence by itself, but then waits for half a minute for an answer to its farewell.
            async with asyncio.timeout(SILENCE + FAREWELL):
                await super().poll_event()
        except TimeoutError:
            await self._give_up()  # if both times are over at once, as after a sleep of this computer, nobody has
            raise ReconnectWebSocket(self.shard_id) from None
        self._frames += 1
        if self._frames % FRAMES_AT_ONCE == 0:
            await asyncio.sleep(0)

    async def _give_up(self) -> None:
        """Close the connection, and do not wait for long for an answer to that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                await self.close()

    async def received_message(self, msg: Any, /) -> None:
        """Handle a frame, or connect again.

        Raises:
            ReconnectWebSocket: the frame cannot be read.
        """
        try:
            await super().received_message(msg)
        except _DISCORDS_OWN:
            raise
        except Exception as error:
            resume = self.session_id is not None and self.sequence != self._resumed_at
            log.warning(
                "Shard %s got a frame from Discord that cannot be read (%s): it connects again.",
                self.shard_id,
                type(error).__name__,
            )
            await self.close()
            raise ReconnectWebSocket(self.shard_id, resume=resume) from None


class ProxiedGateway(Gateway):
    """Connects to a proxy that stands for Discord.

    Frames come without compression, of which the proxy may not know the kind that discord.py prefers. A session is
    resumed at the proxy, which may name the address of Discord itself for that.
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
    """Connects again while the other shards go on, of which discord.py lets each wait for the one before.

    A connection that did not last counts as a failure, after which it waits, longer each time.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._backoff = _Backoff()
        self._connecting: asyncio.Task[None] | None = None
        self._connected_at: float | None = None  # None while there is no connection
        self._reason: ReconnectWebSocket | None = None  # why it connects again, and whether its session goes on

    def launch(self) -> None:
        """Begin to listen."""
        self._connected_at, self._reason = asyncio.get_running_loop().time(), None
        super().launch()

    async def close(self) -> None:
        """Close the connection, be it one that was just being made: discord.py may lose the cancellation of that."""
        if self._connecting:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        await super().close()

    async def reidentify(self, exc: ReconnectWebSocket) -> None:
        """Begin to connect again, to go on with the session or to begin another."""
        self._reason = exc
        self._begin(lambda: self._reidentify(exc))

    async def reconnect(self) -> None:
        """Begin to connect again after a failure to do so.

        discord.py would begin another session, which never hears of what was written meanwhile. The address that
        Discord gave for this session may be what failed, so it goes on at the usual one.
        """
        reason, connect = self._reason, super().reidentify
        if reason is None:
            self._begin(super().reconnect)
            return
        self.ws.gateway = Gateway.DEFAULT_GATEWAY
        self._begin(lambda: connect(reason))

    def _begin(self, connect: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if not self._client.is_closed():  # else `close` has been here already
            self._connecting = asyncio.get_running_loop().create_task(connect())

    async def _reidentify(self, exc: ReconnectWebSocket) -> None:
        connected_at, self._connected_at = self._connected_at, None
        if connected_at is not None and asyncio.get_running_loop().time() - connected_at > _STABLE:
            self._backoff = _Backoff()
        else:
            await asyncio.sleep(self._backoff.delay())
        await super().reidentify(exc)


def use(*, behind_proxy: bool) -> None:
    """Make discord.py connect with these classes; it offers no other way to choose them.

    Args:
        behind_proxy: whether a proxy stands for Discord.
    """
    # The type checker takes the names of classes for constants.
    discord.shard.DiscordWebSocket = ProxiedGateway if behind_proxy else Gateway  # type: ignore[misc]  # on purpose
    discord.shard.Shard = Shard  # type: ignore[misc]  # on purpose
    discord.gateway.KeepAliveHandler = Heartbeats  # type: ignore[assignment, misc]  # on purpose
