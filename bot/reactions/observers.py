"""Observers of channels, which are told at once what became of each message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.reactions.outcomes import Outcome
from bot.reactions.policy import Decision


@dataclass(frozen=True, slots=True)
class MessageResult:
    """What became of a message that was handled, without its text.

    Attributes:
        outcome: the reaction or the reason for none.
        decision: what the policy decided; None if the message did not get that far.
    """

    outcome: Outcome
    decision: Decision | None = None


class Observer(Protocol):
    """Is told about the messages of a channel, but never about those whose authors have opted out."""

    async def message_handled(self, message_id: int, author_id: int, result: MessageResult) -> None:
        """Receive what became of a new or edited message."""

    def message_removed(self, message_id: int) -> None:
        """Forget a message: it was deleted, or its author has opted out."""


class Observers:
    """The observers of each channel."""

    def __init__(self) -> None:
        """Start with none."""
        self._observers: dict[int, list[Observer]] = {}

    def __len__(self) -> int:
        """Return how many channels are observed."""
        return len(self._observers)

    def in_channel(self, channel_id: int) -> Sequence[Observer]:
        """Return the observers of a channel."""
        return tuple(self._observers.get(channel_id, ()))

    def add(self, channel_id: int, observer: Observer) -> None:
        """Tell an observer about the messages of a channel from now on."""
        self._observers.setdefault(channel_id, []).append(observer)

    def remove(self, channel_id: int, observer: Observer) -> None:
        """Stop telling an observer about the messages of a channel."""
        observers = self._observers[channel_id]
        observers.remove(observer)
        if not observers:
            del self._observers[channel_id]
