"""`python -m bot check`: are configuration, models, database and Discord in order?"""

from __future__ import annotations

import asyncio
import os
import shlex
from pathlib import Path

import click
from sqlalchemy import make_url

from bot.about.cog import FIGURES
from bot.analysis.models import load_configured_models
from bot.cli.application import fetch_application, invite_link, replaced_addresses
from bot.cli.database import database_file, run_with_store
from bot.cli.errors import INTENT_OFF, CommandError, discord_errors, missing_token_sentence, reports_errors
from bot.configuration import ENV_FILE, Configuration, load_configuration
from bot.connection.clock import DiscordTime
from bot.connection.requests import TOLERATED_CLOCK_ERROR, clock_warning, trace_dates
from bot.store.engine import describe
from classifiers.emotions import listed, without_emoji
from classifiers.model_directory import MANIFEST, NAMES, read_manifest

_DATASETS = {"goemotions": "GoEmotions", "builtin": "the built-in phrases"}
"""Names of data sets that differ from their keys."""


@click.command(
    help="Check the settings, the models and the database, and with a token also the login and the message content "
    "intent.\n\nAs when the bot starts, a missing database is created, and the tables of an earlier version are "
    "updated. Nobody on Discord notices."
)
@reports_errors
def check() -> None:
    """Check everything."""
    check_all()


def check_all() -> None:
    """Check everything and print the results; raise at the first problem.

    Raises:
        CommandError, ConfigurationError, StoreError, ClassifiersError: what is wrong, in one sentence.
    """
    configuration = load_configuration()
    click.echo(f"Settings: in order, from {_sources(Path(ENV_FILE).absolute())}.")
    _warn_if_others_can_read(Path(ENV_FILE))
    for line in replaced_addresses(configuration):
        click.echo(line)
    _check_models(configuration)
    _check_database(configuration)
    if configuration.discord_token is None:
        click.echo(f"Discord: not checked. {missing_token_sentence()}")
        return
    with discord_errors():
        asyncio.run(_check_discord(configuration, configuration.discord_token))


def _sources(file: Path) -> str:
    return f"the environment and {file}" if file.exists() else f"the environment only, since there is no {file}"


def _check_models(configuration: Configuration) -> None:
    load_configured_models(configuration)
    manifest = read_manifest(configuration.models)
    click.echo(f"Models: {configuration.models}, trained on {_dataset_name(manifest.dataset)}.")
    for name, card in manifest.models.items():
        figures = ", ".join(f"{FIGURES.get(metric, metric)} {value:.3f}" for metric, value in card.test.items())
        role = "reacts to messages" if name == configuration.reacts_with else "for /compare"
        click.echo(f"  {NAMES[name]}: {card.parameters:,} parameters; on its test texts {figures}; {role}.")
    without = without_emoji(manifest.labels, manifest.emoji)
    if without:
        click.echo(
            f"  There is no emoji for {listed(without)}, so the bot does not react to them: give each one in the entry "
            f'"emoji" of {configuration.models / MANIFEST}, as {{"{without[0]}": "😊"}}, or in /settings in each '
            "server."
        )


def _dataset_name(key: str) -> str:
    """Return the name of a data set, or of several that were joined, for a sentence."""
    *others, last = [_DATASETS.get(part, part) for part in key.split("+")]
    return f"{', '.join(others)} and {last}" if others else last


def _check_database(configuration: Configuration) -> None:
    file = database_file(configuration)
    new = file is not None and not file.exists()
    run_with_store(configuration, lambda store: store.corrections())
    click.echo(f"Database: {file.absolute() if file else describe(make_url(configuration.database_url))}, in order.")
    if new:
        click.echo(
            "  That file is new. If the bot has kept anything before, it is in another one: give its full path in "
            "DATABASE_URL, or start the bot in the same folder as before."
        )
    if file:
        _warn_if_others_can_read(file)


async def _check_discord(configuration: Configuration, token: str) -> None:
    time = DiscordTime(asyncio.get_running_loop().time)
    application = await fetch_application(configuration, token, trace_dates(time))
    click.echo(f"Discord: the token is that of {application.name}.")
    error = time.host_clock_error()
    if abs(error.total_seconds()) > TOLERATED_CLOCK_ERROR:
        click.echo(f"{clock_warning(error)} The bot uses Discord's.")
    if not (application.flags.gateway_message_content or application.flags.gateway_message_content_limited):
        raise CommandError(INTENT_OFF, 2)
    click.echo("Message content intent: on.")
    click.echo(f"Invite it with: {invite_link(application)}")


def _warn_if_others_can_read(file: Path) -> None:
    """Warn if other users can read a file with secrets or data; Windows has no such permissions."""
    if os.name != "nt" and file.exists() and file.stat().st_mode & 0o077:
        quoted = shlex.quote(str(file))
        click.echo(f"  Other users of this computer can read {file}: run `chmod 600 {quoted}`.")
