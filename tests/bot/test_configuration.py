from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.configuration import Configuration, ConfigurationError, load_configuration
from classifiers import PRETRAINED

EXAMPLE = Path(__file__).parents[2] / ".env.example"
VARIABLES = {str(field.validation_alias) for field in Configuration.model_fields.values()}


def test_defaults() -> None:
    configuration = load_configuration()
    assert configuration.discord_token is None
    assert configuration.models == PRETRAINED
    assert (configuration.reacts_with, configuration.min_certainty) == ("bilstm", None)
    assert (configuration.dev_guild, configuration.log_level) == (None, "INFO")


def test_example_lists_every_variable_with_its_default_and_a_line_on_it() -> None:
    listed = re.findall(r"^# .+\n(\w+)=", EXAMPLE.read_text(), flags=re.MULTILINE)
    assert len(listed) == len(set(listed)) == EXAMPLE.read_text().count("=")
    assert set(listed) == VARIABLES
    without = load_configuration()
    Path(".env").write_text(EXAMPLE.read_text())
    assert load_configuration() == without


def test_example_shows_the_defaults_in_writing() -> None:
    shown = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE.read_text(), flags=re.MULTILINE))
    for field in Configuration.model_fields.values():
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        expected = "" if default in (None, PRETRAINED) else str(default)
        assert shown[str(field.validation_alias)] == expected


def test_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(
        "\ufeffDISCORD_TOKEN = 'abc'\nEMOBOT_MIN_CERTAINTY=0.7\nEMOBOT_REACTS_WITH=rnn\n"
        "EMOBOT_LOG_LEVEL=debug\nREDIS_URL=of-another-program\nEMOBOT_FUTURE=1\n"
    )
    monkeypatch.setenv("EMOBOT_MIN_CERTAINTY", "0.9")
    configuration = load_configuration()
    assert configuration.discord_token == SecretStr("abc")
    assert (configuration.min_certainty, configuration.reacts_with, configuration.log_level) == (0.9, "rnn", "DEBUG")


@pytest.mark.parametrize("blank", ["", "   ", "\t"])
def test_a_blank_token_counts_as_absent(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", blank)
    assert load_configuration().discord_token is None


def test_the_database_is_named_without_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://me:a%40b@db/emobot?sslmode=require")
    assert load_configuration().database_url.get_secret_value() == "postgresql+asyncpg://me:a%40b@db/emobot?ssl=require"


def test_models_may_stand_in_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOBOT_MODELS", "~/models")
    assert load_configuration().models == Path.home() / "models"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("DISCORD_TOKEN", "se cret", "the token of your bot"),
        ("DISCORD_TOKEN", "secret\u200b", "the token of your bot"),
        ("EMOBOT_REACTS_WITH", "secret", "rnn, gru, lstm or bilstm"),
        ("EMOBOT_MIN_CERTAINTY", "1.01", "a number from 0 to 1"),
        ("EMOBOT_MIN_CERTAINTY", "-0.1", "a number from 0 to 1"),
        ("EMOBOT_MIN_CERTAINTY", "nan", "a number from 0 to 1"),
        ("EMOBOT_MIN_CERTAINTY", "secret", "a number from 0 to 1"),
        ("EMOBOT_DEV_GUILD", "secret", "the numeric id of a Discord server"),
        ("EMOBOT_DEV_GUILD", "0", "the numeric id of a Discord server"),
        ("EMOBOT_LOG_LEVEL", "secret", "DEBUG, INFO, WARNING or ERROR"),
    ],
)
def test_a_broken_value_is_named_but_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration()
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} must be {allowed}")
    assert sentence.count("\n") == 0
    assert "cret" not in sentence


def test_two_broken_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOBOT_MIN_CERTAINTY", "2")
    monkeypatch.setenv("EMOBOT_DEV_GUILD", "x")
    with pytest.raises(ConfigurationError, match=r"^EMOBOT_MIN_CERTAINTY must .*; EMOBOT_DEV_GUILD must be [^;]*\.$"):
        load_configuration()


def test_env_file_that_is_no_text() -> None:
    Path(".env").write_bytes(b"DISCORD_TOKEN=\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"not plain text: save it again as UTF-8\.$"):
        load_configuration()


def test_env_file_that_is_a_directory() -> None:
    Path(".env").mkdir()
    with pytest.raises(ConfigurationError, match=r"^Your \.env is a directory"):
        load_configuration()


def test_env_file_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ConfigurationError, match=r"^Your \.env cannot be read: Permission denied\.$"):
        load_configuration()
