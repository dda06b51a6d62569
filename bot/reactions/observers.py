"""Who is told how the messages of a channel end, as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.reactions.outcomes import Outcome
from bot.reactions.policy import Decision


@dataclass(frozen=True, slots=True)
class Ending:
    """How a message ended; nothing of its text.

    Attributes:
        outcome: the reaction or the reason for none.
        decision: what the policy decided, None if the message did not come so far.
    """

    outcome: Outcome
    decision: Decision | None = None


class Observer(Protocol):
    """Is told of the messages of a channel, but never of those whose authors have opted out."""

    async def ended(self, message_id: int, author_id: int, ending: Ending) -> None:
        """Take how a new or edited message ended."""

    def gone(self, message_id: int) -> None:
        """Forget a message: it was deleted, or its author has opted out."""


class Observers:
    """The observers of each channel."""

    def __init__(self) -> None:
        """Start with none."""
        self._observers: dict[int, list[Observer]] = {}

    def __len__(self) -> int:
        """Return how many channels are observed."""
        return len(self._observers)

    def of(self, channel_id: int) -> Sequence[Observer]:
        """Return those of a channel."""
        return tuple(self._observers.get(channel_id, ()))

    def add(self, channel_id: int, observer: Observer) -> None:
        """Let an observer be told of the messages of a channel from now on."""
        self._observers.setdefault(channel_id, []).append(observer)

    def remove(self, channel_id: int, observer: Observer) -> None:
        """Tell an observer that was added of no further message."""
        observers = self._observers[channel_id]
        observers.remove(observer)
        if not observers:
            del self._observers[channel_id]
