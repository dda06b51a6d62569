"""`python -m bot data`: export or erase what is kept about a server or a person, for requests under privacy law."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from bot.cli.database import database_file, run_with_store
from bot.cli.errors import CommandError, abort_as, reports_errors
from bot.configuration import Configuration, load_configuration
from bot.store import Store
from classifiers.command_line import WholeNumber

Command = TypeVar("Command", bound=Callable[..., Any])

_ID = WholeNumber(1, 2**63 - 1)
_UNCHANGED = "Nothing was erased."


def _subject_options(command: Command) -> Command:
    """Add the options `--guild` and `--user`, exactly one of which is required."""
    guild = click.option("--guild", type=_ID, metavar="ID", help="the numeric id of a Discord server")
    user = click.option("--user", type=_ID, metavar="ID", help="the numeric id of a Discord user")
    return guild(user(command))


@click.group(
    help="Export or erase what is kept about a server or a person, for requests under privacy law.\n\n"
    "This uses the database in DATABASE_URL; the bot may keep running.",
    no_args_is_help=False,
)
def data() -> None:
    """Do nothing; the subcommands do the work."""


@data.command(
    name="export",
    short_help="Print everything that is kept, as JSON.",
    help="Print everything that is kept about one server or one person, as one JSON object.\n\n"
    "If you write it to a file, run `umask 077` first, so that nobody else on the computer can read it.",
)
@_subject_options
@reports_errors
def export_data(guild: int | None, user: int | None) -> None:
    """Print all that is kept about one server or one person."""
    _require_one(guild, user)
    kept = run_with_store(_configuration(), lambda store: export(store, guild=guild, user=user))
    click.echo(json.dumps(kept, indent=2, ensure_ascii=False))


@data.command(
    name="erase",
    short_help="Erase everything that is kept, for good.",
    help="Erase everything that is kept about one server or one person, permanently.\n\n"
    "For a person, that is the opt-out, so the bot will read that person's messages again.",
)
@_subject_options
@click.option("--yes", is_flag=True, help="do not ask whether you are sure")
@reports_errors
def erase_data(guild: int | None, user: int | None, yes: bool) -> None:
    """Erase everything that is kept about one server or one person, after asking for confirmation."""
    _require_one(guild, user)
    configuration = _configuration()
    subject = f"the server {guild}" if guild else f"the user {user}"
    if not yes:
        _confirm(subject)
    run_with_store(configuration, lambda store: erase(store, guild=guild, user=user))
    click.echo(f"Nothing is kept about {subject} any more.")


async def export(store: Store, *, guild: int | None, user: int | None) -> dict[str, Any]:
    """Return everything that is kept about a server or a person, ready for JSON.

    Raises:
        StoreError: the database does not answer.
    """
    kept: dict[str, Any] = {}
    if guild is not None:
        kept |= await store.export_guild(guild)
    if user is not None:
        kept |= await store.export_user(user)
    return kept


async def erase(store: Store, *, guild: int | None, user: int | None) -> None:
    """Erase all that is kept about a server, or about a person.

    Raises:
        StoreError: the database does not answer; nothing is erased then.
    """
    if guild is not None:
        await store.erase_guild(guild)
    if user is not None:
        await store.erase_user(user)


def _require_one(guild: int | None, user: int | None) -> None:
    if (guild is None) == (user is None):
        raise click.UsageError("Give either --guild or --user", click.get_current_context())


def _configuration() -> Configuration:
    """Return the bot's configuration.

    Raises:
        CommandError: the file of its database does not exist. A new, empty one would be created, and the answer that
            nothing is kept would be wrong.
    """
    configuration = load_configuration()
    file = database_file(configuration)
    if file and not file.exists():
        raise CommandError(
            f"There is no database at {file.absolute()}: run this in the folder in which you start the bot, or give "
            "the full path in DATABASE_URL.",
            2,
        )
    return configuration


def _confirm(subject: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError(
            "Erasing cannot be undone, and there is no terminal to ask you: add --yes if you are sure.", 2
        )
    with abort_as(_UNCHANGED):
        sure = click.confirm(f"Erase all that is kept about {subject}, permanently?")
    if not sure:
        raise CommandError(_UNCHANGED, 1)
