"""A proxy that holds the sessions with Discord, such as gateway-proxy, so that the bot need not start any itself."""

from __future__ import annotations

import aiohttp
from yarl import URL

_TIMEOUT = aiohttp.ClientTimeout(total=5)
_SCHEMES = {"ws": "http", "wss": "https"}


async def shards_held(gateway_url: str) -> int | None:
    """Return how many shards the proxy at an address holds; None if it does not say, like older releases.

    Args:
        gateway_url: the address at which bots connect to it.
    """
    address = URL(gateway_url)
    question = address.with_scheme(_SCHEMES[address.scheme]).with_path("/shard-count")
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, session.get(question) as answer:
            said = await answer.text()
    except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
        return None
    is_number = said.isascii() and said.isdigit() and len(said) < 7
    return (int(said) or None) if answer.status == 200 and is_number else None
