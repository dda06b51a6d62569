"""What is in the loopback Discord: the bot, people, servers and channels, and what Discord says of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
"""From which Discord counts the milliseconds in its ids."""

TOKEN = "MQ.loopback.discord"  # noqa: S105 - nothing but the loopback Discord accepts it
"""The token that the loopback Discord accepts unless it is told another."""

VIEW_CHANNEL, READ_MESSAGE_HISTORY, ADD_REACTIONS = 1 << 10, 1 << 16, 1 << 6
CONTENT_INTENT_GRANTED = 1 << 19
"""The flag of an application that may have the message content intent switched on."""


def snowflake(moment: datetime, number: int) -> int:
    """Return the id of what was made at a moment as the one of this number."""
    return (int((moment - EPOCH).total_seconds() * 1000) << 22) + number % (1 << 22)


@dataclass(frozen=True, slots=True)
class User:
    """A person or a bot."""

    id: int
    name: str
    bot: bool = False

    def payload(self) -> dict[str, Any]:
        """Return what Discord says of the user."""
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
    """A text channel of a server, or direct messages if there is none."""

    id: int
    guild_id: int | None
    name: str

    def payload(self) -> dict[str, Any]:
        """Return what Discord says of the channel."""
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
    """An application with its bot, and servers with channels, in which alice and bob are, too.

    Attributes:
        servers: how many.
        channels: how many each server has.
        bot: the bot's user.
        application_id: of the bot's application.
        application_flags: of the application; without `CONTENT_INTENT_GRANTED` nobody hears what messages say.
        permissions: what the bot is granted in each server.
        joined_at: when the bot joined all servers.
        places: the channels in their order: those of the first server, of the second, and so on.
        direct: the direct messages of alice with the bot.
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
        """Return the ids of the servers; with two shards, the second of them is the first one's."""
        return [number << 22 for number in range(1, self.servers + 1)]

    def channel(self, channel_id: int) -> Channel | None:
        """Return a channel by its id."""
        return next((place for place in [*self._places_of(channel_id), self.direct] if place.id == channel_id), None)

    def _places_of(self, some_id: int) -> list[Channel]:
        """Return the channels of a server by its id or by that of one of them, without looking at all others."""
        end = (some_id >> 22) * self.channels
        return self.places[max(end - self.channels, 0) : end]

    def guild_payload(self, guild_id: int) -> dict[str, Any]:
        """Return what GUILD_CREATE says of a server."""
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
        """Return what Discord says of a member of any server, without the user if none is given, as with messages."""
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
        """Return what Discord says when somebody reacts; a custom emoji is written as its name, a colon and its id."""
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
        """Return what Discord says of a message.

        Args:
            message_id: its id.
            place: where it was written.
            author: who wrote it.
            text: what it says.
            written: when.
            more: what is not as it is in most messages.
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
        """Return what Discord says of the application to its own bot."""
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
