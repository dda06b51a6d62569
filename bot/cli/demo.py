"""`python -m bot demo`: the bot in a simulated Discord, in the browser."""

from __future__ import annotations

import click

from bot import logs
from bot.cli.errors import CommandError, reports_errors
from bot.cli.stopping import run_until_stopped
from bot.configuration import load_configuration
from classifiers.command_line import WholeNumber


@click.command()
@click.option(
    "--port",
    type=WholeNumber(0, 65535),
    default=0,
    metavar="N",
    help="port of the local page (default: any that is free)",
)
@reports_errors
def demo(port: int) -> None:
    """Run the very same bot in a simulated Discord and open it to your browser at a local address.

    No token and no network needed; Ctrl-C ends it.
    """
    configuration = load_configuration()
    from bot.cli import simulation  # noqa: PLC0415 - it needs the demo extra, the help does not

    logs.set_up("WARNING" if configuration.log_level == "INFO" else configuration.log_level)
    try:
        run_until_stopped(simulation.run(configuration, port))
    except simulation.PortTakenError as error:
        raise CommandError(str(error), 1) from None
