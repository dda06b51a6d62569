"""The command line `emobot`, or `python -m bot`: one module per command, each imported only when its command runs."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem, shell_complete

from classifiers.command_line import finish, invoke, version_option, with_suggestion
from classifiers.starting import delay_ctrl_c

PROGRAM = "emobot"
"""The name of the installed script, which is the same as `python -m bot`."""

_COMMANDS = {
    "init": "write the settings of a new bot to .env, ask for its token, and check everything",
    "run": "connect to Discord and react to messages (the default)",
    "check": "see whether settings, models, database and Discord are in order",
    "invite": "print the link that invites the bot to a server",
    "dry-run": "see what the bot would do with the messages in a file",
    "data": "export or erase what is kept about a server or a person",
    "demo": "try the bot in your browser, without Discord",
}
"""The commands and their one-line help, so that help and shell completion need not import them."""

_COMPLETE = "_EMOBOT_COMPLETE"


class _LazyGroup(click.Group):
    """Imports a command from the module `bot.cli.NAME` when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        with delay_ctrl_c():
            command: click.Command = getattr(importlib.import_module(f"bot.cli.{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:  # click would suggest only commands that have been imported
            raise click.UsageError(with_suggestion(error.message, word, _COMMANDS), error.ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        commands = [CompletionItem(name, help=text) for name, text in _COMMANDS.items() if name.startswith(incomplete)]
        return commands + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=_LazyGroup,
    help="Emobot reads what people write on Discord and reacts with the emoji of the emotion.\n\n"
    "Without a command it connects to Discord with the token in DISCORD_TOKEN.",
    invoke_without_command=True,
    epilog="Settings are read from the environment and from .env in this folder; `init` writes one with all of them. "
    'For completion in your shell, run: eval "$(_EMOBOT_COMPLETE=bash_source emobot)" (or zsh_source, fish_source).',
    context_settings={"help_option_names": ["-h", "--help"]},
)
@version_option
@click.pass_context
def cli(context: click.Context) -> int:
    """Run a command, `run` if none is given."""
    if context.invoked_subcommand is not None:
        return 0
    run = cli.get_command(context, "run")
    assert run  # noqa: S101 - it is one of _COMMANDS
    status: int = context.invoke(run)
    return status


def main(argv: Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Run the command line, which calls itself `program`, and return its exit status.

    The status is 2, after one sentence on standard error, if arguments or configuration are wrong; 1 if something else
    failed; and 130 after Ctrl-C.
    """
    if instruction := os.environ.get(_COMPLETE):
        return shell_complete(cli, {}, PROGRAM, _COMPLETE, instruction)
    return finish(lambda: invoke(cli, list(sys.argv[1:] if argv is None else argv), program))
