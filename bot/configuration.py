"""The operator's configuration, from the environment and a `.env` file; `.env.example` lists every variable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, HttpUrl, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.store.url import FORM, DatabaseUrlError, parse_database_url
from classifiers import PRETRAINED, ModelName

ENV_FILE = ".env"


class ConfigurationError(Exception):
    """The configuration cannot be read or contradicts itself; the text is one sentence for the user."""


class Configuration(BaseSettings):
    """What the operator of the bot has configured, for all servers; see `ServerSettings` for what a server sets.

    Each field names its variable as `validation_alias` and says in `description` what is allowed, in words
    that complete "VARIABLE must be ...".
    """

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8-sig",  # some editors begin a file with a byte-order mark
        env_ignore_empty=True,
        validate_default=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    discord_token: SecretStr | None = Field(
        default=None,
        validation_alias="DISCORD_TOKEN",
        description="the token of your bot from the Discord developer portal, on one line without spaces",
    )
    models: Path = Field(
        default=PRETRAINED,
        validation_alias="EMOBOT_MODELS",
        description="the path of a directory with trained models",
    )
    reacts_with: ModelName = Field(
        default="bilstm",
        validation_alias="EMOBOT_REACTS_WITH",
        description="rnn, gru, lstm or bilstm",
    )
    min_certainty: float | None = Field(
        default=None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        validation_alias="EMOBOT_MIN_CERTAINTY",
        description="a number from 0 to 1",
    )
    database_url: SecretStr = Field(
        default=SecretStr("sqlite:///emobot.db"),
        validation_alias="DATABASE_URL",
        description=FORM,
    )
    mood_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        validation_alias="EMOBOT_MOOD_DAYS",
        description="a whole number of days from 1 to 3650",
    )
    source_url: HttpUrl | None = Field(
        default=None,
        validation_alias="EMOBOT_SOURCE_URL",
        description="a web address that begins with https:// or http://",
    )
    privacy_url: HttpUrl | None = Field(
        default=None,
        validation_alias="EMOBOT_PRIVACY_URL",
        description="a web address that begins with https:// or http://",
    )
    dev_guild: int | None = Field(
        default=None,
        gt=0,
        lt=2**63,
        validation_alias="EMOBOT_DEV_GUILD",
        description="the numeric id of a Discord server",
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = Field(
        default="INFO",
        validation_alias="EMOBOT_LOG_LEVEL",
        description="DEBUG, INFO, WARNING or ERROR",
    )

    @field_validator("discord_token")
    @classmethod
    def _blank_is_absent(cls, token: SecretStr | None) -> SecretStr | None:
        bare = token.get_secret_value().strip() if token else ""
        if any(character.isspace() or not character.isprintable() for character in bare):
            raise ValueError
        return SecretStr(bare) if bare else None

    @field_validator("database_url")
    @classmethod
    def _database_is_one_we_speak_to(cls, url: SecretStr) -> SecretStr:
        return SecretStr(parse_database_url(url.get_secret_value()).render_as_string(hide_password=False))

    @field_validator("models")
    @classmethod
    def _path_is_usable(cls, path: Path) -> Path:
        if "\0" in str(path):
            raise ValueError
        return path.expanduser()


def load_configuration() -> Configuration:
    """Return the configuration of this process.

    Raises:
        ConfigurationError: a value is not allowed or `.env` cannot be read; no value is ever repeated.
    """
    if Path(ENV_FILE).is_dir():
        raise ConfigurationError("Your .env is a directory: replace it with a text file such as .env.example.")
    try:
        return Configuration()
    except ValidationError as error:
        allowed = {field.validation_alias: f"be {field.description}" for field in Configuration.model_fields.values()}
        wrong = {}
        for details in error.errors():
            name, cause = str(details["loc"][0]), details.get("ctx", {}).get("error")
            wrong[name] = str(cause) if isinstance(cause, DatabaseUrlError) else allowed[name]
        raise ConfigurationError(
            "; ".join(f"{name} must {what_to_do}" for name, what_to_do in wrong.items()) + "."
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError("Your .env is not plain text: save it again as UTF-8.") from None
    except OSError as error:
        raise ConfigurationError(f"Your .env cannot be read: {error.strerror or error}.") from None
