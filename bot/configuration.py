"""The operator's configuration, from the environment and a `.env` file; `.env.example` lists every variable."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream
from sqlalchemy import make_url
from yarl import URL

from bot.discord_address import AddressError, parse_api_base, parse_gateway_url
from bot.discord_token import EXPECTED, TokenError, parse_token
from bot.logs import LogFormat
from bot.shards import FORM as SHARDS
from bot.shards import MAX_SHARDS, ShardsError, Share, own_shards, parse_shard_ids
from bot.store.engine import is_sqlite
from bot.store.url import FORM, DatabaseUrlError, parse_database_url
from classifiers import PRETRAINED, ModelName

Number = TypeVar("Number", int, float)

ENV_FILE = ".env"

_MAX_ENV_FILE = 2**20
_PREFIX = "EMOBOT_"
_TRAINING_VARIABLES = frozenset({"EMOBOT_DATA_DIR"})
"""Variables with the prefix that only the training commands read."""

_LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class ConfigurationError(Exception):
    """A setting is missing, not allowed or contradicts another; the text is one sentence for the operator."""


def _variable(name: str, parse: Callable[[str], Any], allowed: str) -> dict[str, Any]:
    """Return the metadata of a field that is read from a variable.

    Args:
        name: the name of the variable.
        parse: parses a non-empty text, or raises ValueError.
        allowed: the allowed values, in words that complete "VARIABLE must be ...".
    """
    return {"variable": name, "parse": parse, "allowed": allowed}


def _path(text: str) -> Path:
    if "\0" in text:
        raise ValueError
    return Path(text).expanduser()


def _database_url(text: str) -> str:
    return parse_database_url(text).render_as_string(hide_password=False)


def _web_address(text: str) -> str:
    url = URL(text.strip())
    if url.scheme not in ("http", "https") or not url.host or any(map(str.isspace, url.host)):
        raise ValueError
    return str(url)


def _ip_address(text: str) -> str:
    return str(ip_address(text.strip()))


def _choice_parser(choice: Any) -> Callable[[str], str]:
    """Return a function that accepts the texts of a `Literal`."""

    def parse(text: str) -> str:
        if text not in get_args(choice):
            raise ValueError
        return text

    return parse


def _join_choices(choice: Any) -> str:
    """Return the texts of a `Literal` as a list for a sentence."""
    *others, last = get_args(choice)
    return f"{', '.join(others)} or {last}"


def _log_level(text: str) -> str:
    return _choice_parser(_LogLevel)(text.upper())


def _log_format(text: str) -> str:
    return _choice_parser(LogFormat)(text.lower())


def _between(least: Number, most: Number) -> Callable[[str], Number]:
    """Return a function that parses a number of the limits' type, both limits included."""

    def parse(text: str) -> Number:
        number = type(least)(text)
        if not least <= number <= most:  # also True for "nan"
            raise ValueError
        return number

    return parse


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """The operator's configuration of the bot, for all servers; see `ServerSettings` for the settings of a server."""

    discord_token: str | None = field(
        default=None,
        repr=False,  # it is a secret
        metadata=_variable("DISCORD_TOKEN", parse_token, EXPECTED),
    )
    models: Path = field(
        default=PRETRAINED,
        metadata=_variable("EMOBOT_MODELS", _path, "the path of a directory with trained models"),
    )
    reacts_with: ModelName = field(
        default="bilstm",
        metadata=_variable("EMOBOT_REACTS_WITH", _choice_parser(ModelName), _join_choices(ModelName)),
    )
    min_certainty: float | None = field(
        default=None,
        metadata=_variable("EMOBOT_MIN_CERTAINTY", _between(0.0, 1.0), "a number from 0 to 1"),
    )
    database_url: str = field(
        default=_database_url("sqlite:///emobot.db"),
        repr=False,  # it may have a password
        metadata=_variable("DATABASE_URL", _database_url, FORM),
    )
    shard_count: int | None = field(
        default=None,
        metadata=_variable("SHARD_COUNT", _between(1, MAX_SHARDS), f"a whole number from 1 to {MAX_SHARDS}"),
    )
    shard_ids: tuple[int, ...] | None = field(
        default=None,
        metadata=_variable("SHARD_IDS", parse_shard_ids, SHARDS),
    )
    """The shards of this process if others serve the rest, else None."""
    requests_per_second: int = field(
        default=50,
        metadata=_variable("EMOBOT_REQUESTS_PER_SECOND", _between(1, 10_000), "a whole number from 1 to 10000"),
    )
    """Requests per second that Discord allows the bot, in all its processes together."""
    mood_days: int = field(
        default=90,
        metadata=_variable("EMOBOT_MOOD_DAYS", _between(1, 3650), "a whole number of days from 1 to 3650"),
    )
    source_url: str | None = field(
        default=None,
        metadata=_variable("EMOBOT_SOURCE_URL", _web_address, "a web address that begins with https:// or http://"),
    )
    privacy_url: str | None = field(
        default=None,
        metadata=_variable("EMOBOT_PRIVACY_URL", _web_address, "a web address that begins with https:// or http://"),
    )
    dev_guild: int | None = field(
        default=None,
        metadata=_variable("EMOBOT_DEV_GUILD", _between(1, 2**63 - 1), "the numeric id of a Discord server"),
    )
    api_base: str | None = field(
        default=None,
        metadata=_variable("DISCORD_API_BASE", parse_api_base, "an address that begins with https://"),
    )
    gateway_url: str | None = field(
        default=None,
        metadata=_variable("DISCORD_GATEWAY_URL", parse_gateway_url, "an address that begins with wss://"),
    )
    log_level: _LogLevel = field(
        default="INFO",
        metadata=_variable("EMOBOT_LOG_LEVEL", _log_level, _join_choices(_LogLevel)),
    )
    log_format: LogFormat = field(
        default="text",
        metadata=_variable("EMOBOT_LOG_FORMAT", _log_format, _join_choices(LogFormat)),
    )
    health_port: int | None = field(
        default=None,
        metadata=_variable("EMOBOT_HEALTH_PORT", _between(1, 65535), "the number of a TCP port, from 1 to 65535"),
    )
    health_host: str = field(
        default="127.0.0.1",
        metadata=_variable("EMOBOT_HEALTH_HOST", _ip_address, "an IP address of this computer, or 0.0.0.0 for all"),
    )

    @property
    def own_requests_per_second(self) -> float:
        """Requests per second that this process may send: its share of the bot's, in proportion to its shards."""
        share = len(self.shard_ids) / self.shard_count if self.shard_ids and self.shard_count else 1.0
        return self.requests_per_second * share


def load_configuration() -> Configuration:
    """Return the configuration of this process.

    Raises:
        ConfigurationError: a value is not allowed, a variable with our prefix is unknown, a name in `.env` looks like a
            misspelt one of ours, or `.env` cannot be read. The message never repeats a value.
    """
    file = _not_empty(_env_file())
    given = file | _not_empty(os.environ)
    values, wrong = {}, [*_unknown_names(given), *_misspelt_names(file, given)]
    for variable in fields(Configuration):
        name = variable.metadata["variable"]
        if name not in given:
            continue
        try:
            values[variable.name] = variable.metadata["parse"](given[name])
        except (AddressError, DatabaseUrlError, ShardsError, TokenError) as error:
            wrong.append(f"{name} must {error}")
        except (ValueError, RuntimeError):  # RuntimeError: there is no home directory of that name
            wrong.append(f"{name} must be {variable.metadata['allowed']}")
    chosen = values.pop("shard_ids", None)
    configuration = Configuration(**values)
    try:
        configuration = configuration if chosen is None else _with_shards(configuration, chosen)
    except ShardsError as error:
        wrong.append(f"SHARD_IDS must {error}")
    if wrong:
        raise ConfigurationError("; ".join(wrong) + ".")
    return configuration


def _with_shards(configuration: Configuration, chosen: tuple[int, ...] | Share) -> Configuration:
    """Return the configuration with the shards that SHARD_IDS chooses.

    Raises:
        ShardsError: they do not exist, or the database cannot be shared with the processes that serve the others.
    """
    count, ids = own_shards(chosen, configuration.shard_count)
    if len(ids) == count:
        return replace(configuration, shard_count=count)
    if is_sqlite(make_url(configuration.database_url)):
        raise ShardsError(
            "leave no shard to other processes while the database is a file of SQLite: set DATABASE_URL to the "
            "PostgreSQL database that all processes share"
        )
    return replace(configuration, shard_count=count, shard_ids=ids)


def _not_empty(variables: Mapping[str, str | None]) -> dict[str, str]:
    """Return the variables that have a value, by their names in upper case."""
    return {name.upper(): value for name, value in variables.items() if value}


def _unknown_names(given: Iterable[str]) -> list[str]:
    """Return a complaint about each variable that has our prefix and that nothing reads."""
    names = [variable.metadata["variable"] for variable in fields(Configuration)]
    by_ending = {name.removeprefix(_PREFIX): name for name in names}
    complaints = []
    for name in given:
        if name.startswith(_PREFIX) and name not in _TRAINING_VARIABLES.union(names):
            near = get_close_matches(name.removeprefix(_PREFIX), by_ending, n=1, cutoff=0.5)
            hint = f"did you mean {by_ending[near[0]]}?" if near else f"those are {', '.join(names)}"
            complaints.append(f"{name} is not a setting ({hint})")
    return complaints


def _misspelt_names(file: Iterable[str], given: Iterable[str]) -> list[str]:
    """Return a complaint about each name in `.env` that is nearly that of a setting without our prefix.

    Only that file is checked, since the environment has variables of other programs. A name is accepted if the setting
    itself is among `given`: beside a DISCORD_TOKEN, a DISCORD_TOKEN_2 is no mistake.
    """
    names = [variable.metadata["variable"] for variable in fields(Configuration)]
    missing = [name for name in names if not name.startswith(_PREFIX) and name not in set(given)]
    complaints = []
    for name in file:
        near = get_close_matches(name, missing, n=1, cutoff=0.85)
        if near and name not in names and not name.startswith(_PREFIX):
            complaints.append(f"{name} is not a setting (did you mean {near[0]}?)")
    return complaints


def _env_file() -> Mapping[str, str | None]:
    if Path(ENV_FILE).is_dir():
        raise ConfigurationError("Your .env is a directory: move it away, or replace it with a text file.")
    try:
        with Path(ENV_FILE).open(encoding="utf-8-sig") as file:  # some editors start a file with a byte-order mark
            text = file.read(_MAX_ENV_FILE + 1)
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise ConfigurationError("Your .env is not plain text: save it again as UTF-8.") from None
    except OSError as error:
        raise ConfigurationError(f"Your .env cannot be read: {error.strerror or error}.") from None
    if len(text) > _MAX_ENV_FILE:
        raise ConfigurationError("Your .env is larger than 1 MiB: keep only the settings in it.")
    for statement in parse_stream(io.StringIO(text)):
        if statement.error or not (statement.key is None or statement.key.isidentifier()):
            raise ConfigurationError(
                f"Line {_line(statement)} of your .env cannot be read: write it as NAME=VALUE, close every quotation "
                "mark, and put # before a remark."
            )
    return dotenv_values(stream=io.StringIO(text))


def _line(statement: Binding) -> int:
    """Return the number of a statement's first line, without the blank lines that python-dotenv includes before it."""
    text = statement.original.string
    blank = text[: len(text) - len(text.lstrip())]
    return statement.original.line + blank.count("\n")
