"""Define the contents of the loopback Discord and their JSON: the bot, people, servers, channels and messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
"""Discord's ids contain the milliseconds since this time."""

TOKEN = "MQ.loopback.discord"  # noqa: S105 - nothing but the loopback Discord accepts it
"""The token that the loopback Discord accepts by default."""

VIEW_CHANNEL, READ_MESSAGE_HISTORY, ADD_REACTIONS = 1 << 10, 1 << 16, 1 << 6
CONTENT_INTENT_GRANTED = 1 << 19
"""The application flag that allows the message content intent."""


def snowflake(moment: datetime, number: int) -> int:
    """Return the Discord id of something that was created at this time; `number` makes it unique."""
    return (int((moment - EPOCH).total_seconds() * 1000) << 22) + number % (1 << 22)


@dataclass(frozen=True, slots=True)
class User:
    """A person or a bot."""

    id: int
    name: str
    bot: bool = False

    def payload(self) -> dict[str, Any]:
        """Return the user as JSON data."""
        return {
            "id": str(self.id),
            "username": self.name,
            "global_name": None,
            "discriminator": "0",
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
            "flags": 0,
            "primary_guild": None,
        }


ALICE = User(3, "alice")
BOB = User(4, "bob")


@dataclass(frozen=True, slots=True)
class Channel:
    """A text channel of a server, or a direct message channel if `guild_id` is None."""

    id: int
    guild_id: int | None
    name: str

    def payload(self) -> dict[str, Any]:
        """Return the channel as JSON data."""
        if self.guild_id is None:
            recipients = [ALICE.payload()]
            return {"id": str(self.id), "type": 1, "flags": 0, "last_message_id": None, "recipients": recipients}
        return {
            "id": str(self.id),
            "type": 0,
            "guild_id": str(self.guild_id),
            "name": self.name,
            "position": 0,
            "permission_overwrites": [],
            "flags": 0,
            "last_message_id": None,
        }


@dataclass
class World:
    """An application with its bot, and servers with channels, of which alice and bob are members, too.

    Attributes:
        servers: how many there are.
        channels: how many channels each server has.
        bot: the bot's user.
        application_id: of the bot's application.
        application_flags: of the application; without `CONTENT_INTENT_GRANTED` it must not ask for message content.
        permissions: the bot's permissions in each server.
        joined_at: when the bot joined the servers.
        places: all channels: those of the first server, then of the second, and so on.
        direct: the direct message channel of alice and the bot.
    """

    servers: int = 1
    channels: int = 1
    bot: User = User(1, "Emobot", bot=True)
    application_id: int = 2
    application_flags: int = CONTENT_INTENT_GRANTED
    permissions: int = VIEW_CHANNEL | READ_MESSAGE_HISTORY | ADD_REACTIONS
    joined_at: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(days=365))
    places: list[Channel] = field(init=False)
    direct: Channel = Channel(5, None, "alice")

    def __post_init__(self) -> None:
        self.places = [
            Channel(guild_id + number, guild_id, f"channel-{number}")
            for guild_id in self.guild_ids()
            for number in range(1, self.channels + 1)
        ]

    def guild_ids(self) -> list[int]:
        """Return the ids of the servers: with several shards, the first belongs to shard 1, the next to 2 and so on."""
        return [number << 22 for number in range(1, self.servers + 1)]

    def channel(self, channel_id: int) -> Channel | None:
        """Return the channel with this id, or None."""
        return next((place for place in [*self._places_of(channel_id), self.direct] if place.id == channel_id), None)

    def _places_of(self, some_id: int) -> list[Channel]:
        """Return the channels of the server with this id, or of the server that has a channel with this id."""
        end = (some_id >> 22) * self.channels
        return self.places[max(end - self.channels, 0) : end]

    def guild_payload(self, guild_id: int) -> dict[str, Any]:
        """Return the data of GUILD_CREATE for a server."""
        everyone = {
            "id": str(guild_id),
            "name": "@everyone",
            "permissions": str(self.permissions),
            "position": 0,
            "color": 0,
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }
        empty = (
            *("emojis", "features", "guild_scheduled_events", "presences", "soundboard_sounds", "stage_instances"),
            *("stickers", "threads", "voice_states"),
        )
        zero = (
            *("afk_timeout", "default_message_notifications", "explicit_content_filter", "mfa_level", "nsfw_level"),
            *("premium_tier", "system_channel_flags", "verification_level"),
        )
        return {
            "id": str(guild_id),
            "name": f"server {guild_id >> 22}",
            "owner_id": str(ALICE.id),
            "member_count": 3,
            "unavailable": False,
            "large": False,
            "joined_at": self.joined_at.isoformat(),
            "preferred_locale": "en-US",
            "roles": [everyone],
            "channels": [place.payload() for place in self._places_of(guild_id)],
            "members": [self.member_payload(self.bot)],
            **{name: [] for name in empty},
            **dict.fromkeys(zero, 0),
        }

    def member_payload(self, user: User | None = None) -> dict[str, Any]:
        """Return a member of any server as JSON data, without the user if it is None, as in a message."""
        member: dict[str, Any] = {
            "roles": [],
            "joined_at": self.joined_at.isoformat(),
            "nick": None,
            "avatar": None,
            "flags": 0,
            "deaf": False,
            "mute": False,
        }
        return {**member, "user": user.payload()} if user else member

    def reaction_payload(self, message_id: int, place: Channel, user: User, emoji: str) -> dict[str, Any]:
        """Return the data of the event for a reaction; a custom emoji is given as its name, a colon and its id."""
        name, _, emoji_id = emoji.partition(":")
        data: dict[str, Any] = {
            "user_id": str(user.id),
            "message_id": str(message_id),
            "channel_id": str(place.id),
            "emoji": {"id": emoji_id or None, "name": name},
            "burst": False,
            "type": 0,
        }
        if place.guild_id is not None:
            data |= {"guild_id": str(place.guild_id), "member": self.member_payload(user)}
        return data

    def message_payload(
        self, message_id: int, place: Channel, author: User, text: str, written: datetime, **more: Any
    ) -> dict[str, Any]:
        """Return a message as JSON data.

        Args:
            message_id: its id.
            place: its channel.
            author: its author.
            text: its text.
            written: when it was written.
            more: fields that replace the usual ones.
        """
        return {
            "id": str(message_id),
            "channel_id": str(place.id),
            "author": author.payload(),
            "content": text,
            "timestamp": written.isoformat(),
            "edited_timestamp": None,
            "type": 0,
            "tts": False,
            "pinned": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "components": [],
            "flags": 0,
            **more,
        }

    def application_payload(self) -> dict[str, Any]:
        """Return the application as JSON data, as its own bot gets it."""
        return {
            "id": str(self.application_id),
            "name": self.bot.name,
            "icon": None,
            "description": "",
            "type": None,
            "verify_key": "0" * 64,
            "flags": self.application_flags,
            "flags_new": str(self.application_flags),
            "bot_public": True,
            "bot_require_code_grant": False,
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "owner": ALICE.payload(),
            "team": None,
            "approximate_guild_count": self.servers,
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "eligible_oauth2_scopes": [],
        }
