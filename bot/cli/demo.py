"""`python -m bot demo`: the bot in a simulated Discord, in the browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping

import click

from bot import logs
from bot.cli.errors import CommandError, reports_errors
from bot.cli.stopping import run_until_stopped
from bot.configuration import load_configuration
from classifiers.command_line import WholeNumber


@click.command(
    help="Run the very same bot in a simulated Discord and open it in your browser, at a local address.\n\n"
    "No token and no network needed; Ctrl-C ends it."
)
@click.option(
    "--port",
    type=WholeNumber(0, 65535),
    default=0,
    metavar="N",
    help="port of the local page (default: any that is free)",
)
@click.option("--no-browser", is_flag=True, help="only print the address of the page")
@reports_errors
def demo(port: int, no_browser: bool) -> None:
    """Run the bot in a simulated Discord and open it in the browser."""
    configuration = load_configuration()
    from bot.cli import demo_page, simulation  # noqa: PLC0415 - they need the demo extra, the help does not

    logs.set_up("WARNING" if configuration.log_level == "INFO" else configuration.log_level)
    shown = not no_browser and is_at_a_desktop(sys.platform, sys.stdout.isatty(), os.environ)
    try:
        run_until_stopped(simulation.run(configuration, port, webbrowser.open if shown else None))
    except demo_page.PortError as error:
        raise CommandError(str(error), 1) from None


def is_at_a_desktop(platform: str, terminal: bool, environment: Mapping[str, str]) -> bool:
    """Return whether the person who started the program would see a browser that it opens.

    Args:
        platform: as in `sys.platform`.
        terminal: whether the program writes to a terminal.
        environment: the environment variables.
    """
    if not terminal or "SSH_CONNECTION" in environment:
        return False
    return platform in {"win32", "darwin"} or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
