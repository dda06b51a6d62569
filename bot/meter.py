"""The interface through which features report measurements; no input or output."""

from __future__ import annotations

from typing import Literal


class Meter:
    """Receives events as they happen; this base class ignores them.

    Features call it and know nothing else about monitoring. No event is about a person, a message or a server. Values
    that can be looked up at any time, such as the length of a queue, are not reported here.
    """

    def model_answered(self, model: str, texts: int, seconds: float) -> None:
        """Record that a model has read a batch of texts, and how many seconds that took."""

    def reaction_requested(self, delay: float) -> None:
        """Record that a reaction is being requested, and how many seconds after the message was written or edited."""

    def reaction_done(self, action: Literal["add", "remove"]) -> None:
        """Record that Discord has added or removed a reaction."""

    def discord_answered(self, status: int | None) -> None:
        """Record that Discord has answered a request with an HTTP status; None if there was no readable answer."""
