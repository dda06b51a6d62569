"""The connection to Discord's gateway, which survives frames that cannot be read."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import aiohttp
import discord
from discord.backoff import ExponentialBackoff
from discord.gateway import DiscordWebSocket, ReconnectWebSocket, WebSocketClosure

log = logging.getLogger(__name__)

_LONGEST_DELAY = 60.0
_DISCORDS_OWN = (ReconnectWebSocket, WebSocketClosure, discord.ConnectionClosed, aiohttp.ClientError, OSError)


class Gateway(DiscordWebSocket):
    """Connects again after a frame that discord.py cannot read, where discord.py itself would end the bot.

    It resumes the session, so that Discord sends again what was missed. If the first frame after that cannot be read
    either, the frame itself is broken and Discord would send it for ever, so a new session begins.
    """

    _backoffs: ClassVar[WeakKeyDictionary[Any, ExponentialBackoff[Any]]] = WeakKeyDictionary()  # by bot
    _resumed_at: int | None = None

    async def resume(self) -> None:
        """Resume the session of an earlier connection."""
        self._resumed_at = self.sequence
        await super().resume()

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
            delay = min(self._backoffs.setdefault(self._connection, ExponentialBackoff()).delay(), _LONGEST_DELAY)
            log.warning(
                "Shard %s got a frame from Discord that cannot be read (%s): it connects again in %.1f s.",
                self.shard_id,
                type(error).__name__,
                delay,
            )
            await self.close()
            await asyncio.sleep(delay)
            raise ReconnectWebSocket(self.shard_id, resume=resume) from None


def use() -> None:
    """Make discord.py connect with this class; it offers no other way to choose one."""
    discord.shard.DiscordWebSocket = Gateway  # type: ignore[misc]
