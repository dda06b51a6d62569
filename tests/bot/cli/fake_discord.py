"""Enough of Discord for a bot to log in, over real HTTP and a real websocket."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import discord
import yarl
from aiohttp import WSMsgType, web


class FakeDiscord:
    """Enough of Discord, over real HTTP and a real websocket, for a bot to log in or to be turned away."""

    def __init__(self) -> None:
        self.url = yarl.URL()
        self.login = 200
        self.application_flags = discord.ApplicationFlags(gateway_message_content_limited=True).value
        self.close_code = 4014
        self.ahead = timedelta()
        self.asked: list[str] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/gateway", self.gateway)
        app.router.add_route("*", "/{path:.*}", self.answer)
        return app

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        replies: dict[str, Any] = {
            "GET /users/@me": {"id": "1", "username": "Emobot", "discriminator": "0", "avatar": None},
            "GET /oauth2/applications/@me": {
                **{"id": "2", "name": "Emobot", "description": "", "icon": None, "bot_public": True},
                **{"bot_require_code_grant": False, "verify_key": "", "flags": self.application_flags},
                "owner": {"id": "3", "username": "alice", "discriminator": "0", "avatar": None},
            },
            "GET /gateway/bot": {
                "url": str(self.url),
                "shards": 1,
                "session_start_limit": {"total": 1, "remaining": 1, "reset_after": 0, "max_concurrency": 1},
            },
        }
        body = json.dumps(replies.get(self.asked[-1], [])).encode()
        date = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
        return web.Response(body=body, content_type="application/json", status=self.login, headers={"Date": date})

    async def gateway(self, request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        await connection.send_json({"op": 10, "d": {"heartbeat_interval": 40000}, "s": None, "t": None})
        async for message in connection:
            if message.type is WSMsgType.TEXT and message.json()["op"] == 2:
                await connection.close(code=self.close_code)
        return connection
