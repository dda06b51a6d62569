from __future__ import annotations

from typing import Any

import discord
import pytest
import simcord

from bot.failures import BROKEN, BUSY
from classifiers import Classifier
from tests.bot.scripted import ScriptedClassifier, World


def verdict_of(result: simcord.InteractionResult) -> str:
    assert result.response
    [embed] = result.response.embeds
    assert embed.description
    return embed.description


async def test_in_a_server_for_everybody_to_see(world: World) -> None:
    result = await world.alice.slash(world.channel, "compare", text="odd weather")
    assert verdict_of(result) == (
        "> odd weather\n\nThe models disagree: the RNN reads **fear** 😨, the BiLSTM reads **love** ❤️."
    )
    assert not result.ephemeral
    assert not result.deferred
    assert len(world.channel.history()) == 1


async def test_in_direct_messages(world: World) -> None:
    result = await world.alice.user.slash("compare", text="happy")
    assert verdict_of(result).endswith("The models agree: both read **joy** 😃.")


async def test_installed_by_a_user_where_the_bot_is_not(world: World) -> None:
    """In a conversation between two people, who see the bot only because one of them brought it along."""
    result = await raw_compare(world, text="happy", context=2, integration_owners={"1": str(world.alice.id)})
    assert verdict_of(result).endswith("The models agree: both read **joy** 😃.")


async def raw_compare(
    world: World, *, text: str, context: int, integration_owners: dict[str, str]
) -> simcord.InteractionResult:
    """What Discord sends for a command by somebody who installed the bot for themselves."""
    backend = world.env.backend
    await world.alice.user.slash("compare", text="hello")  # opens the conversation
    record = backend.new_interaction(2, world.alice.user.dm_channel.id, world.alice.id, None)
    command = backend.find_command("compare", None)
    assert command
    payload: dict[str, Any] = {
        "id": str(record.id),
        "application_id": str(backend.application_id),
        "type": 2,
        "token": record.token,
        "version": 1,
        "data": {
            "id": command["id"],
            "name": "compare",
            "type": 1,
            "options": [{"name": "text", "type": 3, "value": text}],
        },
        "channel_id": str(record.channel_id),
        "channel": {
            "id": str(record.channel_id),
            "type": 3,
            "recipients": [],
            "name": None,
            "icon": None,
            "owner_id": "1",
        },
        "user": {"id": str(world.alice.id), "username": "alice", "discriminator": "0", "avatar": None},
        "locale": "en-GB",
        "entitlements": [],
        "app_permissions": "0",
        "attachment_size_limit": 1,
        "authorizing_integration_owners": integration_owners,
        "context": context,
    }
    backend.emit("INTERACTION_CREATE", payload)
    await world.env.settle()
    return simcord.InteractionResult(world.env, record)


async def test_the_menu_answers_only_to_who_asked(world: World) -> None:
    bob = world.guild.add_member(world.env.create_user("bob"))
    message = await bob.send(world.channel, "odd weather")
    result = await world.alice.context_menu(world.channel, "Compare emotions", message)
    assert verdict_of(result).startswith("> odd weather\n\nThe models disagree")
    assert result.ephemeral
    assert len(world.channel.history(viewer=bob)) == 1


async def test_the_menu_does_not_read_who_has_opted_out(world: World, bilstm: ScriptedClassifier) -> None:
    bob = world.guild.add_member(world.env.create_user("bob"))
    await world.bot.store.opt_out(bob.id)
    message = await bob.send(world.channel, "odd weather")
    result = await world.alice.context_menu(world.channel, "Compare emotions", message)
    assert result.response
    assert result.response.content == "The author of that message has asked me not to read along."
    assert result.ephemeral
    assert bilstm.batches == []


async def test_the_menu_reads_nobody_before_opt_outs_are_known(world: World, bilstm: ScriptedClassifier) -> None:
    world.bot.store.ready = False
    message = await world.alice.send(world.channel, "odd weather")
    result = await world.alice.context_menu(world.channel, "Compare emotions", message)
    assert result.response
    assert "try again in a moment" in result.response.content
    assert bilstm.batches == []


@pytest.mark.parametrize("text", [" ", "https://example.com", "<@123456789012345678>", "```happy```"])
async def test_without_words_there_is_nothing_to_compare(world: World, text: str) -> None:
    result = await world.alice.slash(world.channel, "compare", text=text)
    assert result.response
    assert result.response.content == "There are no words in it that I could read."
    assert result.response.embeds == []
    assert result.ephemeral


async def test_a_message_without_words_is_told_so_too(world: World) -> None:
    message = await world.alice.send(world.channel, "", attachments=[("cat.png", b"")])
    result = await world.alice.context_menu(world.channel, "Compare emotions", message)
    assert result.response
    assert result.response.content == "There are no words in it that I could read."
    assert result.ephemeral


async def test_nobody_is_pinged_and_markdown_is_shown_as_written(world: World) -> None:
    result = await world.alice.slash(world.channel, "compare", text=f"**hi** @everyone {world.alice.mention}")
    assert verdict_of(result).startswith(f"> \\*\\*hi\\*\\* @\u200beveryone <@\u200b{world.alice.id}>\n")
    [response] = [request for request in world.env.http_requests if request.path.endswith("/callback")]
    assert response.json
    assert response.json["data"]["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("text", ["😂" * 2000, "x*" * 1000, "hi @everyone " * 150, "字" * 2000, "\u0301" * 1999 + "a"])
async def test_the_longest_texts_fit(world: World, text: str) -> None:
    result = await world.alice.slash(world.channel, "compare", text=text)
    assert "…" in verdict_of(result)


async def test_longer_texts_are_refused_by_discord_itself(world: World) -> None:
    with pytest.raises(simcord.OptionError):
        await world.alice.slash(world.channel, "compare", text="x" * 2001)


class TestWithOneModel:
    @pytest.fixture
    def models(self, bilstm: ScriptedClassifier) -> dict[str, Classifier]:
        return {"bilstm": bilstm}

    async def test_that_one_is_shown(self, world: World) -> None:
        result = await world.alice.slash(world.channel, "compare", text="happy")
        assert verdict_of(result).endswith("Only the BiLSTM is loaded; it reads **joy** 😃.")
        assert result.response
        assert len(result.response.embeds[0].fields) == 1


async def test_a_failure_is_told_to_the_user_and_logged_without_the_text(
    world: World,
    bilstm: ScriptedClassifier,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(text: str) -> None:
        raise ValueError(f"cannot read {text!r}")

    monkeypatch.setattr(bilstm, "_predict", fail)
    result = await world.alice.slash(world.channel, "compare", text="a secret")
    assert result.response
    assert (result.response.content, result.ephemeral) == (BROKEN, True)
    assert len(world.env.errors) == 1
    assert "'compare' failed with ValueError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_failure_after_the_answer_is_told_in_another_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = discord.InteractionResponse.send_message
    monkeypatch.setattr(discord.InteractionResponse, "send_message", _send_then_fail(send))
    result = await world.alice.slash(world.channel, "compare", text="happy")
    assert [(followup.content, followup.ephemeral) for followup in result.followups] == [(BROKEN, True)]
    assert len(world.env.errors) == 1


def _send_then_fail(send: Any) -> Any:
    async def send_message(self: Any, *args: Any, **kwargs: Any) -> None:
        await send(self, *args, **kwargs)
        raise ValueError

    return send_message


async def test_a_failure_that_cannot_be_told_is_only_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.env.inject_error("POST", "/interactions/*", status=404, code=10062, times=None)
    await world.alice.slash(world.channel, "compare", text="a secret")
    assert len(world.env.errors) == 1
    assert "could not be told to the user: 10062" in caplog.text
    assert "secret" not in caplog.text


async def test_a_busy_bot_says_so(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.bot.analyzer.close()
    result = await world.alice.slash(world.channel, "compare", text="happy")
    assert result.response
    assert (result.response.content, result.ephemeral) == (BUSY, True)
    assert len(world.env.errors) == 1
    assert "'compare' was not answered: the analyzer is closed" in caplog.text
