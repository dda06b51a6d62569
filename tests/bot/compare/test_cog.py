from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import discord
import pytest
import simcord
from simcord.components import walk_components

from bot.compare.cog import EXPIRED, NOT_YOURS
from bot.errors import BROKEN, BUSY
from bot.reactions.gate import NO_WORDS, NOT_A_PERSON, NOT_HERE, NOT_READY, NOT_TO_BE_READ
from bot.ui.request_limits import MAX_TEXTS, ONE_AT_A_TIME, TOO_MANY, WINDOW
from classifiers import Classifier
from tests.bot.compare.support import buttons, compare_as_user_install, panel_of, pictures
from tests.bot.interactions import (
    bot_restarts,
    compare_concurrently,
    install_bracket_language,
    panel_text,
    press_twice,
    private_text,
    response_of,
)
from tests.bot.support import StubClassifier, World, prediction_of

Restart = Callable[[], Awaitable[None]]
LONG = "so happy " * 400


@pytest.fixture
async def panel(world: World) -> simcord.ResponseMessage:
    """The panel of a comparison that Alice has asked for in the channel."""
    return panel_of(await world.alice.slash(world.channel, "compare", text="odd, but happy"))


async def test_compare_in_a_server_is_public(world: World) -> None:
    result = await world.alice.slash(world.channel, "compare", text="odd weather")
    assert panel_text(panel_of(result)).startswith(
        "> odd weather\nThey disagree: the RNN heard **fear** 😨, the BiLSTM heard **love** ❤️.\n**RNN**\n"
    )
    assert panel_text(panel_of(result)).count("> **odd** weather") == 2
    assert not result.ephemeral
    assert not result.deferred
    assert len(world.channel.history()) == 1


class TestInAnotherLanguage:
    @pytest.fixture
    def models(self, bilstm: StubClassifier) -> dict[str, Classifier]:
        neutral = prediction_of(neutral=0.9)
        bilstm.predictions = {
            "bonjour": dataclasses.replace(neutral, known=0.0),
            "merci": dataclasses.replace(neutral, known=0.25),
        }
        return {"bilstm": bilstm}

    async def test_answer_to_another_language_is_called_a_guess(self, world: World) -> None:
        for text, sentence in (
            ("bonjour", "I know none of these words, so this is no more than a guess."),
            ("merci beaucoup mon ami", "I know only 25% of these words, so this is no more than a guess."),
        ):
            panel = panel_of(await world.alice.slash(world.channel, "compare", text=text))
            assert panel_text(panel).startswith(f"> {text}\n{sentence}\n**BiLSTM**\n")
            await world.alice.click(panel, label="All 28")
            assert sentence in panel_text(panel)


async def test_compare_works_in_direct_messages(world: World) -> None:
    user = world.alice.user
    panel = panel_of(await user.slash("compare", text="happy"))
    assert "They agree on **joy** 😃." in panel_text(panel)
    await user.click(panel, label="All 28")
    assert "👏 admiration" in panel_text(panel)
    await user.click(panel, label="Heat map")
    assert len(pictures(panel)) == 1
    form = await user.click(panel, label="Try a variation")
    assert "**gratitude**" in panel_text(panel_of(await user.submit_modal(form, {"text": "thanks"})))


async def test_compare_works_for_a_user_install_where_the_bot_is_not_a_member(world: World) -> None:
    """In a conversation between two people, one of whom has installed the bot for themselves."""
    result = await compare_as_user_install(
        world, text="happy", context=2, integration_owners={"1": str(world.alice.id)}
    )
    panel = panel_of(result)
    assert "They agree on **joy** 😃." in panel_text(panel)
    await world.alice.user.click(panel, label="Heat map")
    assert len(pictures(panel)) == 1


async def test_menu_answers_privately(world: World, bob: simcord.MemberActor) -> None:
    message = await bob.send(world.channel, "odd weather")
    result = await world.alice.context_menu(world.channel, "Compare emotions", message)
    assert panel_text(panel_of(result)).startswith("> odd weather\nThey disagree")
    assert result.ephemeral
    assert len(world.channel.history(viewer=bob)) == 1


async def test_menu_does_not_read_people_who_opted_out(
    world: World, bob: simcord.MemberActor, bilstm: StubClassifier
) -> None:
    await world.bot.store.opt_out(bob.id)
    message = await bob.send(world.channel, "odd weather")
    result = await world.alice.context_menu(world.channel, "Compare emotions", message)
    assert private_text(result) == NOT_TO_BE_READ
    assert bilstm.batches == []


def opt_out_after_reading(
    world: World, monkeypatch: pytest.MonkeyPatch, author: simcord.MemberActor, *methods: str
) -> None:
    """Let a member opt out each time a model has read a text, before the answer is shown."""

    def then_opt_out(read: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def read_then_opt_out(text: str, *names: str) -> Any:
            answer = await read(text, *names)
            await world.bot.store.opt_out(author.id)
            return answer

        return read_then_opt_out

    for method in methods:
        monkeypatch.setattr(world.bot.analyzer, method, then_opt_out(getattr(world.bot.analyzer, method)))


async def test_menu_shows_nothing_if_the_author_opts_out_meanwhile(
    world: World, bob: simcord.MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await bob.send(world.channel, "odd weather")
    opt_out_after_reading(world, monkeypatch, bob, "explain")
    result = await world.alice.context_menu(world.channel, "Compare emotions", message)
    assert private_text(result) == NOT_TO_BE_READ
    assert panel_of(
        await bob.slash(world.channel, "compare", text="odd weather")
    )  # text that people type themselves may be read


async def test_menu_reads_nobody_before_opt_outs_are_loaded(world: World, bilstm: StubClassifier) -> None:
    world.bot.store.cache.ready = False
    message = await world.alice.send(world.channel, "odd weather")
    result = await world.alice.context_menu(world.channel, "Compare emotions", message)
    assert private_text(result) == NOT_READY
    assert bilstm.batches == []


@pytest.mark.parametrize("changes", [{"enabled": False}, {"channel_rule": "only"}])
async def test_menu_reads_nothing_in_excluded_channels(
    world: World, bilstm: StubClassifier, changes: dict[str, object]
) -> None:
    await world.configure(**changes)
    message = await world.alice.send(world.channel, "odd weather")
    assert private_text(await world.alice.context_menu(world.channel, "Compare emotions", message)) == NOT_HERE
    assert bilstm.batches == []
    panel_of(
        await world.alice.slash(world.channel, "compare", text="odd weather")
    )  # text that people type themselves may be read


async def test_menu_reads_only_messages_of_people(world: World, bilstm: StubClassifier) -> None:
    message = await world.guild.create_webhook(world.channel).send("odd weather")
    assert private_text(await world.alice.context_menu(world.channel, "Compare emotions", message)) == NOT_A_PERSON
    assert bilstm.batches == []


async def test_menu_reads_forwarded_text(world: World, bob: simcord.MemberActor) -> None:
    message = await bob.forward(await bob.send(world.channel, "odd weather"), world.channel)
    result = await world.alice.context_menu(world.channel, "Compare emotions", message)
    assert panel_text(panel_of(result)).startswith("> odd weather\nThey disagree")
    assert await world.alice.click(panel_of(result), label="All 28")
    assert "> odd weather" in panel_text(panel_of(result))


@pytest.mark.parametrize(
    "text",
    [" ", "\n" * 4000, "https://example.com", "<@123456789012345678>", "```happy```", "**" * 2000, "¯", "\u200d"],
)
async def test_text_without_words_is_refused(world: World, text: str) -> None:
    assert private_text(await world.alice.slash(world.channel, "compare", text=text)) == NO_WORDS


async def test_menu_refuses_a_message_without_words(world: World) -> None:
    message = await world.alice.send(world.channel, "", attachments=[("cat.png", b"")])
    assert private_text(await world.alice.context_menu(world.channel, "Compare emotions", message)) == NO_WORDS


async def test_answer_pings_nobody_and_escapes_markdown(world: World) -> None:
    result = await world.alice.slash(world.channel, "compare", text=f"**hi** @everyone {world.alice.mention}")
    assert panel_text(panel_of(result)).startswith(f"> \\*\\*hi\\*\\* @\u200beveryone \\<@\u200b{world.alice.id}\\>\n")
    [response] = [request for request in world.env.http_requests if request.path.endswith("/callback")]
    assert response.json
    assert response.json["data"]["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize(
    "text",
    [
        *("😂" * 4000, "x*" * 2000, "hi @everyone " * 300, "字" * 4000, "\u0301" * 3999 + "a", "سعيد " * 800),
        *("x" * 4000, "> hi\nbye\n" * 440, "[a](b) " * 570, "👩🏽‍❤️‍💋‍👨🏽" * 400, "a\n" * 2000),
    ],
)
async def test_longest_texts_fit_and_every_button_works(world: World, text: str) -> None:
    panel = panel_of(await world.alice.slash(world.channel, "compare", text=text))
    quotation, verdict, *_ = panel_text(panel).split("\nThey ")
    for label in ("Heat map", "All 28", "Top 3"):
        assert (await world.alice.click(panel, label=label)).acknowledged
        assert panel_text(panel).split("\nThey ")[:1] == [quotation]
        assert verdict.split("\n")[0] in panel_text(panel)
    form = await world.alice.click(panel, label="Try a variation")
    assert panel_of(await world.alice.submit_modal(form, {"text": text}))
    assert world.env.errors == []


async def test_partly_quoted_text_is_marked_with_how_much_was_read(world: World) -> None:
    panel = panel_of(await world.alice.slash(world.channel, "compare", text="happy day " * 90))
    assert "were read" not in panel_text(panel)
    panel = panel_of(await world.alice.slash(world.channel, "compare", text=LONG))
    for label in ("All 28", "Heat map", "Hide the heat map"):
        assert "They agree on **joy** 😃.\n-# Only the first 221 words were read." in panel_text(panel)
        await world.alice.click(panel, label=label)


async def test_heat_map_of_a_long_text_says_how_much_it_shows(world: World) -> None:
    panel = panel_of(await world.alice.slash(world.channel, "compare", text="happy day " * 32))
    await world.alice.click(panel, label="Heat map")
    assert "shown" not in panel_text(panel)
    panel = panel_of(await world.alice.slash(world.channel, "compare", text="happy day " * 33))
    await world.alice.click(panel, label="Heat map")
    assert "dots mark the strongest.\n-# Only the first 64 words are shown." in panel_text(panel)


async def test_longer_texts_are_refused_by_discord_itself(world: World) -> None:
    with pytest.raises(simcord.OptionError):
        await world.alice.slash(world.channel, "compare", text="x" * 4001)


class TestWithOneModel:
    @pytest.fixture
    def models(self, bilstm: StubClassifier) -> dict[str, Classifier]:
        return {"bilstm": bilstm}

    async def test_a_panel_shows_the_only_model(self, world: World) -> None:
        panel = panel_of(await world.alice.slash(world.channel, "compare", text="happy"))
        assert "Only the BiLSTM is loaded; it heard **joy** 😃." in panel_text(panel)
        assert panel_text(panel).count("**BiLSTM**\n") == 1
        await world.alice.click(panel, label="Heat map")
        assert len(pictures(panel)) == 1


class TestButtons:
    async def test_button_shows_all_labels_and_returns(self, world: World, panel: simcord.ResponseMessage) -> None:
        before = panel_text(panel)
        assert buttons(panel) == ["Heat map", "All 28", "Try a variation"]
        await world.alice.click(panel, label="All 28")
        assert panel_text(panel).count("%` ") == 28
        assert buttons(panel) == ["Heat map", "Top 3", "Try a variation"]
        await world.alice.click(panel, label="Top 3")
        assert panel_text(panel) == before
        assert len(world.channel.history()) == 1

    @pytest.mark.usefixtures("real_pictures")
    async def test_button_shows_the_heat_map_and_returns(self, world: World, panel: simcord.ResponseMessage) -> None:
        await world.alice.click(panel, label="Heat map")
        [attachment] = panel.attachments
        png = await attachment.read()
        assert png.startswith(b"\x89PNG")
        assert len(png) > 5000
        [seen] = pictures(panel)
        assert "RNN, from the left → odd: fear. happy: joy." in seen
        assert seen.endswith("BiLSTM, from the right ← happy: joy.")
        assert "> odd, but **happy**" in panel_text(panel)
        assert buttons(panel) == ["Hide the heat map", "All 28", "Try a variation"]
        await world.alice.click(panel, label="Hide the heat map")
        assert (panel.attachments, pictures(panel)) == ([], [])

    async def test_heat_map_leads_to_all_labels(self, world: World, panel: simcord.ResponseMessage) -> None:
        await world.alice.click(panel, label="Heat map")
        await world.alice.click(panel, label="All 28")
        assert (panel.attachments, panel_text(panel).count("%` ")) == ([], 28)

    async def test_variation_is_answered_in_a_new_message(self, world: World, panel: simcord.ResponseMessage) -> None:
        before = panel_text(panel)
        form = await world.alice.click(panel, label="Try a variation")
        assert form.modal
        [field] = [part for part in walk_components(form.modal["components"]) if part["type"] == 4]
        assert (field["value"], field["max_length"]) == ("odd, but happy", 4000)
        answer = await world.alice.submit_modal(form, {"text": "odd, but thanks"})
        shown = panel_text(panel_of(answer))
        assert shown.startswith("> odd, but thanks\nThey agree on **gratitude**")
        for name in ("RNN", "BiLSTM"):
            assert (
                f"**{name}**\n"
                "`Before      After      `\n"
                "`         1% █████▊  95%` 🙏 gratitude\n"
                "`█████▍  90%          1%` 😃 joy\n"
            ) in shown
        assert not answer.ephemeral
        assert panel_text(panel) == before
        assert len(world.channel.history()) == 2

    async def test_variation_and_original_share_one_deadline(
        self, world: World, panel: simcord.ResponseMessage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One after the other, each with its own deadline, they could take longer than Discord waits for an answer."""
        analyzer, events = world.bot.analyzer, list[str]()
        explain, compare = analyzer.explain, analyzer.compare

        async def explain_slowly(*arguments: str) -> Any:
            await asyncio.sleep(0)
            answer = await explain(*arguments)
            events.append("explained")
            return answer

        async def compare_and_note(*arguments: str) -> Any:
            events.append("asked to compare")
            return await compare(*arguments)

        monkeypatch.setattr(analyzer, "explain", explain_slowly)
        monkeypatch.setattr(analyzer, "compare", compare_and_note)
        form = await world.alice.click(panel, label="Try a variation")
        await world.alice.submit_modal(form, {"text": "odd, but thanks"})
        assert events == ["asked to compare", "explained"]

    async def test_variation_without_words_is_refused(self, world: World, panel: simcord.ResponseMessage) -> None:
        form = await world.alice.click(panel, label="Try a variation")
        assert private_text(await world.alice.submit_modal(form, {"text": "<@1>"})) == NO_WORDS

    @pytest.mark.parametrize("label", ["Heat map", "All 28", "Try a variation"])
    async def test_other_people_may_not_press_buttons(
        self, bob: simcord.MemberActor, panel: simcord.ResponseMessage, label: str
    ) -> None:
        before = panel_text(panel)
        result = await bob.click(panel, label=label)
        assert private_text(result) == NOT_YOURS
        assert (result.modal, panel_text(panel)) == (None, before)

    @pytest.mark.parametrize("page", ["heat", "all"])
    async def test_double_click_acts_once(self, world: World, panel: simcord.ResponseMessage, page: str) -> None:
        results = await press_twice(world, world.alice, panel, f"compare:{page}:{world.alice.id}:rnn+bilstm")
        assert all(result.acknowledged for result in results)
        assert len(pictures(panel)) == (page == "heat")
        assert (panel_text(panel).count("%` ") == 28) == (page == "all")
        assert world.env.errors == []

    async def test_panel_of_an_earlier_version_still_works(self, world: World, panel: simcord.ResponseMessage) -> None:
        stored = world.env.backend.get_message(panel.channel_id, panel.id)
        for part in walk_components(stored.components):
            if "custom_id" in part:
                part["custom_id"] = part["custom_id"].removesuffix(":rnn+bilstm")
        await world.alice.click(panel, custom_id=f"compare:heat:{world.alice.id}")
        assert names_in(panel) == ["RNN", "BiLSTM"]

    async def test_buttons_of_a_long_text_use_its_beginning(self, world: World) -> None:
        panel = panel_of(await world.alice.slash(world.channel, "compare", text=LONG))
        [quotation, *_] = panel_text(panel).split("\n")
        assert quotation.endswith((" so…", " happy…"))
        await world.alice.click(panel, label="All 28")
        await world.alice.click(panel, label="Heat map")
        assert panel_text(panel).startswith(quotation)
        form = await world.alice.click(panel, label="Try a variation")
        assert form.modal
        [field] = [part for part in walk_components(form.modal["components"]) if part["type"] == 4]
        assert LONG.startswith(field["value"])
        assert len(field["value"]) > 900

    async def test_panel_whose_text_is_gone_says_so(self, world: World, panel: simcord.ResponseMessage) -> None:
        stored = world.env.backend.get_message(panel.channel_id, panel.id)
        for part in walk_components(stored.components):
            if part.get("content", "").startswith("> odd, but happy"):
                part["id"] = 77
        for label in ("Heat map", "All 28", "Try a variation"):
            assert private_text(await world.alice.click(panel, label=label)) == EXPIRED

    async def test_panels_keep_no_state_in_the_bot(self, world: World, panel: simcord.ResponseMessage) -> None:
        before = list(world.bot.persistent_views)
        for _ in range(3):
            await world.alice.click(panel, label="All 28")
            await world.alice.click(panel, label="Heat map")
            form = await world.alice.click(panel, label="Try a variation")
            panel = panel_of(await world.alice.submit_modal(form, {"text": "happy"}))
        assert list(world.bot.persistent_views) == before


class TestMessageOfSomebodyElse:
    @pytest.fixture
    async def panel(self, world: World, bob: simcord.MemberActor) -> simcord.ResponseMessage:
        """The private panel that Alice sees of a message of Bob."""
        message = await bob.send(world.channel, "odd weather")
        return panel_of(await world.alice.context_menu(world.channel, "Compare emotions", message))

    async def test_buttons_belong_to_whoever_opened_the_panel(
        self, world: World, panel: simcord.ResponseMessage
    ) -> None:
        await world.alice.click(panel, label="All 28")
        await world.alice.click(panel, label="Heat map")
        assert len(pictures(panel)) == 1
        assert panel.ephemeral

    async def test_variation_is_private_too(
        self, world: World, bob: simcord.MemberActor, panel: simcord.ResponseMessage
    ) -> None:
        form = await world.alice.click(panel, label="Try a variation")
        answer = await world.alice.submit_modal(form, {"text": "odd, but happy"})
        assert answer.ephemeral
        assert len(world.channel.history(viewer=bob)) == 1
        again = await world.alice.click(panel_of(answer), label="All 28")
        assert again.acknowledged

    @pytest.mark.parametrize("label", ["Heat map", "All 28", "Try a variation"])
    async def test_author_who_opts_out_is_not_read_again(
        self, world: World, bob: simcord.MemberActor, panel: simcord.ResponseMessage, label: str
    ) -> None:
        await world.bot.store.opt_out(bob.id)
        assert private_text(await world.alice.click(panel, label=label)) == NOT_TO_BE_READ
        world.bot.store.cache.ready = False
        assert private_text(await world.alice.click(panel, label=label)) == NOT_READY

    @pytest.mark.parametrize("label", ["Heat map", "All 28", "Try a variation"])
    async def test_message_in_a_newly_excluded_channel_is_not_read_again(
        self, world: World, panel: simcord.ResponseMessage, label: str
    ) -> None:
        await world.configure(channels=[world.channel.id])
        assert private_text(await world.alice.click(panel, label=label)) == NOT_HERE

    async def test_variation_is_answered_without_an_original_that_may_not_be_read(
        self, world: World, bob: simcord.MemberActor, panel: simcord.ResponseMessage, bilstm: StubClassifier
    ) -> None:
        form = await world.alice.click(panel, label="Try a variation")
        await world.bot.store.opt_out(bob.id)
        bilstm.batches.clear()
        answer = panel_of(await world.alice.submit_modal(form, {"text": "happy"}))
        assert "Before" not in panel_text(answer)
        assert bilstm.batches == [["happy"]]

    @pytest.mark.parametrize(("label", "method"), [("Heat map", "predict_prefixes"), ("All 28", "compare")])
    async def test_button_shows_nothing_if_the_author_opts_out_meanwhile(
        self,
        world: World,
        bob: simcord.MemberActor,
        panel: simcord.ResponseMessage,
        monkeypatch: pytest.MonkeyPatch,
        label: str,
        method: str,
    ) -> None:
        opt_out_after_reading(world, monkeypatch, bob, method)
        before = panel_text(panel)
        result = await world.alice.click(panel, label=label)
        messages = result.followups or [response_of(result)]
        assert [(message.content, message.ephemeral) for message in messages] == [(NOT_TO_BE_READ, True)]
        assert panel_text(panel) == before
        assert pictures(panel) == []

    async def test_variation_is_shown_alone_if_the_author_opts_out_meanwhile(
        self,
        world: World,
        bob: simcord.MemberActor,
        panel: simcord.ResponseMessage,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        form = await world.alice.click(panel, label="Try a variation")
        opt_out_after_reading(world, monkeypatch, bob, "compare")
        answer = panel_text(panel_of(await world.alice.submit_modal(form, {"text": "happy"})))
        assert answer.startswith("> happy\n")
        assert "Before" not in answer

    async def test_own_variations_are_read_although_the_author_opted_out(
        self, world: World, panel: simcord.ResponseMessage
    ) -> None:
        await world.bot.store.opt_out(world.alice.id)
        form = await world.alice.click(panel, label="Try a variation")
        answer = panel_of(await world.alice.submit_modal(form, {"text": "happy"}))
        await world.alice.click(answer, label="All 28")
        assert panel_text(answer).count("%` ") == 28


class TestManyRequests:
    async def test_each_person_gets_one_explanation_at_a_time(self, world: World, bob: simcord.MemberActor) -> None:
        requests = [(world.alice, "happy"), (world.alice, "thanks"), (bob, "odd"), (world.alice, "plain")]
        answers = await compare_concurrently(world, *requests)
        assert [panel_text(panel_of(answers[place])).split("\n")[0] for place in (0, 2)] == ["> happy", "> odd"]
        assert [private_text(answers[place]) for place in (1, 3)] == [ONE_AT_A_TIME] * 2
        assert panel_of(await world.alice.slash(world.channel, "compare", text="thanks"))

    async def test_failed_explanation_does_not_block_the_next(
        self, world: World, bilstm: StubClassifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(bilstm, "_predict", None)
            assert private_text(await world.alice.slash(world.channel, "compare", text="happy")) == BROKEN
        assert len(world.env.errors) == 1
        assert panel_of(await world.alice.slash(world.channel, "compare", text="happy"))

    async def test_many_texts_in_a_row_are_rate_limited(self, world: World, bob: simcord.MemberActor) -> None:
        for _ in range(MAX_TEXTS - 2):
            await world.alice.slash(world.channel, "compare", text="happy")
        message = await bob.send(world.channel, "odd weather")
        panel = panel_of(await world.alice.context_menu(world.channel, "Compare emotions", message))
        form = await world.alice.click(panel, label="Try a variation")
        await world.alice.click(panel, label="Heat map")
        refusals = [
            await world.alice.slash(world.channel, "compare", text="happy"),
            await world.alice.context_menu(world.channel, "Compare emotions", message),
            await world.alice.click(panel, label="All 28"),
            await world.alice.submit_modal(form, {"text": "thanks"}),
        ]
        sentence = re.escape(TOO_MANY).replace(r"\{when\}", r"<t:\d+:R>")
        assert all(re.fullmatch(sentence, private_text(refusal)) for refusal in refusals)
        assert panel_of(await bob.slash(world.channel, "compare", text="happy"))
        await world.env.advance_time(WINDOW + 1)
        assert panel_of(await world.alice.slash(world.channel, "compare", text="happy"))


class TestAfterARestart:
    @pytest.fixture
    async def restart(self, world: World, models: dict[str, Classifier]) -> AsyncIterator[Restart]:
        async with bot_restarts(world, models) as restart:
            yield restart

    async def test_panel_still_works(
        self,
        world: World,
        bob: simcord.MemberActor,
        panel: simcord.ResponseMessage,
        restart: Restart,
    ) -> None:
        await world.alice.click(panel, label="All 28")
        await restart()
        await world.alice.click(panel, label="Heat map")
        assert len(pictures(panel)) == 1
        await world.alice.click(panel, label="Hide the heat map")
        assert "> odd, but **happy**" in panel_text(panel)
        assert private_text(await bob.click(panel, label="All 28")) == NOT_YOURS

    async def test_open_form_still_works(self, world: World, panel: simcord.ResponseMessage, restart: Restart) -> None:
        form = await world.alice.click(panel, label="Try a variation")
        await restart()
        answer = await world.alice.submit_modal(form, {"text": "thanks"})
        assert "**gratitude**" in panel_text(panel_of(answer))


class TestWhenItFails:
    @pytest.mark.parametrize("label", ["Heat map", "All 28"])
    async def test_failure_is_reported_to_whoever_pressed(
        self,
        world: World,
        panel: simcord.ResponseMessage,
        bilstm: StubClassifier,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        label: str,
    ) -> None:
        def fail(text: str) -> None:
            raise ValueError(f"cannot read {text!r}")

        monkeypatch.setattr(bilstm, "_predict", fail)
        before = panel_text(panel)
        result = await world.alice.click(panel, label=label)
        messages = result.followups or [response_of(result)]
        assert [(message.content, message.ephemeral) for message in messages] == [(BROKEN, True)]
        assert panel_text(panel) == before
        assert "A button of /compare failed" in caplog.text
        assert "happy" not in caplog.text

    async def test_a_busy_bot_says_so(self, world: World, panel: simcord.ResponseMessage) -> None:
        form = await world.alice.click(panel, label="Try a variation")
        await world.bot.analyzer.close()
        assert private_text(await world.alice.click(panel, label="All 28")) == BUSY
        assert private_text(await world.alice.submit_modal(form, {"text": "thanks"})) == BUSY
        assert len(world.env.errors) == 1


class TestWithoutAText:
    async def test_form_asks_for_the_text(self, world: World) -> None:
        form = await world.alice.slash(world.channel, "compare")
        assert form.modal
        assert form.modal["title"] == "Compare a text"
        answer = await world.alice.submit_modal(form, {"text": "odd weather"})
        assert panel_text(panel_of(answer)).startswith("> odd weather\nThey disagree")
        assert not answer.ephemeral

    async def test_form_keeps_the_other_options(self, world: World) -> None:
        form = await world.alice.slash(world.channel, "compare", blind=True)
        await world.alice.slash(world.channel, "compare")  # another form, which was opened since
        panel = panel_of(await world.alice.submit_modal(form, {"text": "odd weather"}))
        assert buttons(panel) == ["A", "B", "Both", "Neither"]

    @pytest.mark.parametrize("blind", [False, True])
    async def test_the_form_works_after_a_restart(
        self, world: World, models: dict[str, Classifier], blind: bool
    ) -> None:
        form = await world.alice.slash(world.channel, "compare", blind=blind, models="BiLSTM + RNN")
        async with bot_restarts(world, models) as restart:
            await restart()
            answer = await world.alice.submit_modal(form, {"text": "odd weather"})
            assert ("A" in buttons(panel_of(answer))) == blind

    async def test_after_a_restart_with_one_model_a_blind_form_is_refused(
        self, world: World, models: dict[str, Classifier]
    ) -> None:
        form = await world.alice.slash(world.channel, "compare", blind=True)
        async with bot_restarts(world, {"bilstm": models["bilstm"]}) as restart:
            await restart()
            answer = await world.alice.submit_modal(form, {"text": "odd weather"})
            assert private_text(answer) == "A blind comparison needs two models, and only the BiLSTM is loaded."

    async def test_form_without_words_is_refused(self, world: World) -> None:
        form = await world.alice.slash(world.channel, "compare")
        assert private_text(await world.alice.submit_modal(form, {"text": "<@1>"})) == NO_WORDS


async def test_every_word_is_translated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    install_bracket_language(monkeypatch)
    panel = panel_of(await world.alice.slash(world.channel, "compare", text="odd"))
    for label in ("«Heat map»", "«Hide the heat map»", "«All 28»", "«Top 3»"):
        assert untranslated_words(panel) <= {"odd", "RNN", "BiLSTM", "ms"}
        await world.alice.click(panel, label=label)
    for form in (
        await world.alice.click(panel, label="«Try a variation»"),
        await world.alice.slash(world.channel, "compare"),
    ):
        assert form.modal
        [field, _] = walk_components(form.modal["components"])
        assert re.fullmatch("(«[^«»]*»){3}", form.modal["title"] + field["label"] + field["description"])


def untranslated_words(panel: simcord.ResponseMessage) -> set[str]:
    """Return the words of a panel that are not in «brackets»."""
    text = " ".join([panel_text(panel), *buttons(panel)])
    while (shorter := re.sub("«[^«»]*»", "", text)) != text:
        text = shorter
    return set(re.findall(r"[^\W\d_]+", text))


async def test_failure_is_reported_and_logged_without_the_text(
    world: World,
    bilstm: StubClassifier,
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
    assert "'compare' failed" in caplog.text
    assert "secret" not in caplog.text


async def test_failure_after_the_answer_is_reported_in_another_message(
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


async def test_failure_that_cannot_be_reported_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.env.inject_error("POST", "/interactions/*", status=404, code=10062, times=None)
    await world.alice.slash(world.channel, "compare", text="a secret")
    assert len(world.env.errors) == 1
    assert "but the user could not be told: HTTP 404, code 10062" in caplog.text
    assert "secret" not in caplog.text


async def test_a_busy_bot_says_so(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.bot.analyzer.close()
    result = await world.alice.slash(world.channel, "compare", text="happy")
    assert result.response
    assert (result.response.content, result.ephemeral) == (BUSY, True)
    assert len(world.env.errors) == 1
    assert "'compare' was not answered: the analyzer is closed" in caplog.text


class TestWithMoreThanTwoModels:
    @pytest.fixture
    def models(self, bilstm: StubClassifier) -> dict[str, Classifier]:
        strongest = {"rnn": "fear", "gru": "pride", "lstm": "joy"}
        others = {name: StubClassifier({"odd": prediction_of(**{label: 0.7})}) for name, label in strongest.items()}
        return {**others, "bilstm": bilstm}

    async def test_two_models_answer_by_default(self, world: World) -> None:
        panel = panel_of(await world.alice.slash(world.channel, "compare", text="odd"))
        assert names_in(panel) == ["RNN", "BiLSTM"]
        await world.configure(model="lstm")
        message = await world.alice.send(world.channel, "odd weather")
        panel = panel_of(await world.alice.context_menu(world.channel, "Compare emotions", message))
        assert names_in(panel) == ["LSTM", "BiLSTM"]

    async def test_choices_are_autocompleted(self, world: World) -> None:
        offered = await world.alice.autocomplete(world.channel, "compare", "models", "gru", text="odd")
        assert [choice["value"] for choice in offered] == [
            *("RNN + GRU", "GRU + LSTM", "GRU + BiLSTM"),
            "RNN + GRU + LSTM + BiLSTM",
        ]
        offered = await world.alice.autocomplete(world.channel, "compare", "models", "gru", text="odd", blind=True)
        assert [choice["name"] for choice in offered] == ["RNN + GRU", "GRU + LSTM", "GRU + BiLSTM"]

        offered = await world.alice.autocomplete(world.channel, "compare", "models", "gru", standings=True)
        assert [choice["name"] for choice in offered] == ["RNN + GRU", "GRU + LSTM", "GRU + BiLSTM"]

    async def test_form_uses_the_chosen_models(self, world: World) -> None:
        form = await world.alice.slash(world.channel, "compare", models="LSTM GRU")
        await world.alice.slash(world.channel, "compare")  # another form, which was opened since
        panel = panel_of(await world.alice.submit_modal(form, {"text": "odd"}))
        assert names_in(panel) == ["GRU", "LSTM"]
        refused = await world.alice.slash(world.channel, "compare", models="GRU")
        assert private_text(refused) == "Please choose two of the models that are loaded: RNN, GRU, LSTM, BiLSTM."

    async def test_buttons_use_the_chosen_models(self, world: World) -> None:
        panel = panel_of(await world.alice.slash(world.channel, "compare", text="odd", models="GRU + LSTM"))
        assert "They disagree: the GRU heard **pride** 🦁, the LSTM heard **joy** 😃." in panel_text(panel)
        await world.alice.click(panel, label="All 28")
        assert "`GRU         LSTM       `" in panel_text(panel)
        await world.alice.click(panel, label="Heat map")
        assert [name in pictures(panel)[0] for name in ("GRU", "LSTM", "RNN")] == [True, True, False]
        await world.alice.click(panel, label="Hide the heat map")
        assert names_in(panel) == ["GRU", "LSTM"]
        form = await world.alice.click(panel, label="Try a variation")
        varied = panel_of(await world.alice.submit_modal(form, {"text": "so odd"}))
        assert names_in(varied) == ["GRU", "LSTM"]
        assert panel_text(varied).count("Before") == 2

    async def test_unknown_model_is_refused(self, world: World) -> None:
        result = await world.alice.slash(world.channel, "compare", text="odd", models="GRU + transformer")
        assert private_text(result) == ("I have no model called transformer; these are loaded: RNN, GRU, LSTM, BiLSTM.")

    async def test_panel_of_removed_models_shows_the_default_ones(
        self, world: World, models: dict[str, Classifier]
    ) -> None:
        panel = panel_of(await world.alice.slash(world.channel, "compare", text="odd", models="GRU + LSTM"))
        async with bot_restarts(world, {name: model for name, model in models.items() if name != "gru"}) as restart:
            await restart()
            await world.alice.click(panel, label="Heat map")
            assert names_in(panel) == ["RNN", "BiLSTM"]


def names_in(panel: simcord.ResponseMessage) -> list[str]:
    """Return the models whose answers a panel shows."""
    return re.findall(r"^\*\*(\w+)\*\*$", panel_text(panel), re.MULTILINE)


async def test_two_models_can_be_chosen(world: World) -> None:
    offered = await world.alice.autocomplete(world.channel, "compare", "models", "", text="odd")
    assert [choice["value"] for choice in offered] == ["RNN + BiLSTM"]
    panel = panel_of(await world.alice.slash(world.channel, "compare", text="odd", models="RNN + BiLSTM"))
    assert names_in(panel) == ["RNN", "BiLSTM"]
