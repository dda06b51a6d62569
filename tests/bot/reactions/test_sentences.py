from __future__ import annotations

import pytest

from bot.i18n import translator
from bot.reactions.outcomes import Outcome
from bot.reactions.pace import PROFILES
from bot.reactions.policy import Decision
from bot.reactions.sentences import certainty_and_required
from bot.server_settings import Liveliness


@pytest.mark.parametrize(
    ("certainty", "required", "shown"),
    [
        (0.6, 0.75, ("60%", "75%")),
        (0.746, 0.75, ("74.6%", "75%")),
        (0.74999, 0.75, ("74.9%", "75%")),
        (0.7461, 0.7462, ("74.6%", "74.7%")),
        (0.5699, 0.57, ("56.9%", "57%")),
        (0.5801, 0.582, ("58%", "58.2%")),
        (0.9996, 1.0, ("99.9%", "100%")),
        (0.75, 0.75, ("75%", "75%")),
        (0.7502, 0.7501, ("75%", "75%")),
    ],
)
def test_certainty_that_is_too_low_looks_lower_than_the_required_one(
    certainty: float, required: float, shown: tuple[str, str]
) -> None:
    reason = Outcome.UNSURE if certainty < required else None
    decision = Decision(None, "joy", certainty, required, reason, PROFILES[Liveliness.NORMAL])
    assert certainty_and_required(decision, translator(None)) == shown
