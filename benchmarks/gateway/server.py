"""Serve the loopback Discord, and let people act in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import msgspec
from aiohttp import web

from benchmarks.gateway.api import PREFIX, Api
from benchmarks.gateway.contract import Contract
from benchmarks.gateway.protocol import Gateway
from benchmarks.gateway.rest import Interaction, Routes
from benchmarks.gateway.world import ALICE, EPOCH, TOKEN, Channel, User, World

_SHUTDOWN_TIMEOUT = 0.01  # seconds for hanging requests when the API shuts down
_REGISTRATION_TIMEOUT = 30.0  # seconds
_COMMAND, _COMPONENT, _MODAL = 2, 3, 5  # types of interactions
_STRING, _BOOLEAN = 3, 5  # types of a command's options


class Endpoint:
    """A web application on a port of the loopback address, which can be closed and opened again.

    Attributes:
        port: its port, known once it has been opened; it stays the same when it is opened again.
    """

    def __init__(self, make_app: Any, before_answer: Any) -> None:
        self.port = 0
        self._make_app = make_app
        self._before_answer = before_answer
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Start listening."""
        app = self._make_app()
        app.on_response_prepare.append(self._before_answer)
        # Without an access log, which would be mixed with the bot's log.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening: connections are refused."""
        if self._runner:
            await self._runner.cleanup()
        self._runner = None


class LoopbackDiscord:
    """A fake Discord on the loopback address.

    Attributes:
        world: its servers and channels.
        token: of the bot.
        gateway: its gateway, with faults to set.
        api: its REST API, with a fault to set and a record of requests.
        routes: what the bot did with its requests.
        ahead: how far its clock is ahead of this computer's.
        api_endpoint, gateway_endpoint: can be closed and opened again.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        token: str = TOKEN,
        shards: int = 1,
        max_concurrency: int = 1,
        contract: Contract | None = None,
    ) -> None:
        """Create it in a running event loop; `running` serves it.

        Args:
            world: its servers and channels; None for one server with one channel.
            token: of the bot.
            shards: how many shards it recommends.
            max_concurrency: how many shards may identify at once.
            contract: against which all requests are checked; see `find_contract`.
        """
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._epoch = datetime.now(UTC) - timedelta(seconds=loop.time())
        self.ahead = timedelta()
        self.world = world or World()
        self.token = token
        self.gateway = Gateway(self.world, token, self._clock, shards, max_concurrency)
        self.routes = Routes(self.world, self.gateway, self._clock, self.now)
        self.api = Api(self.routes, token, self._clock, self.now, contract)
        self.api_endpoint = Endpoint(self.api.app, self._date)
        self.gateway_endpoint = Endpoint(self._gateway_app, self._date)

    @property
    def api_base(self) -> str:
        """The address of the REST API."""
        return f"http://127.0.0.1:{self.api_endpoint.port}{PREFIX}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve it on free ports during the block."""
        try:
            await self.gateway_endpoint.open()
            self.gateway.url = f"ws://127.0.0.1:{self.gateway_endpoint.port}"
            await self.api_endpoint.open()
            yield
        finally:
            await self.close_gateway()
            await self.api_endpoint.close()

    async def close_gateway(self) -> None:
        """Break all gateway connections and refuse new ones, until `gateway_endpoint` is opened again."""
        self.gateway.cut()
        await self.gateway_endpoint.close()

    def now(self) -> datetime:
        """Return Discord's time, which advances with the event loop's clock."""
        return self._epoch + self.ahead + timedelta(seconds=self._clock())

    # ------------------------------------------------------------ what people do

    async def say(self, text: str, channel: int | Channel = 0, *, author: User = ALICE, age: float = 0.0) -> int:
        """Write a message as a user, and return its id.

        Args:
            text: its text.
            channel: its channel, or the channel's number.
            author: its author.
            age: how many seconds ago it was written.
        """
        place = self._place(channel)
        written = self.now() - timedelta(seconds=age)
        message_id = self.routes.new_id(written)
        message = self.world.message_payload(message_id, place, author, text, written)
        self.routes.remember(message_id, place)
        await self._dispatch_message("MESSAGE_CREATE", message, place)
        return message_id

    async def edit(self, message_id: int, text: str, *, author: User = ALICE) -> None:
        """Edit a message as its author."""
        place, _ = self.routes.messages[message_id]
        written = EPOCH + timedelta(milliseconds=message_id >> 22)
        edited = self.now().isoformat()
        message = self.world.message_payload(message_id, place, author, text, written, edited_timestamp=edited)
        await self._dispatch_message("MESSAGE_UPDATE", message, place)

    async def delete(self, message_id: int) -> None:
        """Delete a message."""
        place, _ = self.routes.messages.pop(message_id)
        data = {"id": str(message_id), "channel_id": str(place.id), **_in_server(place)}
        await self.gateway.dispatch("MESSAGE_DELETE", json.dumps(data), place.guild_id)

    async def react(self, message_id: int, emoji: str, *, user: User = ALICE) -> None:
        """React to a message as a user."""
        place, _ = self.routes.messages[message_id]
        data = self.world.reaction_payload(message_id, place, user, emoji)
        await self.gateway.dispatch("MESSAGE_REACTION_ADD", json.dumps(data), place.guild_id)

    def offers(self, command: str, channel: int | Channel = 0) -> bool:
        """Return whether the bot has registered a slash command, so that people can use it."""
        return self._command(command, self._place(channel)) is not None

    async def slash(
        self, command: str, channel: int | Channel = 0, *, user: User = ALICE, **options: str | bool
    ) -> Interaction:
        """Use a slash command as a user, once the bot has registered it; return the interaction.

        Raises:
            LookupError: the bot did not register the command within half a minute.
        """
        place = self._place(channel)
        offered = await self._offered(command, place)
        given = [
            {"name": name, "type": _BOOLEAN if isinstance(value, bool) else _STRING, "value": value}
            for name, value in options.items()
        ]
        return await self._interact(_COMMAND, {**offered, "options": given}, place, user)

    async def press(self, custom_id: str, answered: Interaction, *, user: User = ALICE) -> Interaction:
        """Press a button of the bot's response as a user; return the new interaction."""
        said = (answered.callback or {}).get("data", {})
        message = self.world.message_payload(
            answered.message_id,
            answered.place,
            self.world.bot,
            said.get("content") or "",
            self.now(),
            components=said.get("components") or [],
            flags=said.get("flags") or 0,
        )
        pressed = {"custom_id": custom_id, "component_type": 2}
        return await self._interact(_COMPONENT, pressed, answered.place, user, message=message)

    # ------------------------------------------------------------ events for the bot

    async def _dispatch_message(self, event: str, message: dict[str, Any], place: Channel) -> None:
        if place.guild_id is None:
            await self.gateway.dispatch(event, json.dumps(message), None)
            return
        member = self.world.member_payload()
        message |= {"guild_id": str(place.guild_id), "member": member}

        def blank() -> str:
            return json.dumps({**message, "content": "", "attachments": [], "embeds": [], "components": []})

        data = msgspec.json.encode(message).decode()  # under load, most of the time goes here
        await self.gateway.dispatch(event, data, place.guild_id, without_content=blank)

    async def _interact(self, kind: int, data: dict[str, Any], place: Channel, user: User, **more: Any) -> Interaction:
        interaction_id = self.routes.new_id()
        interaction = Interaction(interaction_id, f"token-{interaction_id}", place, self.routes.new_id())
        if "message" in more:
            interaction.message_id = int(more["message"]["id"])
        self.routes.interactions[interaction.token] = interaction
        by: dict[str, Any] = {"user": user.payload()}
        if place.guild_id is not None:
            by = {"member": {**self.world.member_payload(user), "permissions": str((1 << 53) - 1)}}
            by |= {"guild_id": str(place.guild_id), "guild_locale": "en-US"}
        payload = {
            "id": str(interaction_id),
            "application_id": str(self.world.application_id),
            "type": kind,
            "data": data,
            "token": interaction.token,
            "version": 1,
            "channel": place.payload(),
            "channel_id": str(place.id),
            "locale": "en-US",
            "app_permissions": str(self.world.permissions),
            "entitlements": [],
            "authorizing_integration_owners": {"0": str(place.guild_id or 0)},
            "context": 0 if place.guild_id else 1,
            "attachment_size_limit": 10_485_760,
            **by,
            **more,
        }
        await self.gateway.dispatch("INTERACTION_CREATE", json.dumps(payload), place.guild_id)
        return interaction

    async def _offered(self, command: str, place: Channel) -> dict[str, Any]:
        """Wait until the bot has registered a command, and return its description for an interaction."""
        try:
            async with asyncio.timeout(_REGISTRATION_TIMEOUT), self.routes.registration:
                while not (offered := self._command(command, place)):
                    await self.routes.registration.wait()
                return offered
        except TimeoutError:
            raise LookupError(f"the bot has registered no command {command}") from None

    def _command(self, name: str, place: Channel) -> dict[str, Any] | None:
        """Return a command's description for an interaction, or None if the bot has not registered it."""
        registered = [*self.routes.commands.get(None, []), *self.routes.commands.get(place.guild_id, [])]
        for command in registered:
            if command["name"] == name:
                return {"id": command["id"], "name": name, "type": command["type"]}
        return None

    def _place(self, channel: int | Channel) -> Channel:
        return self.world.places[channel] if isinstance(channel, int) else channel

    # ------------------------------------------------------------ serving

    def _clock(self) -> float:
        return self._loop.time()  # looked up each time, since tests replace it

    def _gateway_app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/", self.gateway.handle)
        return app

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(self.now(), usegmt=True)


def _in_server(place: Channel) -> dict[str, str]:
    return {} if place.guild_id is None else {"guild_id": str(place.guild_id)}
