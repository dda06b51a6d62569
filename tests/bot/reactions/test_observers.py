from __future__ import annotations

import discord
import pytest
import simcord

from bot.reactions.observers import Ending, Observers
from bot.reactions.outcomes import Outcome
from tests.bot.scripted import ScriptedClassifier, World, reactions_of


class Listener:
    """Records its notifications."""

    def __init__(self) -> None:
        self.told: list[object] = []

    async def ended(self, message_id: int, author_id: int, ending: Ending) -> None:
        self.told.append((message_id, author_id, ending))

    def gone(self, message_id: int) -> None:
        self.told.append(message_id)


def test_observers_of_a_channel_are_notified_until_removed() -> None:
    observers, one, other = Observers(), Listener(), Listener()
    observers.add(1, one)
    observers.add(1, other)
    assert (observers.of(1), observers.of(2), len(observers)) == ((one, other), (), 1)
    observers.remove(1, one)
    assert observers.of(1) == (other,)
    observers.remove(1, other)
    assert (observers.of(1), len(observers)) == ((), 0)  # a channel without any takes no memory


async def test_observer_may_be_removed_during_a_notification() -> None:
    observers, one, other = Observers(), Listener(), Listener()
    observers.add(1, one)
    observers.add(1, other)
    for observer in observers.of(1):
        observers.remove(1, observer)
        await observer.ended(2, 3, Ending(Outcome.NEUTRAL))
    assert one.told == other.told == [(2, 3, Ending(Outcome.NEUTRAL))]


@pytest.fixture
def listener(world: World) -> Listener:
    """An observer of the channel."""
    listener = Listener()
    reactions_of(world.bot).observers.add(world.channel.id, listener)
    return listener


@pytest.fixture
def bob(world: World) -> simcord.MemberActor:
    return world.guild.add_member(world.env.create_user("bob"))


async def test_messages_of_people_who_opted_out_are_not_reported(
    world: World, bob: simcord.MemberActor, listener: Listener
) -> None:
    await world.bot.store.opt_out(bob.id)
    message = await bob.send(world.channel, "happy")
    assert listener.told == [message.id]


async def test_message_is_not_reported_if_its_author_opts_out_meanwhile(
    world: World, bob: simcord.MemberActor, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_reaction = discord.Message.add_reaction

    async def slowly(message: discord.Message, emoji: discord.PartialEmoji) -> None:
        await add_reaction(message, emoji)
        await world.bot.store.opt_out(bob.id)

    monkeypatch.setattr(discord.Message, "add_reaction", slowly)
    message = await bob.send(world.channel, "happy")
    assert (world.emoji_of(message), listener.told) == ([], [message.id])


async def test_grave_message_is_reported_as_grave_before_any_other_reason(world: World, listener: Listener) -> None:
    message = await world.alice.send(world.channel, "hmm, i want to die")
    assert listener.told == [(message.id, world.alice.id, Ending(Outcome.GRAVE))]


async def test_every_message_of_an_observed_channel_is_read(
    world: World, listener: Listener, bilstm: ScriptedClassifier
) -> None:
    await world.configure(mood=False)
    for _ in range(3):
        await world.alice.send(world.channel, "happy")
    assert bilstm.batches == [["happy"]] * 3
    [_, *paused] = [told[2] for told in listener.told if isinstance(told, tuple)]
    assert [(ending.outcome, ending.decision.emotion) for ending in paused] == [(Outcome.COOLING_DOWN, "joy")] * 2
    reactions_of(world.bot).observers.remove(world.channel.id, listener)
    await world.alice.send(world.channel, "happy")
    assert bilstm.batches == [["happy"]] * 3
