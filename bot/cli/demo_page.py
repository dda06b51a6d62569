"""The demo's page: SimCord's page with our name, colours and controls, and without its tools for developers."""

from __future__ import annotations

import errno
import io
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from html import escape
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import aiohttp
import msgspec
from aiohttp import web
from yarl import URL

from bot.analysis.analyzer import AnalyzerError
from bot.cli.demo_visits import REACTIONS, Demo, Visit
from bot.monitoring.request_log import RequestLog
from bot.reactions.dislikes import DISLIKE

if TYPE_CHECKING:
    import simcord

_CONTENT_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_MAX_REQUEST_SIZE = 32 * 1024**2  # SimCord itself takes files of up to 25 MiB
_HOP_BY_HOP_HEADERS = {"connection", "content-encoding", "content-length", "date", "server", "transfer-encoding"}
"""Headers that belong to one connection, the browser's or SimCord's, and are not passed on."""
_CONTEXT = "X-Simcord-Context"
"""The header in which a page identifies itself."""

_REPLACEMENTS = {
    "<title>SimCord Preview</title>": "<title>Emobot – the demo</title>",
    'aria-label="SimCord preview"': 'aria-label="Emobot"',
    '<span class="brand-mark" aria-hidden="true">S</span>': '<span class="brand-mark" aria-hidden="true"></span>',
    "<strong>SimCord</strong><small>Preview</small>": "<strong>Emobot</strong><small>the demo</small>",
    "End preview session": "End the demo",
    "</head>": '<link rel="icon" href="/emobot.svg"><link rel="stylesheet" href="/theme.css">'
    '<link rel="stylesheet" href="/emobot.css"><script type="module" src="/emobot.js"></script></head>',
    '<span id="action-status"': '<span id="notice" role="status"></span><span id="action-status"',
    '<div id="preview-stage"': '{channels}<div id="preview-stage"',
    '<aside id="inspector-panel"': '{thoughts}<aside id="inspector-panel"',
    "</body>": "{menu}{incomplete}</body>",
}

_WHAT_DISLIKES_DO = ' title="Takes Emobot\'s reaction back, if you wrote the message or are a host"'
_THOUGHTS = """\
<aside class="thoughts" aria-label="What Emobot thinks"><details id="thoughts" open>
<summary>What Emobot thinks <span id="newest-thought"></span></summary>
<ol id="thoughts-list" reversed></ol>
</details></aside>"""

_INCOMPLETE_ADDRESS = """\
<div id="incomplete-address" role="alert" hidden><p>Open the whole address that <code>python -m bot demo</code> printed,
including what follows the #.</p></div>"""

_Body = TypeVar("_Body")
_Id = Annotated[int, msgspec.Meta(ge=0)]


class _Channel(msgspec.Struct):
    """The body of a request to show another channel."""

    channel: _Id


class _Reaction(msgspec.Struct):
    """The body of a request to react to a message."""

    message: _Id
    emoji: str


class _Command(msgspec.Struct):
    """The body of a request to use a command in the menu of a message."""

    message: _Id
    command: str


class _Thoughts(msgspec.Struct):
    """The body of a request for what the bot thinks of messages."""

    messages: frozenset[_Id]


_ACTIONS: dict[str, type[_Channel | _Reaction | _Command | _Thoughts]] = {
    "channel": _Channel,
    "reaction": _Reaction,
    "command": _Command,
    "thoughts": _Thoughts,
}
"""The actions for which SimCord's page has no control, each with the body of its request."""


class PortError(Exception):
    """The page cannot be served at the requested port; the text is one sentence for the user."""


@asynccontextmanager
async def serve(demo: Demo, port: int = 0) -> AsyncIterator[str]:
    """Serve the page on this computer while the context is open, and yield its address.

    Args:
        demo: what is shown. The fragment of SimCord's address, which is the key to it, is part of our address, too.
        port: where to listen; 0 for any free port.

    Raises:
        PortError: another program listens there, or the user has no permission to.
    """
    address = URL(demo.preview.url)
    async with aiohttp.ClientSession() as session:
        site = _Site(demo, session, address)
        runner = web.AppRunner(site.application(), access_log=None, logger=RequestLog(), shutdown_timeout=1)
        await runner.setup()
        try:
            await _listen(runner, port)
            yield str(address.with_port(runner.addresses[0][1]))
        finally:
            await runner.cleanup()


class _Site:
    """Answers the browser with our own files, with the result of an action of `Demo`, or with SimCord's answer."""

    def __init__(self, demo: Demo, session: aiohttp.ClientSession, address: URL) -> None:
        self._demo = demo
        self._session = session
        self._address = address

    def application(self) -> web.Application:
        application = web.Application(client_max_size=_MAX_REQUEST_SIZE)
        ours = [file.name for file in files("bot.cli").joinpath("page").iterdir()]
        application.router.add_routes([web.get(f"/{name}", _own_file) for name in ours])
        application.router.add_post(f"/demo/{{action:{'|'.join(_ACTIONS)}}}", self._perform_action)
        application.router.add_post("/api/{what:pages|action}", self._forward_in_turn)
        application.router.add_route("*", "/{path:.*}", self._forward)
        return application

    async def _forward_in_turn(self, request: web.Request) -> web.Response:
        """Pass an action on to SimCord, in the channel of the page that sent it."""
        if not request.content_type.startswith("multipart/"):
            _decode(await _read_body(request), dict[str, Any])
        async with self._demo.turn(request.headers.get(_CONTEXT)):
            return await self._forward(request)

    async def _forward(self, request: web.Request) -> web.Response:
        path, sent = request.rel_url.raw_path_qs, await _read_body(request)
        status, headers, body = await self._request_simcord(request, request.method, path, sent)
        if request.path == "/":
            body = our_page(body.decode(), self._demo.channels, self._demo.commands).encode()
        return web.Response(body=body, status=status, headers=headers)

    async def _perform_action(self, request: web.Request) -> web.Response:
        """Carry out an action for which SimCord's page has no control."""
        visit = await self._visit(request)
        action = _decode(await _read_body(request), _ACTIONS[request.match_info["action"]])
        answer: object = {}
        try:
            match action:
                case _Channel():
                    await self._demo.move(visit, action.channel)
                case _Reaction():
                    await self._demo.react(visit, action.message, action.emoji)
                case _Command():
                    await self._demo.use_command(visit, action.message, action.command)
                case _Thoughts():
                    answer = await self._demo.thoughts(visit, action.messages)
        except LookupError:
            raise web.HTTPNotFound(text="The page shows no such thing.") from None
        except AnalyzerError:
            raise web.HTTPServiceUnavailable from None  # the page asks again
        return web.json_response(answer)

    async def _visit(self, request: web.Request) -> Visit:
        """Return the visit of the page that sent a request, which SimCord gives only to those who may use the demo."""
        status, _, body = await self._request_simcord(request, "GET", "/api/state")
        if status != 200:
            raise web.HTTPUnauthorized
        shown = json.loads(body)
        return Visit(request.headers[_CONTEXT], int(shown["viewerId"]), int(shown["channelId"]))

    async def _request_simcord(
        self, request: web.Request, method: str, path: str, data: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send SimCord a request with the headers of the browser's; return status, headers and body."""
        our_port = request.transport.get_extra_info("sockname")[1] if request.transport else 0
        headers = _rewrite_addresses(self._address.authority, our_port, request.headers)
        address = URL(f"{self._address.origin()}{path}", encoded=True)
        body = io.BytesIO(data) if data else None  # from a file, aiohttp sends a large body piece by piece
        try:
            async with self._session.request(method, address, headers=headers, data=body) as response:
                return response.status, _without_hop_by_hop(response.headers), await response.read()
        except aiohttp.ClientConnectionError:
            raise web.HTTPGone from None  # the demo was ended, which the page then says


def our_page(html: str, channels: Iterable[simcord.ChannelHandle] = (), commands: Iterable[str] = ()) -> str:
    """Return SimCord's page with our title, name, icon, styles and scripts, and with our additional controls.

    Args:
        html: SimCord's page.
        channels: the channels.
        commands: the names of the commands in the menu of a message.
    """
    for theirs, ours in _REPLACEMENTS.items():
        html = html.replace(theirs, ours)
    parts = {
        "{channels}": _channel_list(channels),
        "{thoughts}": _THOUGHTS,
        "{menu}": _message_menu(commands),
        "{incomplete}": _INCOMPLETE_ADDRESS,
    }
    for place, part in parts.items():
        html = html.replace(place, part)
    return html


def _channel_list(channels: Iterable[simcord.ChannelHandle]) -> str:
    items = "".join(
        f'<button type="button" data-channel="{channel.id}">{escape(channel.name or "")}</button>'
        for channel in channels
    )
    return f'<nav id="channels" aria-labelledby="channels-heading"><h2 id="channels-heading">Channels</h2>{items}</nav>'


def _message_menu(commands: Iterable[str]) -> str:
    reactions = "".join(
        f'<button type="button" role="menuitem" tabindex="-1" data-emoji="{emoji}" aria-label="React with {emoji}"'
        f"{_WHAT_DISLIKES_DO if emoji == DISLIKE else ''}>{emoji}</button>"
        for emoji in REACTIONS
    )
    apps = "".join(
        f'<button type="button" role="menuitem" tabindex="-1" data-command="{escape(name)}">{escape(name)}</button>'
        for name in commands
    )
    return (
        '<div id="message-menu" role="menu" aria-label="Reactions and apps" popover>'
        f'<div role="group" aria-label="Reactions">{reactions}</div><div role="group" aria-label="Apps">{apps}</div>'
        "</div>"
    )


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else "may not be opened"
        raise PortError(f"Port {port} {why}: choose another one with --port, or leave it out.") from None


async def _read_body(request: web.Request) -> bytes:
    """Return the body of a request.

    Raises:
        web.HTTPBadRequest: it is not encoded as its headers say.
    """
    try:
        return await request.read()
    except web.RequestPayloadError:
        raise web.HTTPBadRequest(text="The body is not encoded as its headers say.") from None


def _decode(body: bytes, form: type[_Body]) -> _Body:
    """Return the JSON in a body, in which numbers may be in quotation marks.

    Raises:
        web.HTTPBadRequest: it is something else.
    """
    try:
        return msgspec.json.decode(body, type=form, strict=False)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise web.HTTPBadRequest(text=f"The body cannot be used: {error}.") from None


async def _own_file(request: web.Request) -> web.Response:
    text = files("bot.cli").joinpath("page", request.path.removeprefix("/")).read_text("utf-8")
    return web.Response(text=text, content_type=_CONTENT_TYPES[PurePath(request.path).suffix])


def _rewrite_addresses(authority: str, our_port: int, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers for SimCord with its own address instead of ours, since it accepts no other."""
    ours = re.compile(rf"\b(127\.0\.0\.1|localhost):{our_port}$")
    kept = _without_hop_by_hop(headers)
    return kept | {name: ours.sub(authority, kept[name]) for name in ("Host", "Origin") if name in kept}


def _without_hop_by_hop(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP_HEADERS}
