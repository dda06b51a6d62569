"""Report the errors of a command: one sentence on standard error, and an exit status."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec

import aiohttp
import click
import discord

from bot.configuration import ENV_FILE, Configuration, ConfigurationError
from bot.connection.strict_answers import UnreadableAnswerError
from bot.store import PoolerError, StoreError
from classifiers.command_line import finish, tell

LOGIN_REFUSED = (
    "Discord does not accept the DISCORD_TOKEN: in the developer portal open your application, "
    "choose Bot, press Reset Token, and put the new token into .env."
)
INTENT_OFF = (
    "Discord does not let the bot read messages yet: in the developer portal open your application, "
    "choose Bot, switch on Message Content Intent under Privileged Gateway Intents, and press Save Changes."
)
UNREACHABLE = "Discord cannot be reached: check the network connection and try again."
NOT_DISCORD = (
    "Something other than Discord answered: check whether this network wants you to log in first, and whether "
    "DISCORD_API_BASE is right if you have set it."
)

_TOKEN_REFUSED = 4004  # the gateway's code

Arguments = ParamSpec("Arguments")


class CommandError(Exception):
    """A command failed for a reason that the user can understand; the text is one sentence for the user.

    Attributes:
        status: the exit status: 2 if arguments or the configuration are wrong, else 1.
    """

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


def reports_errors(command: Callable[Arguments, None]) -> Callable[Arguments, int]:
    """Make a command print expected errors in one sentence and return its exit status."""

    @functools.wraps(command)
    def reporting(*args: Arguments.args, **kwargs: Arguments.kwargs) -> int:
        def work() -> int:
            try:
                command(*args, **kwargs)
            except CommandError as error:
                return tell(str(error), error.status)
            except ConfigurationError as error:
                return tell(str(error), 2)
            except PoolerError as error:
                return tell(f"The database cannot be used: {error}.", 2)
            except StoreError as error:
                return tell(str(error), 1)
            return 0

        return finish(work)

    return reporting


def program() -> str:
    """Return how the running command line was started: `emobot` or `python -m bot`."""
    return click.get_current_context().find_root().command_path


def missing_token_sentence() -> str:
    """Return a sentence that says what to do if there is no token."""
    file = Path(ENV_FILE).absolute()
    remedy = "write yours there after DISCORD_TOKEN=" if file.exists() else f"run `{program()} init`, which asks for it"
    return (
        f"There is no DISCORD_TOKEN in the environment or in {file}: {remedy}, "
        f"or try the bot without Discord by `{program()} demo`."
    )


def token_of(configuration: Configuration) -> str:
    """Return the bot's token.

    Raises:
        CommandError: there is none.
    """
    if configuration.discord_token is None:
        raise CommandError(missing_token_sentence(), 2)
    return configuration.discord_token


@contextmanager
def abort_as(sentence: str) -> Iterator[None]:
    """Turn the end of input at a prompt into a `CommandError` with that sentence; let Ctrl-C through as usual."""
    try:
        yield
    except click.Abort as abort:
        if isinstance(abort.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise CommandError(sentence, 1) from None


@contextmanager
def discord_errors() -> Iterator[None]:
    """Turn the errors of a connection to Discord into a `CommandError`."""
    try:
        yield
    except discord.LoginFailure:
        raise CommandError(LOGIN_REFUSED, 2) from None
    except discord.PrivilegedIntentsRequired:
        raise CommandError(INTENT_OFF, 2) from None
    except discord.HTTPException as error:
        raise CommandError(f"Discord answered with HTTP {error.status}: try again later.", 1) from None
    except discord.ConnectionClosed as error:
        if error.code == _TOKEN_REFUSED:
            raise CommandError(LOGIN_REFUSED, 2) from None
        raise CommandError(f"Discord closed the connection (code {error.code}): try again.", 1) from None
    except UnreadableAnswerError:
        raise CommandError(NOT_DISCORD, 1) from None
    except (OSError, aiohttp.ClientError, discord.GatewayNotFound):
        raise CommandError(UNREACHABLE, 1) from None
