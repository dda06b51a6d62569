"""Helpers for the tests of the bot: a stub classifier, and a server with one channel and one member."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import simcord

from bot import Emobot
from bot.reactions.cog import Reactions
from bot.reactions.dislikes import Dislikes
from classifiers import EMOJI, LABELS, Prediction
from classifiers.nn.arrays import Array
from classifiers.nn.batching import PADDING, Batch
from classifiers.text import Tokenizer


def prediction_of(**scores: float) -> Prediction:
    """Return a prediction over all labels: the given probabilities, 0.01 for the rest, every threshold at 0.3."""
    return Prediction(LABELS, tuple(scores.get(label, 0.01) for label in LABELS), (0.3,) * len(LABELS))


@dataclass
class StubClassifier:
    """Returns the prediction of the first word in `predictions` that a text contains, or neutral if it has none."""

    predictions: dict[str, Prediction]
    labels: tuple[str, ...] = LABELS
    batches: list[list[str]] = field(default_factory=list)
    temperature: float = 1.0
    multi_label: bool = True
    emoji: Mapping[str, str] = field(default_factory=lambda: EMOJI)

    @property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer(self.predictions, max_tokens=64)

    def run(self, batch: Batch) -> Array:
        """Return predictions for encoded texts, in which only the words of `predictions` are known."""
        words = ["", "", *self.predictions]
        texts = [" ".join(words[number] for number in column if number != PADDING) for column in batch.ids.T]
        scores = np.array([self._predict(text).scores for text in texts])
        return np.asarray(np.log(scores / (1 - scores)))

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        self.batches.append(list(texts))
        return [self._predict(text) for text in texts]

    def _predict(self, text: str) -> Prediction:
        return next((found for word, found in self.predictions.items() if word in text), prediction_of(neutral=0.9))


PREDICTIONS = {
    "happy": prediction_of(joy=0.9),
    "thanks": prediction_of(gratitude=0.95),
    "hmm": prediction_of(joy=0.45),
    "plain": prediction_of(neutral=0.8, joy=0.6),
    "odd": prediction_of(love=0.8),
}


@dataclass
class World:
    """A bot in a server with one channel and one member."""

    env: simcord.Env
    bot: Emobot
    guild: simcord.GuildHandle
    channel: simcord.ChannelHandle
    alice: simcord.MemberActor

    def emoji_of(self, message: Any, channel: simcord.ChannelHandle | None = None) -> list[str]:
        """Return the reactions that people see on a message."""
        history = (channel or self.channel).history()
        [found] = [other for other in history if other.id == message.id]
        return [str(reaction.emoji) for reaction in found.reactions]

    async def configure(self, **changes: object) -> None:
        """Change the settings of the server, as its owner would."""
        store = self.bot.store
        await store.save_settings(self.guild.id, store.settings(self.guild.id).replace(**changes))

    async def rest(self, seconds: float = 600) -> None:
        """Let time pass without the bot's periodic work, which would take most of the time of a test."""
        for cog in ("Maintenance", "WeeklyMood"):
            await self.bot.remove_cog(cog)
        await self.env.advance_time(seconds)

    async def moods(self, *channel_ids: int) -> dict[str, int]:
        """Return how many messages of the server, or of these channels, were counted with each emotion."""
        counts = await self.bot.store.moods(self.guild.id, datetime.fromtimestamp(0, UTC), channel_ids or None)
        moods: Counter[str] = Counter()
        for count in counts:
            moods[count.emotion] += count.messages
        return {emotion: number for emotion, number in moods.items() if number}

    @property
    def outcomes(self) -> dict[str, int]:
        """Return how often each outcome was counted."""
        return {outcome.value: number for outcome, number in reactions_of(self.bot).outcomes.items()}

    def reaction_requests(self) -> int:
        """Return how many reactions the bot has requested from Discord."""
        return sum(request.method == "PUT" and "/reactions/" in request.path for request in self.env.http_requests)


def database_content(folder: Path) -> bytes:
    """Return the bytes of all files of the database."""
    return b"".join(path.read_bytes() for path in folder.glob("emobot.db*"))


def put_requests(env: simcord.Env) -> list[str]:
    """Return the paths to which the bot has sent PUT requests: it registers its commands with one."""
    return [request.path for request in env.http_requests if request.method == "PUT"]


def reactions_of(bot: Emobot) -> Reactions:
    cog = bot.get_cog("Reactions")
    assert isinstance(cog, Reactions)
    return cog


def dislikes_of(bot: Emobot) -> Dislikes:
    cog = bot.get_cog("Dislikes")
    assert isinstance(cog, Dislikes)
    return cog
