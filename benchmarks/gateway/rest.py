"""Handle the REST routes that the bot uses."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from aiohttp import web

from benchmarks.gateway.faults import json_answer, refusal
from benchmarks.gateway.protocol import Gateway
from benchmarks.gateway.world import Channel, World, snowflake

MAX_MESSAGES = 100_000
"""The number of messages that are kept; the routes treat older ones as unknown."""

MAX_GUILDS = 200
"""The most servers of the bot in one answer."""

REACTION = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me"
MESSAGES = "/channels/{channel_id}/messages"
FOLLOWUP = "/webhooks/{webhook_id}/{webhook_token}"
ORIGINAL = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
_COMMANDS = "/applications/{application_id}/commands"
_COMMANDS_OF_SERVER = "/applications/{application_id}/guilds/{guild_id}/commands"

Handler = Callable[[web.Request], Awaitable[web.Response]]

_MESSAGE, _DEFERRED_MESSAGE, _UPDATE = 4, 5, 7  # types of responses to interactions


class Reaction(NamedTuple):
    """A reaction that the bot added.

    Attributes:
        message_id: the message.
        emoji: as people see it.
        at: when the request arrived, by the clock of the loopback Discord.
    """

    message_id: int
    emoji: str
    at: float


class Sent(NamedTuple):
    """A message's channel, and when it was sent by the clock of the loopback Discord."""

    place: Channel
    at: float


@dataclass
class Interaction:
    """Someone's use of a command, a menu or a button.

    Attributes:
        id, token: with which the bot responds.
        place: the channel.
        message_id: of the bot's response, or of the message with the button.
        callback: the bot's first response, or None if there is none yet.
        edits: the bot's edits of that message.
        followups: the bot's further messages.
    """

    id: int
    token: str
    place: Channel
    message_id: int
    callback: dict[str, Any] | None = None
    edits: list[dict[str, Any]] = field(default_factory=list)
    followups: list[dict[str, Any]] = field(default_factory=list)


class Routes:
    """The handlers of the routes, and what the bot did with them.

    Attributes:
        reactions: those that the bot added, in order, including those that it removed again.
        removed: message and emoji of each reaction that it removed.
        commands: those that it registered, by server, or under None for all servers.
        registration: notified whenever it registers commands.
        interactions: all interactions, by token.
        messages: those that are kept, by id.
    """

    def __init__(self, world: World, gateway: Gateway, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        """Start with no message.

        Args:
            world: the servers and channels.
            gateway: sends the bot the events that its requests cause.
            clock: seconds.
            now: Discord's time.
        """
        self.reactions: list[Reaction] = []
        self.removed: list[tuple[int, str]] = []
        self.commands: dict[int | None, list[dict[str, Any]]] = {}
        self.registration = asyncio.Condition()
        self.interactions: dict[str, Interaction] = {}
        self.messages: OrderedDict[int, Sent] = OrderedDict()
        self._world = world
        self._gateway = gateway
        self._clock = clock
        self._now = now
        self._numbers = itertools.count(1)

    def new_id(self, moment: datetime | None = None) -> int:
        """Return a new id with this time in it, or with the current time."""
        return snowflake(moment or self._now(), next(self._numbers))

    def remember(self, message_id: int, place: Channel) -> None:
        """Keep a message that is sent now, and drop the oldest if there are too many."""
        self.messages[message_id] = Sent(place, self._clock())
        if len(self.messages) > MAX_MESSAGES:
            self.messages.popitem(last=False)

    def handlers(self) -> dict[tuple[str, str], Handler]:
        """Return the handler of each route, by method and path as in Discord's description."""
        return {
            ("GET", "/gateway/bot"): self._bot_gateway,
            ("GET", "/users/@me"): self._me,
            ("GET", "/users/@me/guilds"): self._my_guilds,
            ("POST", "/users/@me/channels"): self._direct_channel,
            ("GET", "/applications/@me"): self._application,
            ("GET", "/oauth2/applications/@me"): self._application,
            ("GET", _COMMANDS): self._get_commands,
            ("PUT", _COMMANDS): self._put_commands,
            ("GET", _COMMANDS_OF_SERVER): self._get_commands,
            ("PUT", _COMMANDS_OF_SERVER): self._put_commands,
            ("GET", "/channels/{channel_id}"): self._channel,
            ("POST", MESSAGES): self._post_message,
            ("PUT", REACTION): self._add_reaction,
            ("DELETE", REACTION): self._remove_reaction,
            ("POST", CALLBACK): self._callback,
            ("POST", FOLLOWUP): self._follow_up,
            ("GET", ORIGINAL): self._original,
            ("PATCH", ORIGINAL): self._edit_original,
        }

    # ------------------------------------------------------------ the bot and its application

    async def _bot_gateway(self, _: web.Request) -> web.Response:
        gateway = self._gateway
        start = {
            "total": 1000,
            "remaining": gateway.starts_left,
            "reset_after": 0,
            "max_concurrency": gateway.max_concurrency,
        }
        return json_answer({"url": gateway.url, "shards": gateway.shards, "session_start_limit": start})

    async def _me(self, _: web.Request) -> web.Response:
        return json_answer({**self._world.bot.payload(), "mfa_enabled": False, "locale": "en-US", "verified": True})

    async def _my_guilds(self, request: web.Request) -> web.Response:
        after, limit = int(request.query.get("after", 0)), int(request.query.get("limit", MAX_GUILDS))
        guild_ids = [guild_id for guild_id in self._world.guild_ids() if guild_id > after]
        guild: dict[str, Any] = {"icon": None, "banner": None, "owner": False, "features": []}
        return json_answer(
            [
                {
                    **guild,
                    "id": str(guild_id),
                    "name": f"server {guild_id}",
                    "permissions": str(self._world.permissions),
                }
                for guild_id in guild_ids[:limit]
            ]
        )

    async def _application(self, _: web.Request) -> web.Response:
        return json_answer(self._world.application_payload())

    async def _get_commands(self, request: web.Request) -> web.Response:
        return json_answer(self.commands.get(_guild_of(request), []))

    async def _put_commands(self, request: web.Request) -> web.Response:
        guild_id = _guild_of(request)
        self.commands[guild_id] = [
            {
                "description": "",
                "default_member_permissions": None,
                "type": 1,
                **command,
                "id": str(self.new_id()),
                "application_id": str(self._world.application_id),
                "version": "1",
            }
            for command in await payload_of(request)
        ]
        async with self.registration:
            self.registration.notify_all()
        return json_answer(self.commands[guild_id])

    # ------------------------------------------------------------ channels and messages

    async def _channel(self, request: web.Request) -> web.Response:
        place = self._place(request)
        return json_answer(place.payload()) if place else refusal(404, 10003, "Unknown Channel")

    async def _direct_channel(self, _: web.Request) -> web.Response:
        return json_answer(self._world.direct.payload())

    async def _post_message(self, request: web.Request) -> web.Response:
        place = self._place(request)
        if place is None:
            return refusal(404, 10003, "Unknown Channel")
        message_id = self.new_id()
        message = self._message(message_id, place, await payload_of(request))
        self.remember(message_id, place)
        guild_id = {} if place.guild_id is None else {"guild_id": str(place.guild_id)}
        await self._gateway.dispatch("MESSAGE_CREATE", json.dumps({**message, **guild_id}), place.guild_id)
        return json_answer(message)

    async def _add_reaction(self, request: web.Request) -> web.Response:
        at, message_id, emoji = self._clock(), int(request.match_info["message_id"]), request.match_info["emoji_name"]
        if refused := self._unknown_message(request):
            return refused
        self.reactions.append(Reaction(message_id, emoji, at))
        await self._dispatch_reaction("MESSAGE_REACTION_ADD", message_id, emoji)
        return web.Response(status=204)

    async def _remove_reaction(self, request: web.Request) -> web.Response:
        message_id, emoji = int(request.match_info["message_id"]), request.match_info["emoji_name"]
        if refused := self._unknown_message(request):
            return refused
        self.removed.append((message_id, emoji))
        await self._dispatch_reaction("MESSAGE_REACTION_REMOVE", message_id, emoji)
        return web.Response(status=204)

    async def _dispatch_reaction(self, event: str, message_id: int, emoji: str) -> None:
        place, _ = self.messages[message_id]
        await self._gateway.dispatch(
            event, json.dumps(self._world.reaction_payload(message_id, place, self._world.bot, emoji)), place.guild_id
        )

    def _unknown_message(self, request: web.Request) -> web.Response | None:
        sent = self.messages.get(int(request.match_info["message_id"]))
        if sent and str(sent.place.id) == request.match_info["channel_id"]:
            return None
        return refusal(404, 10008, "Unknown Message")

    def _place(self, request: web.Request) -> Channel | None:
        return self._world.channel(int(request.match_info["channel_id"]))

    # ------------------------------------------------------------ interactions

    async def _callback(self, request: web.Request) -> web.Response:
        interaction = self.interactions.get(request.match_info["interaction_token"])
        if interaction is None or str(interaction.id) != request.match_info["interaction_id"]:
            return refusal(404, 10062, "Unknown interaction")
        if interaction.callback:
            return refusal(400, 40060, "Interaction has already been acknowledged.")
        interaction.callback = callback = await payload_of(request)
        if request.query.get("with_response") not in ("true", "1"):  # discord.py writes the latter
            return web.Response(status=204)
        about: dict[str, Any] = {"id": str(interaction.id), "type": 2}
        answer: dict[str, Any] = {"interaction": about}
        if callback["type"] in (_MESSAGE, _DEFERRED_MESSAGE, _UPDATE):
            flags = callback.get("data", {}).get("flags", 0)
            about |= {
                "response_message_id": str(interaction.message_id),
                "response_message_ephemeral": bool(flags & 1 << 6),
                "response_message_loading": callback["type"] == _DEFERRED_MESSAGE,
            }
            message = self._message(interaction.message_id, interaction.place, callback.get("data", {}))
            answer["resource"] = {"type": callback["type"], "message": message}
        return json_answer(answer)

    async def _follow_up(self, request: web.Request) -> web.Response:
        interaction = self._answered(request)
        if interaction is None:
            return refusal(404, 10015, "Unknown Webhook")
        interaction.followups.append(await payload_of(request))
        return json_answer(self._message(self.new_id(), interaction.place, interaction.followups[-1]))

    async def _original(self, request: web.Request) -> web.Response:
        interaction = self._answered(request)
        if interaction is None:
            return refusal(404, 10015, "Unknown Webhook")
        said = (interaction.callback or {}).get("data", {})
        return json_answer(self._message(interaction.message_id, interaction.place, said))

    async def _edit_original(self, request: web.Request) -> web.Response:
        interaction = self._answered(request)
        if interaction is None:
            return refusal(404, 10015, "Unknown Webhook")
        interaction.edits.append(await payload_of(request))
        return json_answer(self._message(interaction.message_id, interaction.place, interaction.edits[-1]))

    def _answered(self, request: web.Request) -> Interaction | None:
        """Return the interaction with the request's token, or None if the bot has not responded to it yet."""
        interaction = self.interactions.get(request.match_info["webhook_token"])
        return interaction if interaction and interaction.callback else None

    def _message(self, message_id: int, place: Channel, said: dict[str, Any]) -> dict[str, Any]:
        """Return the message that a request of the bot creates, as JSON data."""
        files = [
            {
                **file,
                "id": str(file["id"]),
                "size": 1,
                "url": f"{self._gateway.url}/{file['filename']}",
                "proxy_url": f"{self._gateway.url}/{file['filename']}",
            }
            for file in said.get("attachments") or []
            if "filename" in file
        ]
        return self._world.message_payload(
            message_id,
            place,
            self._world.bot,
            said.get("content") or "",
            self._now(),
            embeds=said.get("embeds") or [],
            components=said.get("components") or [],
            flags=said.get("flags") or 0,
            attachments=files,
        )


async def payload_of(request: web.Request) -> Any:
    """Return the JSON of a request, also if it uploads files, or None if there is no JSON."""
    if not request.body_exists:
        return None
    if request.content_type == "multipart/form-data":
        fields = await request.post()
        return json.loads(str(fields["payload_json"]))
    return await request.json()


def _guild_of(request: web.Request) -> int | None:
    guild_id = request.match_info.get("guild_id")
    return int(guild_id) if guild_id else None
