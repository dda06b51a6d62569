from __future__ import annotations

from collections.abc import Awaitable, Callable

import discord
import pytest
import simcord

from tests.bot.clock import ManualClock
from tests.bot.support import StubClassifier, World, dislikes_of, prediction_of


@pytest.fixture
def moderator(world: World) -> simcord.MemberActor:
    role = world.guild.create_role("moderator", permissions=discord.Permissions(manage_messages=True))
    return world.guild.add_member(world.env.create_user("mia"), roles=[role])


async def say(world: World, text: str) -> discord.Message:
    """Send a message as Alice after the channel has rested."""
    await world.rest()
    return await world.alice.send(world.channel, text)


async def test_cross_added_by_the_bot_removes_no_reaction(world: World) -> None:
    """A server may choose ❌ for an emotion, and let the bot manage messages."""
    await world.configure(emoji={"joy": "❌"})
    assert world.guild.me
    role = world.guild.create_role("moderator", permissions=discord.Permissions(manage_messages=True))
    world.env.backend.add_member_role(world.guild.id, world.guild.me.id, role.id)
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == ["❌"]


async def test_cross_of_the_author_raises_the_certainty_needed_in_the_channel(
    world: World, moderator: simcord.MemberActor
) -> None:
    message = await world.alice.send(world.channel, "happy")
    await world.alice.react(message, "❌")
    assert world.emoji_of(message) == ["❌"]
    message = await say(world, "odd")  # its certainty is 0.8, and 0.75 is now required
    assert world.emoji_of(message) == ["❤️"]
    await moderator.react(message, "❌")
    message = await say(world, "odd")  # and now 0.875
    assert world.emoji_of(message) == []


async def test_repeated_crosses_of_one_person_do_not_silence_a_channel(world: World) -> None:
    for _ in range(4):
        message = await say(world, "odd")
        assert "❤️" in world.emoji_of(message)
        await world.alice.react(message, "❌")
        assert world.emoji_of(message) == ["❌"]


@pytest.mark.parametrize("emoji", [None, "😃"])
async def test_a_reaction_that_a_moderator_clears_counts_as_one_dislike(
    world: World, bilstm: StubClassifier, emoji: str | None
) -> None:
    bilstm.predictions["meh"] = prediction_of(joy=0.7)
    message = await world.alice.send(world.channel, "happy")
    for _ in range(2):
        clear(world, message, emoji)
        await world.env.settle()
    result = await world.alice.context_menu(world.channel, "Take the reaction back", message)
    assert result.response
    assert "not reacted" in result.response.content
    # Without a dislike a certainty of 0.5 is required, with one 0.75, and with two 0.875.
    assert world.emoji_of(await say(world, "meh")) == []
    assert world.emoji_of(await say(world, "odd")) == ["❤️"]


async def author_reacts_with_cross(world: World, message: discord.Message) -> None:
    await world.alice.react(message, "❌")


async def moderator_removes_reaction(world: World, message: discord.Message) -> None:
    assert world.bot.user
    world.env.backend.remove_reaction(world.channel.id, message.id, "😃", world.bot.user.id)
    await world.env.settle()


async def moderator_clears_reactions(world: World, message: discord.Message) -> None:
    clear(world, message, None)
    await world.env.settle()


REMOVALS = [author_reacts_with_cross, moderator_removes_reaction, moderator_clears_reactions]


@pytest.mark.usefixtures("no_pace_limits")
@pytest.mark.parametrize("remove", REMOVALS)
async def test_message_whose_reaction_was_removed_gets_no_other(
    world: World, remove: Callable[[World, discord.Message], Awaitable[None]]
) -> None:
    message = await world.alice.send(world.channel, "happy")
    await remove(world, message)
    await world.alice.edit(message, "thanks")
    assert set(world.emoji_of(message)) <= {"❌"}
    assert world.reaction_requests() == 1
    assert await world.moods() == {"gratitude": 1}


async def test_a_reaction_taken_back_while_it_is_sent_is_removed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when reactions are rate limited: the author sees no reaction yet, but has refused it already."""
    add = world.bot.http.add_reaction

    async def dislike_and_add(channel_id: int, message_id: int, emoji: str) -> None:
        place = world.bot.get_partial_messageable(channel_id, guild_id=world.guild.id)
        await dislikes_of(world.bot).withdraw(place.get_partial_message(message_id), world.alice.id)
        await add(channel_id, message_id, emoji)

    monkeypatch.setattr(world.bot.http, "add_reaction", dislike_and_add)
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == []
    assert world.outcomes == {"taken back": 1}


@pytest.mark.usefixtures("no_pace_limits")
@pytest.mark.parametrize("chosen", ["\N{HEAVY BLACK HEART}", "\N{HEAVY BLACK HEART}\ufe0f"])
@pytest.mark.parametrize("sent", ["\N{HEAVY BLACK HEART}", "\N{HEAVY BLACK HEART}\ufe0f"])
async def test_a_reaction_is_known_by_its_emoji_with_or_without_variation_selector(
    world: World, chosen: str, sent: str
) -> None:
    """Servers may choose either form of an emoji, and Discord may send either."""
    await world.configure(emoji={"joy": chosen})
    message = await world.alice.send(world.channel, "happy")
    clear_event = {
        "channel_id": str(world.channel.id),
        "message_id": str(message.id),
        "guild_id": str(world.guild.id),
        "emoji": {"id": None, "name": sent},
    }
    world.env.backend.emit("MESSAGE_REACTION_REMOVE_EMOJI", clear_event)
    await world.env.settle()
    await world.alice.edit(message, "thanks")
    assert world.reaction_requests() == 1


async def test_removing_ones_own_reaction_is_not_a_dislike(world: World) -> None:
    message = await world.alice.send(world.channel, "happy")
    await world.alice.react(message, "😃")
    await world.alice.unreact(message, "😃")
    await world.alice.edit(message, "thanks")
    assert world.emoji_of(message) == ["🙏"]


@pytest.mark.parametrize("emoji", ["❤️", "🎉"])
async def test_clearing_emoji_of_others_is_not_a_dislike(world: World, emoji: str) -> None:
    message = await world.alice.send(world.channel, "happy")
    await world.alice.react(message, emoji)
    clear(world, message, emoji)
    await world.env.settle()
    await world.alice.edit(message, "thanks")
    assert world.emoji_of(message) == ["🙏"]


def clear(world: World, message: discord.Message, emoji: str | None) -> None:
    """Remove all reactions of a message, or all of one emoji, as a moderator."""
    if emoji is None:
        world.env.backend.clear_reactions(world.channel.id, message.id)
    else:
        world.env.backend.clear_reaction(world.channel.id, message.id, emoji)


async def test_a_moderator_can_take_a_reaction_back_and_others_cannot(
    world: World, bob: simcord.MemberActor, moderator: simcord.MemberActor
) -> None:
    message = await world.alice.send(world.channel, "happy")
    await bob.react(message, "❌")
    assert "😃" in world.emoji_of(message)
    await moderator.react(message, "❌")
    assert world.emoji_of(message) == ["❌"]


async def test_a_person_whose_permissions_are_unknown_cannot_take_a_reaction_back(
    world: World, moderator: simcord.MemberActor
) -> None:
    """As in a thread that the bot does not know."""
    message = await world.alice.send(world.channel, "happy")
    event = {
        "channel_id": str(world.channel.id),
        "message_id": str(message.id),
        "message_author_id": str(world.alice.id),
        "user_id": str(moderator.id),
        "emoji": {"id": None, "name": "❌"},
        "burst": False,
        "type": 0,
    }
    world.env.backend.emit("MESSAGE_REACTION_ADD", event)
    await world.env.settle()
    assert world.emoji_of(message) == ["😃"]


@pytest.mark.parametrize("clock", [ManualClock()])
async def test_reaction_the_bot_no_longer_remembers_can_be_taken_back(world: World, clock: ManualClock) -> None:
    message = await world.alice.send(world.channel, "happy")
    clock.now += 3600  # after which the bot no longer has a record of the message
    await world.alice.react(message, "❌")
    assert world.emoji_of(message) == ["❌"]


async def test_the_menu_takes_a_reaction_back_for_the_author_only(world: World, bob: simcord.MemberActor) -> None:
    message = await world.alice.send(world.channel, "happy")
    refused = await bob.context_menu(world.channel, "Take the reaction back", message)
    assert refused.ephemeral
    assert refused.response
    assert "Only the author" in refused.response.content
    assert world.emoji_of(message) == ["😃"]
    taken = await world.alice.context_menu(world.channel, "Take the reaction back", message)
    assert taken.ephemeral
    assert taken.response
    assert "Reaction removed" in taken.response.content
    assert world.emoji_of(message) == []
    again = await world.alice.context_menu(world.channel, "Take the reaction back", message)
    assert again.response
    assert "not reacted" in again.response.content


async def test_the_menu_answers_before_it_asks_discord_to_remove_a_reaction(world: World) -> None:
    """Discord waits three seconds for an answer, but a removal may have to wait longer for a rate limit."""
    message = await world.alice.send(world.channel, "happy")
    before = len(world.env.http_requests)
    await world.alice.context_menu(world.channel, "Take the reaction back", message)
    answer, removal, *_ = world.env.http_requests[before:]
    assert answer.path.endswith("/callback")
    assert removal.method == "DELETE"


async def test_refused_removal_is_reported_as_failed(world: World) -> None:
    message = await world.alice.send(world.channel, "happy")
    world.env.inject_error("DELETE", "/channels/*/reactions/*", status=403, code=50013)
    for sentence in ("couldn't remove", "Reaction removed"):
        assert "😃" in world.emoji_of(message)
        result = await world.alice.context_menu(world.channel, "Take the reaction back", message)
        assert result.response
        assert sentence in result.response.content
    assert world.emoji_of(message) == []


async def test_refused_removal_is_repeated_when_the_message_is_edited(world: World) -> None:
    message = await world.alice.send(world.channel, "happy")
    world.env.inject_error("DELETE", "/channels/*/reactions/*", status=403, code=50013)
    await world.alice.react(message, "❌")
    assert "😃" in world.emoji_of(message)
    await world.alice.edit(message, "thanks")
    assert world.emoji_of(message) == ["❌"]


@pytest.mark.parametrize("clock", [ManualClock()])
@pytest.mark.parametrize(("status", "sentence"), [(404, "not reacted"), (400, "couldn't remove")])
async def test_old_message_that_cannot_be_fetched_is_reported_as_such(
    world: World, clock: ManualClock, status: int, sentence: str
) -> None:
    message = await world.alice.send(world.channel, "happy")
    clock.now += 3600
    world.env.inject_error("GET", "/channels/*/messages/*", status=status)
    result = await world.alice.context_menu(world.channel, "Take the reaction back", message)
    assert result.response
    assert sentence in result.response.content


@pytest.mark.usefixtures("no_pace_limits")
@pytest.mark.parametrize("removed_first", [False, True])
async def test_no_other_reaction_is_added_if_the_author_takes_the_first_back_while_an_edit_replaces_it(
    world: World, monkeypatch: pytest.MonkeyPatch, removed_first: bool
) -> None:
    """Whether the author does so before or after the edit has removed the first one."""
    message = await world.alice.send(world.channel, "happy")
    remove = world.bot.http.remove_own_reaction

    async def dislike_and_remove(channel_id: int, message_id: int, emoji: str) -> None:
        monkeypatch.setattr(world.bot.http, "remove_own_reaction", remove)
        place = world.bot.get_partial_messageable(channel_id, guild_id=world.guild.id)
        if removed_first:
            await remove(channel_id, message_id, emoji)
        await dislikes_of(world.bot).withdraw(place.get_partial_message(message_id), world.alice.id)
        if not removed_first:
            await remove(channel_id, message_id, emoji)

    monkeypatch.setattr(world.bot.http, "remove_own_reaction", dislike_and_remove)
    await world.alice.edit(message, "thanks")
    assert world.emoji_of(message) == []
