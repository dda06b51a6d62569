"""The demo's page: SimCord's under our name, without what is for developers, and showing the newest message."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files

import aiohttp
from aiohttp import web
from yarl import URL

_OWN_FILES = {"/emobot.css": "text/css", "/emobot.js": "text/javascript", "/emobot.svg": "image/svg+xml"}
_LARGEST_REQUEST = 32 * 1024**2  # SimCord itself takes files of up to 25 MiB
_OF_ONE_CONNECTION = {"connection", "content-encoding", "content-length", "date", "server", "transfer-encoding"}
"""Headers that each of the two connections, ours and that to SimCord, has for itself."""

_REPLACEMENTS = {
    "<title>SimCord Preview</title>": "<title>Emobot – the demo</title>",
    'aria-label="SimCord preview"': 'aria-label="Emobot"',
    '<span class="brand-mark" aria-hidden="true">S</span>': '<span class="brand-mark" aria-hidden="true"></span>',
    "<strong>SimCord</strong><small>Preview</small>": "<strong>Emobot</strong><small>the demo</small>",
    "End preview session": "End the demo",
    "</head>": '<link rel="icon" href="/emobot.svg"><link rel="stylesheet" href="/emobot.css">'
    '<script type="module" src="/emobot.js"></script></head>',
}


class PortTakenError(Exception):
    """The page cannot be served at the port asked for; its text is one sentence for the user."""


@asynccontextmanager
async def served(original: str, port: int = 0) -> AsyncIterator[str]:
    """Serve the page on this computer as long as the context is open, and yield its address.

    Args:
        original: the address of SimCord's page; its fragment, which is the key to it, is part of ours, too.
        port: where to listen, 0 for any port that is free.

    Raises:
        PortTakenError: another program listens there.
    """
    address = URL(original)
    application = web.Application(client_max_size=_LARGEST_REQUEST)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)

    async def pass_on(request: web.Request) -> web.Response:
        headers = _addressed_to(address.authority, runner.addresses[0][1], request.headers)
        try:
            async with session.request(
                request.method, request.raw_path, headers=headers, data=await request.read()
            ) as response:
                body = await response.read()
        except aiohttp.ClientConnectionError:
            raise web.HTTPGone from None  # the demo was ended, which the page then says
        if request.path == "/":
            body = with_our_name(body.decode()).encode()
        return web.Response(body=body, status=response.status, headers=_passed_on(response.headers))

    application.router.add_routes([web.get(path, _own_file) for path in _OWN_FILES])
    application.router.add_route("*", "/{path:.*}", pass_on)
    async with aiohttp.ClientSession(address.origin()) as session:
        await runner.setup()
        try:
            await _listen(runner, port)
            yield str(address.with_port(runner.addresses[0][1]))
        finally:
            await runner.cleanup()


def with_our_name(html: str) -> str:
    """Return SimCord's page with our title, name, icon, style and script."""
    for theirs, ours in _REPLACEMENTS.items():
        html = html.replace(theirs, ours)
    return html


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError:
        raise PortTakenError(f"Port {port} is taken: choose another one by --port, or leave it out.") from None


async def _own_file(request: web.Request) -> web.Response:
    text = files("bot.cli").joinpath("page", request.path.removeprefix("/")).read_text("utf-8")
    return web.Response(text=text, content_type=_OWN_FILES[request.path])


def _addressed_to(authority: str, our_port: int, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers for SimCord, with its address in place of ours: it answers to no other."""
    ours = re.compile(rf"\b(127\.0\.0\.1|localhost):{our_port}$")
    kept = _passed_on(headers)
    return kept | {name: ours.sub(authority, kept[name]) for name in ("Host", "Origin") if name in kept}


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_ONE_CONNECTION}
