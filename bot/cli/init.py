"""`emobot init`: write the `.env` of a new bot."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from bot.cli.check import check_all
from bot.cli.errors import CommandError, abort_as, program, reports_errors
from bot.configuration import ENV_FILE
from bot.discord_token import TokenError, parse_token
from classifiers.files import naming

_TOKEN_LINE = "DISCORD_TOKEN=\n"  # noqa: S105 - the line of .env.example, where it is empty


@click.command(
    help="Write all settings with their defaults to .env in this folder, ask for the bot's token, and check "
    "everything.\n\n"
    "The token is not shown as you type or paste it, and only you can read the file. If there is no terminal to ask "
    "you, add the token to the file yourself. An existing .env is left unchanged."
)
@reports_errors
def init() -> None:
    """Write `.env`, ask for the token, and check everything."""
    file = Path(ENV_FILE).absolute()
    if os.path.lexists(file):
        raise CommandError(f"{file} already exists: edit it, or move it away first.", 2)
    token = _ask_for_token() if sys.stdin.isatty() else None
    _write(file, token)
    click.echo(f"Written: {file}, with all settings.")
    if token:
        check_all()
    else:
        click.echo(f"Add the token of your bot after DISCORD_TOKEN= in it, then run `{program()} check`.")


def _example() -> Path:
    """Return the path of `.env.example`, which is inside the package in a wheel and beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / ".env.example"
    return inside if inside.exists() else package.with_name(".env.example")


def _ask_for_token() -> str | None:
    """Return the token that the user types, or None if they only press Enter."""
    click.echo(
        "Paste the token of your bot, which is not shown here. In Discord's developer portal open your application, "
        "choose Bot, and press Reset Token. To do this later, just press Enter."
    )
    while True:
        with abort_as("Nothing was written."):
            typed = click.prompt("Token", hide_input=True, default="", show_default=False)
        try:
            return parse_token(typed)
        except TokenError as error:
            click.echo(f"DISCORD_TOKEN must {error}.")


def _write(file: Path, token: str | None) -> None:
    """Write the settings into a new file that only its owner can read."""
    text = _example().read_text(encoding="utf-8")
    if token:
        text = text.replace(_TOKEN_LINE, f"DISCORD_TOKEN={token}\n")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with naming(file), open(descriptor, "w", encoding="utf-8") as env:
            env.write(text)
    except OSError:  # such as a full disk; a partial file would make the next `init` refuse
        file.unlink()
        raise
