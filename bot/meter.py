"""What is told of the bot's work to whoever measures it; no input or output."""

from __future__ import annotations

from typing import Literal


class Meter:
    """Is told what happens as it happens; this one measures nothing.

    Features call it and know no more of monitoring. Nothing that they tell is about a person, a message or a server.
    What somebody can look up at any time, as the length of a queue, is not told but looked up.
    """

    def model_answered(self, model: str, texts: int, seconds: float) -> None:
        """Take that a model has read so many texts at once in so many seconds."""

    def reaction_requested(self, delay: float) -> None:
        """Take that Discord is now being asked for a reaction, so many seconds after the message was written."""

    def reaction_done(self, action: Literal["add", "remove"]) -> None:
        """Take that Discord has added or removed a reaction."""

    def discord_answered(self, status: int | None) -> None:
        """Take that Discord has answered a request with an HTTP status, or with nothing that can be read if None."""
