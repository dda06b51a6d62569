"""What people write under load, where, and how fast."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator

from benchmarks.gateway import LoopbackDiscord
from classifiers.training.datasets import load_dataset

_SEED = 0


class Stream:
    """People who write one message after the other: texts of our own chat set, which no network was trained on.

    Attributes:
        written: how many messages they have written.
    """

    def __init__(self, discord: LoopbackDiscord) -> None:
        self.written = 0
        self._discord = discord
        self._random = random.Random(_SEED)  # noqa: S311 - not for a secret
        self._texts = _texts(self._random)

    async def write(self, rate: float, seconds: float, channels: range) -> list[int]:
        """Let people write at a rate for some seconds, here and there in the channels; return the ids of the messages.

        Where the machine is too slow for the rate, it takes longer.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        ids = []
        for number in range(round(rate * seconds)):
            await asyncio.sleep(max(start + number / rate - loop.time(), 0))
            ids.append(await self._discord.say(next(self._texts), self._random.choice(channels)))
            self.written += 1
        return ids


def _texts(order: random.Random) -> Iterator[str]:
    """Yield the texts for development in random order, again and again."""
    dev = list(load_dataset("chat").dev.texts)
    order.shuffle(dev)
    return itertools.cycle(dev)
