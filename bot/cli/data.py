"""`python -m bot data`: what is kept of a server or a person, for requests under privacy law."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from bot.configuration import load_settings
from bot.store import Store, StoreError

Result = TypeVar("Result")


class DataError(Exception):
    """Nothing was exported or erased; its text is one sentence for the user.

    Attributes:
        status: what to exit with: 2 for what the user can set right, else 1.
    """

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


async def export(store: Store, *, guild: int | None, user: int | None) -> dict[str, Any]:
    """All that is kept of a server, or of a person, ready for JSON.

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
    """Erase all that is kept of a server, or of a person.

    Raises:
        StoreError: the database does not answer; nothing is erased then.
    """
    if guild is not None:
        await store.erase_guild(guild)
    if user is not None:
        await store.erase_user(user)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `data` to the commands of the command line."""
    data = commands.add_parser(
        "data",
        help="export or erase what is kept of a server or a person",
        description="For requests under privacy law: hand out or erase all that is kept of one server or one person. "
        "It is done in the database of DATABASE_URL; the bot may go on running.",
    )
    actions = data.add_subparsers(title="commands", metavar="COMMAND", required=True)

    exporting = actions.add_parser(
        "export",
        help="print all that is kept, as JSON",
        description="Print all that is kept of one server or one person, as one JSON object. If you write it into a "
        "file, run `umask 077` before, so that nobody else on the computer can read it.",
    )
    _add_subject(exporting)
    exporting.set_defaults(run=_export)

    erasing = actions.add_parser(
        "erase",
        help="erase all that is kept, for good",
        description="Erase all that is kept of one server or one person, for good. Of a person that is the opt-out, "
        "so the bot reads that person's messages again.",
    )
    _add_subject(erasing)
    erasing.add_argument("--yes", action="store_true", help="do not ask whether you are sure")
    erasing.set_defaults(run=_erase)


def _add_subject(parser: argparse.ArgumentParser) -> None:
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument("--guild", type=_id, metavar="ID", help="the numeric id of a Discord server")
    subject.add_argument("--user", type=_id, metavar="ID", help="the numeric id of a Discord user")


def _id(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and 0 < int(value) < 2**63):
        raise argparse.ArgumentTypeError(f"{value!r} is no id: copy it in Discord, in developer mode")
    return int(value)


def _export(arguments: argparse.Namespace) -> None:
    kept = on_the_database(lambda store: export(store, guild=arguments.guild, user=arguments.user))
    print(json.dumps(kept, indent=2, ensure_ascii=False))  # noqa: T201 - what was asked for


def _erase(arguments: argparse.Namespace) -> None:
    subject = f"the server {arguments.guild}" if arguments.guild else f"the user {arguments.user}"
    if not arguments.yes:
        _make_sure(subject)
    on_the_database(lambda store: erase(store, guild=arguments.guild, user=arguments.user))
    print(f"Nothing is kept of {subject} any more.")  # noqa: T201 - the same


def _make_sure(subject: str) -> None:
    if not sys.stdin.isatty():
        raise DataError("Erasing is for good and there is no terminal to ask at: add --yes if you are sure.", 2)
    try:
        answer = input(f"Erase all that is kept of {subject}, for good? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise DataError("Nothing was erased.", 1)


def on_the_database(work: Callable[[Store], Awaitable[Result]]) -> Result:
    """What comes of some work on the store of DATABASE_URL, which is opened and closed for it.

    Raises:
        DataError: the database does not answer.
    """
    settings = load_settings()
    # A failure is told in one sentence, so what the store says of it need not be printed as well.
    logging.getLogger("bot.store").addHandler(logging.NullHandler())

    async def do() -> Result:
        store = Store(settings.database_url.get_secret_value(), settings.mood_days)
        try:
            await store.refresh()
            return await work(store)
        except StoreError:
            await asyncio.sleep(0.1)  # aiosqlite's thread reports its end to the event loop, which must still be there
            raise
        finally:
            await store.close()

    try:
        return asyncio.run(do())
    except StoreError as error:
        raise DataError(str(error), 1) from None
