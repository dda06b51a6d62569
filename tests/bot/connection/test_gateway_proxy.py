from __future__ import annotations

import pytest
from aiohttp import web

from bot.connection.gateway_proxy import fetch_shard_count


@pytest.mark.parametrize(
    ("status", "body", "shard_count"),
    [
        (200, b"16", 16),
        (200, b"0", None),
        (200, b"many", None),
        (200, b"", None),
        (400, b"16", None),
        (200, b"\xff", None),
    ],
)
async def test_proxy_is_recognised_only_by_a_numeric_shard_count(
    status: int, body: bytes, shard_count: int | None
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.router.add_get("/shard-count", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"ws://127.0.0.1:{runner.addresses[0][1]}/any"
    assert await fetch_shard_count(address) == shard_count
    await runner.cleanup()
    assert await fetch_shard_count(address) is None  # nothing listens any more
