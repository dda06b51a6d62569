"""Write messages at a given rate."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterator
from functools import cache

from benchmarks.gateway import LoopbackDiscord
from classifiers.training.datasets import load_dataset

_SEED = 0


class Stream:
    """Writes texts of the dev split of our own chat set, on which no network was trained.

    Attributes:
        written: how many messages were written.
    """

    def __init__(self, discord: LoopbackDiscord) -> None:
        self.written = 0
        self._discord = discord
        self._random = random.Random(_SEED)  # noqa: S311 - not for a secret
        self._texts = _texts(self._random)

    async def write(self, rate: float, seconds: float, channels: range) -> list[int]:
        """Write messages at a rate in random channels for some seconds, and return their ids.

        If the machine is too slow for the rate, this takes longer.
        """
        ids: list[int] = []
        if count := round(rate * seconds):
            async for message_id in self.messages(rate, channels):
                ids.append(message_id)
                if len(ids) == count:
                    break
        return ids

    async def messages(self, rate: float, channels: range) -> AsyncIterator[int]:
        """Write messages at a rate in random channels, without end, and yield their ids."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number in itertools.count():
            await asyncio.sleep(max(start + number / rate - loop.time(), 0))
            message_id = await self._discord.say(next(self._texts), self._random.choice(channels))
            self.written += 1
            yield message_id


def _texts(order: random.Random) -> Iterator[str]:
    """Yield the texts of the dev split in random order, again and again."""
    texts = list(_dev_texts())
    order.shuffle(texts)
    return itertools.cycle(texts)


@cache
def _dev_texts() -> tuple[str, ...]:
    """Return the texts of the dev split; cached, since reading them takes seconds."""
    return tuple(load_dataset("chat").dev.texts)
