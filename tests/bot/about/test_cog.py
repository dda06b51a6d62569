from __future__ import annotations

import dataclasses
import threading
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import simcord

from bot import Emobot, create_bot
from bot.configuration import Configuration, load_configuration
from bot.store import Store, StoreError
from classifiers import LABELS, Classifier, model_directory
from classifiers.model_directory import MANIFEST, Manifest, ModelCard
from tests.bot.interactions import install_bracket_language, private_response, untranslated_words
from tests.bot.support import StubClassifier, World

PROJECT = Path(__file__).parents[3] / "pyproject.toml"
FIGURES = {
    "RNN": "**RNN**: macro-F1 0.400, top-1 0.500",
    "BiLSTM": "**BiLSTM**: macro-F1 0.450, calibration error 0.006",
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A model directory that contains only the manifest."""

    def card(**test: float) -> ModelCard:
        return ModelCard(embedding=4, parameters=9, epochs=1, temperature=1.0, thresholds=(0.3,) * 28, test=test)

    manifest = Manifest(
        command="python train.py",
        dataset="none",
        dataset_sha256="",
        labels=LABELS,
        multi_label=True,
        max_tokens=64,
        models={"rnn": card(macro_f1=0.4, top1=0.5), "bilstm": card(macro_f1=0.45, ece=0.0064)},
    )
    (tmp_path / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return tmp_path


@pytest.fixture
def configuration(directory: Path) -> Configuration:
    return Configuration(models=directory)


async def about(world: World) -> simcord.ResponseMessage:
    return private_response(await world.alice.slash(world.channel, "about"))


async def figures(world: World) -> simcord.ResponseMessage:
    return private_response(await world.alice.click(await about(world), label="Figures"))


def part(message: simcord.ResponseMessage, title: str) -> list[str]:
    """Return the lines under a title, or none if there is no such title."""
    [embed] = message.embeds
    return [line for field in embed.fields if field.name == title for line in str(field.value).splitlines()]


def links(message: simcord.ResponseMessage) -> dict[str, str]:
    buttons = [button for row in message.components for button in row["components"]]
    return {button["label"]: button["url"] for button in buttons if "url" in button}


async def test_about_shows_version_and_purpose_privately(world: World, bob: simcord.MemberActor) -> None:
    message = await about(world)
    [embed] = message.embeds
    assert embed.title == f"Emobot {tomllib.loads(PROJECT.read_text())['project']['version']}"
    assert embed.description == "I read messages, and when one shows a clear emotion, I react with a matching emoji."
    assert part(message, "Your data") == ["Use /privacy to see what is kept about you, or to opt out."]
    assert world.channel.history(viewer=bob) == []


async def test_about_is_available_to_everybody_everywhere(world: World) -> None:
    command = world.env.backend.commands[None]["about", 1]
    assert sorted(command["contexts"]) == [0, 1, 2]
    assert sorted(command["integration_types"]) == [0, 1]
    assert command.get("default_member_permissions") is None


async def test_about_says_if_nobody_has_answered(world: World) -> None:
    assert part(await about(world), "What people say") == ["Nobody has told me yet whether I was right."]


async def test_agreement_of_people_is_shown(world: World) -> None:
    store = world.bot.store
    for heard, meant in [("joy", "joy"), ("joy", "joy"), ("joy", "love"), ("fear", "fear")]:
        await store.add_correction(world.guild.id, heard, meant)
    await store.add_correction(0, "joy", "grief")
    assert part(await about(world), "What people say") == [
        "In this server: right in 75% of 4 answers",
        "Everywhere: right in 60% of 5 answers",
    ]


async def test_server_without_answers_shows_only_the_overall_agreement(world: World) -> None:
    await world.bot.store.add_correction(world.guild.id + 1, "joy", "joy")
    assert part(await about(world), "What people say") == [
        "Nobody in this server has told me yet whether I was right.",
        "Everywhere: right in 100% of 1 answer",
    ]


async def test_about_works_in_direct_messages(world: World) -> None:
    await world.bot.store.add_correction(world.guild.id, "joy", "joy")
    message = private_response(await world.alice.user.slash("about"))
    assert part(message, "What people say") == ["Everywhere: right in 100% of 1 answer"]
    message = private_response(await world.alice.user.click(message, label="Figures"))
    assert part(message, "Right now") == ["Latency: 0 ms", "Servers: 1"]
    assert part(message, "My models")[1] == f"{FIGURES['BiLSTM']} · reacts here"


async def test_about_answers_before_it_asks_the_store(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that does not respond takes seconds for each question, but Discord waits for only three."""
    answered = []

    async def corrections(_store: Store, _guild_id: int | None = None) -> dict[tuple[str, str], int]:
        answered.append(world.env.http_requests[-1].path.endswith("/callback"))
        return {}

    monkeypatch.setattr(Store, "corrections", corrections)
    await about(world)
    assert answered == [True, True]


async def test_standings_of_blind_comparisons_are_shown(world: World) -> None:
    [line] = part(await about(world), "Blind comparisons")
    assert line == "No votes yet: `/compare` with `blind` shows two answers to choose from, without names."
    for _ in range(30):
        await world.bot.store.add_verdict(world.guild.id, ("rnn", "bilstm"), "rnn")
    await world.bot.store.add_verdict(0, ("rnn", "bilstm"), "both")
    assert part(await about(world), "Blind comparisons") == [
        "30 votes in this server: RNN 30, BiLSTM 0, both 0, neither 0.",
        "The RNN is ahead with 100% of 30 votes for one of the two; the 95% confidence interval is 89% to 100%.",
    ]
    everywhere, _ = part(private_response(await world.alice.user.slash("about")), "Blind comparisons")
    assert everywhere == "31 votes everywhere: RNN 30, BiLSTM 0, both 1, neither 0."


class TestWithMoreModels:
    @pytest.fixture
    def models(self, bilstm: StubClassifier) -> dict[str, Classifier]:
        return dict.fromkeys(("rnn", "gru", "lstm", "bilstm"), bilstm)

    async def test_standings_are_shown_for_each_pair_with_votes(self, world: World) -> None:
        await world.bot.store.add_verdict(world.guild.id, ("lstm", "gru"), "gru")
        await world.bot.store.add_verdict(world.guild.id + 1, ("rnn", "gru"), "gru")
        [embed] = (await about(world)).embeds
        fields = {field.name: field.value for field in embed.fields if str(field.name).startswith("Blind")}
        assert list(fields) == ["Blind comparisons", "Blind comparisons: GRU + LSTM"]
        assert str(fields["Blind comparisons"]).startswith("No votes yet:")
        assert str(fields["Blind comparisons: GRU + LSTM"]).startswith("1 vote in this server: GRU 1, LSTM 0,")


class TestWithOneModel:
    @pytest.fixture
    def models(self, bilstm: StubClassifier) -> dict[str, Classifier]:
        return {"bilstm": bilstm}

    async def test_standings_are_left_out(self, world: World) -> None:
        assert part(await about(world), "Blind comparisons") == []


async def test_about_shows_everything_else_if_the_store_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_arguments: Any) -> None:
        raise StoreError("the database is locked")

    for method in ("corrections", "verdicts"):
        monkeypatch.setattr(Store, method, fail)
    message = await about(world)
    for title in ("What people say", "Blind comparisons"):
        assert part(message, title) == ["I can't look that up right now."]
    assert part(await figures(world), "My models")


async def test_figures_are_shown_only_on_request(world: World) -> None:
    message = await about(world)
    assert part(message, "Model") == [
        "My BiLSTM reads the messages here; `/compare` shows what each model makes of a text."
    ]
    assert part(message, "My models") == part(message, "Right now") == []
    await world.configure(model="rnn")
    assert part(await about(world), "Model")[0].startswith("My RNN reads")


async def test_figures_name_the_reacting_model_and_the_quality_of_each(world: World) -> None:
    assert part(await figures(world), "My models") == [
        FIGURES["RNN"],
        f"{FIGURES['BiLSTM']} · reacts here",
    ]
    await world.configure(model="gru")  # a model that the operator has removed since
    assert part(await figures(world), "My models")[1] == f"{FIGURES['BiLSTM']} · reacts here"
    await world.configure(model="rnn")
    assert part(await figures(world), "My models") == [
        f"{FIGURES['RNN']} · reacts here",
        FIGURES["BiLSTM"],
    ]


class TestReadingManifest:
    @pytest.fixture
    def readers(self, monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
        """The threads in which the manifest was read."""
        readers = []

        def read(path: Path) -> Manifest:
            readers.append(threading.current_thread())
            return model_directory.read_manifest(path)

        monkeypatch.setattr("bot.about.cog.read_manifest", read)
        return readers

    async def test_manifest_is_read_once_and_off_the_event_loop(
        self, readers: list[threading.Thread], world: World
    ) -> None:
        for _ in range(2):
            assert part(await figures(world), "My models")
        [reader] = readers
        assert reader is not threading.main_thread()


class TestWithoutAModelDirectory:
    @pytest.fixture
    def configuration(self, tmp_path: Path) -> Configuration:
        return Configuration(models=tmp_path / "none")

    async def test_figures_are_left_out_without_a_model_directory(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        message = await figures(world)
        assert part(message, "My models") == []
        assert part(message, "Right now")
        assert "There is no model directory at" in caplog.get_records("setup")[0].getMessage()


@pytest.mark.parametrize(
    ("latency", "line"),
    [
        (0.0424, "Latency: 42 ms"),
        (float("nan"), "Latency: not measured yet"),
        (float("inf"), "Latency: not measured yet"),
    ],
)
async def test_figures_show_latency_servers_and_shard(
    world: World, monkeypatch: pytest.MonkeyPatch, latency: float, line: str
) -> None:
    world.env.create_guild("Elsewhere")
    monkeypatch.setattr(Emobot, "latency", latency)
    assert part(await figures(world), "Right now") == [line, "Servers: 2", "Shard: 0 (1 in all)"]


async def test_each_server_sees_its_own_shard(configuration: Configuration, models: dict[str, Classifier]) -> None:
    bot = create_bot(configuration, models=models)
    bot.shard_count = 2
    async with bot, simcord.run(bot) as env:
        for shard in range(2):
            guild = env.create_guild(shard_id=shard)
            channel = guild.create_text_channel("general")
            alice = guild.add_member(env.create_user(f"alice{shard}"))
            message = private_response(
                await alice.click(private_response(await alice.slash(channel, "about")), label="Figures")
            )
            assert part(message, "Right now")[2] == f"Shard: {shard} (2 in all)"


class TestWithOneOfSeveralProcesses:
    @pytest.fixture
    def configuration(self, directory: Path) -> Configuration:
        return Configuration(models=directory, shard_count=8, shard_ids=(0, 1, 2, 5))

    async def test_figures_show_the_shards_and_servers_of_this_process(self, world: World) -> None:
        assert part(await figures(world), "Right now")[1:] == [
            "Servers of this process: 1",
            "Shards of this process: 0-2, 5",
            f"Shard: {(world.guild.id >> 22) % 8} (8 in all)",
        ]

    async def test_every_word_is_translated(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        message = await about(world)
        install_bracket_language(monkeypatch)
        curious = private_response(await world.alice.click(message, custom_id="about:figures"))
        assert set(untranslated_words(curious).split()) == {"RNN", "BiLSTM"}


async def test_links_that_are_not_configured_are_left_out(world: World) -> None:
    assert links(await about(world)) == {}


class TestWithLinks:
    @pytest.fixture
    def configuration(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
        monkeypatch.setenv("EMOBOT_SOURCE_URL", "https://example.com/emobot")
        monkeypatch.setenv("EMOBOT_PRIVACY_URL", "https://example.com/privacy")
        return dataclasses.replace(load_configuration(), models=directory)

    async def test_links_are_shown(self, world: World) -> None:
        assert links(await about(world)) == {
            "Source code": "https://example.com/emobot",
            "Privacy policy": "https://example.com/privacy",
        }

    async def test_every_word_is_translated(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        install_bracket_language(monkeypatch)
        message = await about(world)
        assert untranslated_words(message) == "Emobot"
        curious = private_response(await world.alice.click(message, custom_id="about:figures"))
        assert set(untranslated_words(curious).split()) == {"RNN", "BiLSTM"}
        await world.bot.store.add_correction(world.guild.id, "joy", "joy")
        await world.bot.store.add_verdict(world.guild.id, ("rnn", "bilstm"), "rnn")
        assert set(untranslated_words(await about(world)).split()) <= {"Emobot", "RNN", "BiLSTM"}


class TestWithOneLink:
    @pytest.fixture
    def configuration(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
        monkeypatch.setenv("EMOBOT_PRIVACY_URL", "https://example.com/privacy")
        return dataclasses.replace(load_configuration(), models=directory)

    async def test_missing_link_is_left_out(self, world: World) -> None:
        assert links(await about(world)) == {"Privacy policy": "https://example.com/privacy"}
