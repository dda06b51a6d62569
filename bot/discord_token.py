"""Recognise, without asking Discord, whether a text can be a bot's token, or which mistake was made in copying it."""

from __future__ import annotations

import re

EXPECTED = "the token of your bot from the Discord developer portal: three parts with dots between them"

_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)

_WRONG_KIND = "be the token of your bot, not {}: the developer portal shows it once, on the page Bot, after Reset Token"
_QUOTATION_MARKS = "\"'`“”„‘’‚«»"
_MISTAKES = (
    (rf"[{_QUOTATION_MARKS}].*|.*[{_QUOTATION_MARKS}]", "have no quotation marks around it"),
    (r"bot\s.*", 'not have the word "Bot" before it'),
    (r"\d+", _WRONG_KIND.format("the id of the application")),
    (r"[\da-f]{64}", _WRONG_KIND.format("the public key of the application")),
    (r".*(your|token|change.?me).*|<.*>|[x.*_-]+", _WRONG_KIND.format("the placeholder of an example")),
    (r"[\w-]{32}", _WRONG_KIND.format("the client secret of the application")),
)
"""Patterns of whole texts that are not tokens, regardless of case, with a phrase to complete "DISCORD_TOKEN must"."""


class TokenError(ValueError):
    """A text cannot be a bot's token; the message says what to do and repeats nothing of the text."""


def parse_token(text: str) -> str | None:
    """Return the token without surrounding space, or None if there is nothing else.

    Raises:
        TokenError: it cannot be a token; the message completes the sentence "DISCORD_TOKEN must".
    """
    token = text.strip()
    if not token:
        return None
    if _TOKEN.fullmatch(token):
        return token
    for pattern, remedy in _MISTAKES:
        if re.fullmatch(pattern, token, re.IGNORECASE):
            raise TokenError(remedy)
    raise TokenError(f"be {EXPECTED}")
