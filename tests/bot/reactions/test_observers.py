from __future__ import annotations

import asyncio

import discord
import pytest
import simcord

from bot.reactions.observers import MessageResult, Observers
from bot.reactions.outcomes import Outcome
from tests.bot.support import StubClassifier, World, reactions_of


class RecordingObserver:
    """Records its notifications."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    async def message_handled(self, message_id: int, author_id: int, result: MessageResult) -> None:
        self.calls.append((message_id, author_id, result))

    def message_removed(self, message_id: int) -> None:
        self.calls.append(message_id)


def test_observers_of_a_channel_are_notified_until_removed() -> None:
    observers, one, other = Observers(), RecordingObserver(), RecordingObserver()
    observers.add(1, one)
    observers.add(1, other)
    assert (observers.in_channel(1), observers.in_channel(2), len(observers)) == ((one, other), (), 1)
    observers.remove(1, one)
    assert observers.in_channel(1) == (other,)
    observers.remove(1, other)
    assert (observers.in_channel(1), len(observers)) == ((), 0)  # a channel without any takes no memory


async def test_observer_may_be_removed_during_a_notification() -> None:
    observers, one, other = Observers(), RecordingObserver(), RecordingObserver()
    observers.add(1, one)
    observers.add(1, other)
    for observer in observers.in_channel(1):
        observers.remove(1, observer)
        await observer.message_handled(2, 3, MessageResult(Outcome.NEUTRAL))
    assert one.calls == other.calls == [(2, 3, MessageResult(Outcome.NEUTRAL))]


@pytest.fixture
def observer(world: World) -> RecordingObserver:
    """An observer of the channel."""
    observer = RecordingObserver()
    reactions_of(world.bot).observers.add(world.channel.id, observer)
    return observer


async def test_messages_of_people_who_opted_out_are_not_reported(
    world: World, bob: simcord.MemberActor, observer: RecordingObserver
) -> None:
    await world.bot.store.opt_out(bob.id)
    message = await bob.send(world.channel, "happy")
    assert observer.calls == [message.id]


async def test_message_is_not_reported_if_its_author_opts_out_meanwhile(
    world: World, bob: simcord.MemberActor, observer: RecordingObserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_reaction = discord.Message.add_reaction

    async def add_reaction_then_opt_out(message: discord.Message, emoji: discord.PartialEmoji) -> None:
        await add_reaction(message, emoji)
        await world.bot.store.opt_out(bob.id)

    monkeypatch.setattr(discord.Message, "add_reaction", add_reaction_then_opt_out)
    message = await bob.send(world.channel, "happy")
    assert (world.emoji_of(message), observer.calls) == ([], [message.id])


async def test_message_that_is_deleted_while_another_observer_is_busy_is_reported_before_its_removal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, other, removed = RecordingObserver(), RecordingObserver(), asyncio.Event()

    async def wait_for_removal(message_id: int, _author_id: int, _result: MessageResult) -> None:
        world.env.backend.delete_message(world.channel.id, message_id)
        await removed.wait()

    monkeypatch.setattr(slow, "message_handled", wait_for_removal)
    monkeypatch.setattr(slow, "message_removed", lambda _message_id: removed.set())
    for observer in (slow, other):
        reactions_of(world.bot).observers.add(world.channel.id, observer)
    message = await world.alice.send(world.channel, "plain")
    await world.env.settle()
    assert other.calls[1:] == [message.id]


async def test_grave_message_is_reported_as_grave_before_any_other_reason(
    world: World, observer: RecordingObserver
) -> None:
    message = await world.alice.send(world.channel, "hmm, i want to die")
    assert observer.calls == [(message.id, world.alice.id, MessageResult(Outcome.GRAVE))]


async def test_every_message_of_an_observed_channel_is_read(
    world: World, observer: RecordingObserver, bilstm: StubClassifier
) -> None:
    await world.configure(mood=False)
    for _ in range(3):
        await world.alice.send(world.channel, "happy")
    assert bilstm.batches == [["happy"]] * 3
    [_, *paused] = [call[2] for call in observer.calls if isinstance(call, tuple)]
    assert [(result.outcome, result.decision.emotion) for result in paused] == [(Outcome.COOLING_DOWN, "joy")] * 2
    reactions_of(world.bot).observers.remove(world.channel.id, observer)
    await world.alice.send(world.channel, "happy")
    assert bilstm.batches == [["happy"]] * 3
