"""A proxy that holds the sessions with Discord, such as gateway-proxy, so that the bot need not start any itself."""

from __future__ import annotations

import aiohttp
from yarl import URL

_TIMEOUT = aiohttp.ClientTimeout(total=5)
_SCHEMES = {"ws": "http", "wss": "https"}


async def fetch_shard_count(gateway_url: str) -> int | None:
    """Return how many shards the proxy at an address holds; None if it does not say, like older releases.

    Args:
        gateway_url: the address at which bots connect to it.
    """
    address = URL(gateway_url)
    url = address.with_scheme(_SCHEMES[address.scheme]).with_path("/shard-count")
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, session.get(url) as response:
            text = await response.text()
    except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
        return None
    is_number = text.isascii() and text.isdigit() and len(text) < 7
    return (int(text) or None) if response.status == 200 and is_number else None
