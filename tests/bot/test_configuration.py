from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from bot.configuration import Configuration, ConfigurationError, load_configuration
from classifiers import PRETRAINED
from classifiers.training.downloads import DATA_DIR_VARIABLE

EXAMPLE = Path(__file__).parents[2] / ".env.example"
VARIABLES = [field.metadata["variable"] for field in dataclasses.fields(Configuration)]


def test_defaults_are_used_without_variables() -> None:
    configuration = load_configuration()
    assert configuration.discord_token is None
    assert configuration.models == PRETRAINED
    assert (configuration.reacts_with, configuration.min_certainty) == ("bilstm", None)
    assert (configuration.dev_guild, configuration.log_level) == (None, "INFO")


def test_example_lists_every_variable_with_default_and_description() -> None:
    listed = re.findall(r"^# .+\n(\w+)=", EXAMPLE.read_text(), flags=re.MULTILINE)
    assert len(listed) == len(set(listed)) == EXAMPLE.read_text().count("=")
    assert sorted(listed) == sorted(VARIABLES)
    without = load_configuration()
    Path(".env").write_text(EXAMPLE.read_text())
    assert load_configuration() == without


def test_example_shows_the_actual_defaults() -> None:
    shown = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE.read_text(), flags=re.MULTILINE))
    for field in dataclasses.fields(Configuration):
        text = shown[field.metadata["variable"]]
        if field.default in (None, PRETRAINED):
            assert text == ""
        else:
            assert field.metadata["parse"](text) == field.default


def test_environment_takes_precedence_over_the_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(
        "\ufeffDISCORD_TOKEN = 'MQ.a.b'\nEMOBOT_MIN_CERTAINTY=0.7\nEMOBOT_REACTS_WITH=rnn\n"
        "EMOBOT_LOG_LEVEL=debug\nREDIS_URL=of-another-program\n"
    )
    monkeypatch.setenv("EMOBOT_MIN_CERTAINTY", "0.9")
    configuration = load_configuration()
    assert (configuration.discord_token, configuration.min_certainty) == ("MQ.a.b", 0.9)
    assert (configuration.reacts_with, configuration.log_level) == ("rnn", "DEBUG")


@pytest.mark.parametrize("blank", ["", "   ", "\t"])
def test_a_blank_token_counts_as_absent(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", blank)
    assert load_configuration().discord_token is None


def test_database_url_may_omit_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://me:a%40b@db/emobot?sslmode=require")
    assert load_configuration().database_url == "postgresql+asyncpg://me:a%40b@db/emobot?ssl=require"


def test_partial_shards_require_a_shared_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARD_COUNT", "16")
    monkeypatch.setenv("SHARD_IDS", "0-3")
    with pytest.raises(ConfigurationError, match=r"^SHARD_IDS must leave no shard .* SQLite: set DATABASE_URL"):
        load_configuration()
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@db/emobot")
    configuration = load_configuration()
    assert (configuration.shard_count, configuration.shard_ids) == (16, (0, 1, 2, 3))


def test_all_shards_in_one_process_accept_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARD_COUNT", "4")
    assert load_configuration() == Configuration(shard_count=4)
    monkeypatch.setenv("SHARD_IDS", "0-3")
    assert load_configuration() == Configuration(shard_count=4)
    monkeypatch.delenv("SHARD_COUNT")
    monkeypatch.setenv("SHARD_IDS", "auto/1")  # with a shard for each process
    monkeypatch.setattr("bot.shards.gethostname", lambda: "emobot-0")
    assert load_configuration() == Configuration(shard_count=1)


def test_shards_that_contradict_the_shard_count_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARD_IDS", "0-3")
    with pytest.raises(ConfigurationError, match=r"^SHARD_IDS must be set together with SHARD_COUNT.*\.$"):
        load_configuration()
    monkeypatch.setenv("SHARD_COUNT", "0")
    with pytest.raises(ConfigurationError, match=r"^SHARD_COUNT must be a whole number from 1 .*"):
        load_configuration()


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("EMOBOT_MOOD_DAYS=7\nEMOBOT_DEV_GUILD\n")
    monkeypatch.setenv("EMOBOT_MOOD_DAYS", "")
    assert (load_configuration().mood_days, load_configuration().dev_guild) == (7, None)


def test_variables_may_be_in_lower_case(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("emobot_mood_days=7\n")
    monkeypatch.setenv("emobot_reacts_with", "rnn")
    assert (load_configuration().mood_days, load_configuration().reacts_with) == (7, "rnn")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("EMOBOT_REACT_WITH", "did you mean EMOBOT_REACTS_WITH?"),
        ("emobot_loglevel", "did you mean EMOBOT_LOG_LEVEL?"),
        ("EMOBOT_MODEL", "did you mean EMOBOT_MODELS?"),
        ("EMOBOT_CERTAINTY", "did you mean EMOBOT_MIN_CERTAINTY?"),
        ("EMOBOT_TOKEN", "did you mean DISCORD_TOKEN?"),
        ("EMOBOT_DATABASE_URL", "did you mean DATABASE_URL?"),
        ("EMOBOT_FUTURE", f"those are {', '.join(VARIABLES)}"),
        ("EMOBOT_", f"those are {', '.join(VARIABLES)}"),
    ],
)
@pytest.mark.parametrize("where", ["environment", "file"])
def test_unknown_setting_is_reported_with_a_suggestion(
    monkeypatch: pytest.MonkeyPatch, where: str, name: str, hint: str
) -> None:
    if where == "file":
        Path(".env").write_text(f"{name}=secret\n")
    else:
        monkeypatch.setenv(name, "secret")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration()
    assert str(caught.value) == f"{name.upper()} is not a setting ({hint})."


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DATABASE_ULR", "DATABASE_URL"),
        ("database_uri", "DATABASE_URL"),
        ("DISCORD_BOT_TOKEN", "DISCORD_TOKEN"),
        ("SHARD_ID", "SHARD_IDS"),
        ("DISCORD_GATEWAY", "DISCORD_GATEWAY_URL"),
    ],
)
def test_misspelt_setting_in_the_file_is_reported_with_a_suggestion(name: str, meant: str) -> None:
    Path(".env").write_text(f"{name}=secret\n")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration()
    assert str(caught.value) == f"{name.upper()} is not a setting (did you mean {meant}?)."


def test_similar_names_are_ignored_in_the_environment_or_beside_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URI", "of another program")
    Path(".env").write_text("DISCORD_TOKEN=MQ.abc.123\nDISCORD_TOKEN_2=MQ.abc.456\nPOSTGRES_PASSWORD=secret\n")
    assert load_configuration() == Configuration(discord_token="MQ.abc.123")


def test_variables_of_training_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_DIR_VARIABLE, "data")
    monkeypatch.setenv("EMOBOTICS_URL", "of another program")
    assert load_configuration() == Configuration()


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "MQ.abc.123")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@db/emobot")
    printed = repr(load_configuration())
    assert "abc" not in printed
    assert "secret" not in printed


def test_web_address_may_be_internationalised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOBOT_SOURCE_URL", "https://bücher.example/über")
    assert load_configuration().source_url == "https://xn--bcher-kva.example/%C3%BCber"


def test_model_path_may_use_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOBOT_MODELS", "~/models")
    assert load_configuration().models == Path.home() / "models"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("DISCORD_TOKEN", "se cret", "the token of your bot"),
        ("DISCORD_TOKEN", "12345678901234567", "the token of your bot, not the id of the application"),
        ("EMOBOT_REACTS_WITH", "secret", "rnn, gru, lstm"),
        ("EMOBOT_MIN_CERTAINTY", "1.01", "a number from 0 to 1"),
        ("EMOBOT_MIN_CERTAINTY", "-0.1", "a number from 0 to 1"),
        ("EMOBOT_MIN_CERTAINTY", "nan", "a number from 0 to 1"),
        ("EMOBOT_MIN_CERTAINTY", "secret", "a number from 0 to 1"),
        ("EMOBOT_MOOD_DAYS", "0", "a whole number of days from 1 to 3650"),
        ("EMOBOT_MOOD_DAYS", "3651", "a whole number of days from 1 to 3650"),
        ("EMOBOT_MOOD_DAYS", "7.5", "a whole number of days from 1 to 3650"),
        ("SHARD_COUNT", "secret", "a whole number from 1 to 100000"),
        ("SHARD_COUNT", "0", "a whole number from 1 to 100000"),
        ("SHARD_IDS", "secret", "shards, as in 0-3,8, or auto/ and the number of processes, as in auto/16"),
        ("EMOBOT_REQUESTS_PER_SECOND", "0", "a whole number from 1 to 10000"),
        ("EMOBOT_REQUESTS_PER_SECOND", "secret", "a whole number from 1 to 10000"),
        ("EMOBOT_SOURCE_URL", "secret", "a web address that begins with https:// or http://"),
        ("EMOBOT_SOURCE_URL", "ftp://secret", "a web address that begins with https:// or http://"),
        ("EMOBOT_SOURCE_URL", "https://", "a web address that begins with https:// or http://"),
        ("EMOBOT_PRIVACY_URL", "https://se cret", "a web address that begins with https:// or http://"),
        ("EMOBOT_PRIVACY_URL", "https://secret:x", "a web address that begins with https:// or http://"),
        ("EMOBOT_DEV_GUILD", "9223372036854775808", "the numeric id of a Discord server"),
        ("EMOBOT_DEV_GUILD", "secret", "the numeric id of a Discord server"),
        ("EMOBOT_DEV_GUILD", "0", "the numeric id of a Discord server"),
        ("EMOBOT_LOG_LEVEL", "secret", "DEBUG, INFO, WARNING or ERROR"),
        ("EMOBOT_LOG_FORMAT", "secret", "text or json"),
        ("EMOBOT_HEALTH_PORT", "0", "the number of a TCP port, from 1 to 65535"),
        ("EMOBOT_HEALTH_PORT", "65536", "the number of a TCP port, from 1 to 65535"),
        ("EMOBOT_HEALTH_HOST", "secret.example", "an IP address of this computer"),
    ],
)
def test_invalid_value_is_reported_by_name_but_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration()
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} must be {allowed}")
    assert sentence.count("\n") == 0
    assert "cret" not in sentence


def test_all_invalid_values_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOBOT_MIN_CERTAINTY", "2")
    monkeypatch.setenv("EMOBOT_DEV_GUILD", "x")
    with pytest.raises(ConfigurationError, match=r"^EMOBOT_MIN_CERTAINTY must .*; EMOBOT_DEV_GUILD must be [^;]*\.$"):
        load_configuration()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("DISCORD_TOKEN: secret", 1),
        ("# mine\nDISCORD_TOKEN secret\n", 2),
        ("\n\nEMOBOT_MOOD_DAYS=7\n\n  \n=secret\n", 6),
        ("EMOBOT_MOOD_DAYS=7\n\nDISCORD_TOKEN='secret\nEMOBOT_LOG_LEVEL=DEBUG\n", 3),
        ('EMOBOT_MODELS="two\nlines"\nDISCORD_TOKEN="sec"ret\n', 3),
        ("sec-ret", 1),
        ("EMOBOT_MOOD_DAYS=7\r\nDISCORD_TOKEN:secret\r\n", 2),
        ("DISCORD_TOKEN:=secret", 1),
    ],
)
def test_invalid_line_of_the_env_file_is_reported_with_its_number(text: str, line: int) -> None:
    Path(".env").write_bytes(text.encode())
    with pytest.raises(ConfigurationError) as caught:
        load_configuration()
    assert str(caught.value) == (
        f"Line {line} of your .env cannot be read: write it as NAME=VALUE, close every quotation mark, and put # "
        "before a remark."
    )


def test_env_file_accepts_shell_syntax() -> None:
    Path(".env").write_text("# mine\n\nexport EMOBOT_MOOD_DAYS=7  # a week\n  EMOBOT_MODELS = 'a # b'\n")
    configuration = load_configuration()
    assert (configuration.mood_days, configuration.models) == (7, Path("a # b"))


def test_binary_env_file_is_refused() -> None:
    Path(".env").write_bytes(b"DISCORD_TOKEN=\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"not plain text: save it again as UTF-8\.$"):
        load_configuration()


def test_huge_env_file_is_refused() -> None:
    Path(".env").write_text("#" * (2**20 + 1))
    with pytest.raises(ConfigurationError, match=r"^Your \.env is larger than 1 MiB"):
        load_configuration()


def test_directory_in_place_of_the_env_file_is_refused() -> None:
    Path(".env").mkdir()
    with pytest.raises(ConfigurationError, match=r"^Your \.env is a directory"):
        load_configuration()


def test_unreadable_env_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigurationError, match=r"^Your \.env cannot be read: Permission denied\.$"):
        load_configuration()
