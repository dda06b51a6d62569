"""The command line: `python -m bot`, and `demo`, `check`, `invite`, `dry-run` and `data` beside it."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import aiohttp
import discord
import regex
from sqlalchemy import make_url

from bot import logs
from bot.cli.data import DataError, on_the_database
from bot.cli.data import add_parser as add_data_parser
from bot.client import PERMISSIONS, create_bot
from bot.configuration import ENV_FILE, SettingsError, load_settings
from bot.connection.clock import DiscordTime
from bot.connection.requests import TOLERATED, clock_is_wrong, listen
from bot.connection.serving import serve
from bot.reactions.policy import Silence, choose, wordless
from bot.store.engine import is_sqlite
from classifiers.command_line import finish
from classifiers.emotions import without_emoji
from classifiers.model_directory import MANIFEST, NAMES, read_manifest

LOGIN_MISSING = (
    "There is no DISCORD_TOKEN: put yours into .env as .env.example shows, "
    "or try the bot without Discord by `python -m bot demo`."
)
LOGIN_REFUSED = (
    "Discord does not accept the DISCORD_TOKEN: in the developer portal open your application, "
    "choose Bot, press Reset Token, and put the new token into .env."
)
INTENT_OFF = (
    "Discord does not let the bot read messages yet: in the developer portal open your application, "
    "choose Bot, switch on Message Content Intent under Privileged Gateway Intents, and press Save Changes."
)
UNREACHABLE = "Discord cannot be reached: check the network connection and try again."

_TOKEN_REFUSED = 4004  # the gateway's code

HASTE = 3.0
"""Seconds that a process goes on writing at most once it was told twice to stop."""


class _CommandError(Exception):
    """An end with one sentence for the user and an exit status: 2 for what the user can set right, else 1."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of the command line and return the exit status."""
    return finish(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (_CommandError, DataError) as failure:
        return _tell(failure, failure.status)
    except SettingsError as error:
        return _tell(error, 2)
    except (KeyboardInterrupt, asyncio.CancelledError):
        pass  # asked to stop, and stopped
    return 0


def _tell(error: Exception, status: int) -> int:
    print(error, file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot",
        usage="python -m bot [-h] [COMMAND] ...",
        description="Emobot reads what people write on Discord and reacts with the emoji of the emotion. "
        "Without a command it connects to Discord with the token in DISCORD_TOKEN.",
        epilog="Settings are read from the environment and from .env; .env.example lists them all.",
    )
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog="python -m bot")

    demo = commands.add_parser(
        "demo",
        help="try the bot in the browser, without Discord",
        description="Run the very same bot in a simulated Discord and open it to your browser at a local "
        "address. No token and no network needed; Ctrl-C ends it.",
    )
    demo.add_argument(
        "--port",
        type=_port,
        default=0,
        metavar="N",
        help="port of the local page (default: any that is free)",
    )
    demo.set_defaults(run=_demo)

    check = commands.add_parser(
        "check",
        help="see whether settings, models, database and Discord are in order",
        description="Check the settings, the models and the database, and with a token also the login and the message "
        "content intent, then exit. Nobody on Discord notices.",
    )
    check.set_defaults(run=_check)

    invite = commands.add_parser(
        "invite",
        help="print the link by which to invite the bot to a server",
        description="Print the link by which to invite the bot. It asks for what the bot needs and nothing else: to "
        "see channels, read their history and add reactions.",
    )
    invite.set_defaults(run=_invite)

    dry_run = commands.add_parser(
        "dry-run",
        help="see what the bot would do with messages in a file",
        description="Print for each line of a file, taken as one message, the reaction or the reason for silence.",
    )
    dry_run.add_argument(
        "--file",
        required=True,
        metavar="FILE",
        help="UTF-8 text, one message on each line; - is standard input",
    )
    dry_run.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object for each line: text, emoji, emotion, certainty, reason",
    )
    dry_run.set_defaults(run=_dry_run)

    add_data_parser(commands)
    return parser


def _port(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and int(value) <= 65535):
        raise argparse.ArgumentTypeError(f"{value!r} is no port: take a number up to 65535")
    return int(value)


def _serve(_arguments: argparse.Namespace) -> None:
    settings = load_settings()
    if settings.discord_token is None:
        raise _CommandError(LOGIN_MISSING, 2)
    logs.set_up(settings.log_level)
    # The bot joins no voice channel, so nobody should be told to install what voice needs.
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    models = create_bot(settings).analyzer.models  # what is wrong with them shall be told before Discord is asked
    with _discord_failures():
        asyncio.run(_stoppable(serve(settings, models, settings.discord_token.get_secret_value())))


def _demo(arguments: argparse.Namespace) -> None:
    settings = load_settings()
    demo = importlib.import_module("bot.cli.demo")  # not before: it needs the demo extra
    logs.set_up("WARNING" if settings.log_level == "INFO" else settings.log_level)
    try:
        asyncio.run(_stoppable(demo.run(settings, arguments.port)))
    except demo.PortTakenError as error:
        raise _CommandError(str(error), 1) from None


def _check(_arguments: argparse.Namespace) -> None:
    settings = load_settings()
    print("Settings: in order.")
    _tell_of_readers(Path(ENV_FILE))
    create_bot(settings)
    manifest = read_manifest(settings.models)
    print(f"Models: {settings.models}, trained on {manifest.dataset}.")
    for name, card in manifest.models.items():
        figures = ", ".join(f"{metric} {value:.3f}" for metric, value in card.test.items())
        role = "reacts to messages" if name == settings.reacts_with else "for /compare"
        print(f"  {NAMES[name]}: {card.parameters:,} parameters; {figures}; {role}.")
    mute = without_emoji(manifest.labels, manifest.emoji)
    if mute:
        print(
            f"  There is no emoji for {', '.join(mute)}, so the bot does not react to them: give each one in the entry "
            f'"emoji" of {settings.models / MANIFEST}, as {{"{mute[0]}": "😊"}}, or by /settings in each server.'
        )
    on_the_database(lambda store: store.corrections())
    print("Database: in order.")
    url = make_url(settings.database_url.get_secret_value())
    if is_sqlite(url):
        _tell_of_readers(Path(str(url.database)))
    if settings.discord_token is None:
        print(f"Discord: not asked. {LOGIN_MISSING}")
        return
    with _discord_failures():
        asyncio.run(_check_discord(settings.discord_token.get_secret_value()))


def _tell_of_readers(file: Path) -> None:
    """Say so if others can read a file that holds secrets or what is kept; Windows has no such permissions."""
    if os.name != "nt" and file.exists() and file.stat().st_mode & 0o077:
        quoted = shlex.quote(str(file))
        print(f"  Other users of this computer can read {file}: run `chmod 600 {quoted}`.")


async def _check_discord(token: str) -> None:
    time = DiscordTime(asyncio.get_running_loop().time)
    application = await _application(token, listen(time))
    print(f"Discord: the token is that of {application.name}.")
    error = time.error_of_host()
    if abs(error.total_seconds()) > TOLERATED:
        print(f"{clock_is_wrong(error)} The bot goes by Discord's.")
    if not (application.flags.gateway_message_content or application.flags.gateway_message_content_limited):
        raise _CommandError(INTENT_OFF, 2)
    print("Message content intent: on.")
    print(f"Invite it by: {_invitation(application)}")


def _invite(_arguments: argparse.Namespace) -> None:
    settings = load_settings()
    if settings.discord_token is None:
        raise _CommandError(LOGIN_MISSING, 2)
    with _discord_failures():
        print(_invitation(asyncio.run(_application(settings.discord_token.get_secret_value(), aiohttp.TraceConfig()))))


async def _application(token: str, trace: aiohttp.TraceConfig) -> discord.AppInfo:
    async with discord.Client(intents=discord.Intents.none(), http_trace=trace) as client:
        await client.login(token)
        return await client.application_info()


def _invitation(application: discord.AppInfo) -> str:
    return discord.utils.oauth_url(application.id, permissions=PERMISSIONS)


def _dry_run(arguments: argparse.Namespace) -> None:
    bot = create_bot()
    model = bot.analyzer.models[bot.analyzer.usual]
    show = _as_json if arguments.json else _as_row
    try:
        with _opened(arguments.file) as lines:
            for line in lines:
                text = line.removesuffix("\n")
                silence = wordless(text)
                if silence:
                    print(show(text, None, None, None, silence))
                    continue
                [prediction] = model.predict([text])
                decision = choose(text, prediction, minimum_certainty=bot.settings.min_certainty)
                print(show(text, decision.emoji, decision.emotion, decision.certainty, decision.reason))
    except UnicodeDecodeError:
        raise _CommandError(f"{arguments.file} is not plain text: save it again as UTF-8.", 2) from None


def _opened(path: str) -> TextIO:
    source: str | int = sys.stdin.fileno() if path == "-" else path
    try:
        return open(source, encoding="utf-8-sig", closefd=path != "-")
    except OSError as error:
        raise _CommandError(f"{path} cannot be read: {error.strerror}.", 2) from None


def _as_json(text: str, emoji: str | None, emotion: str | None, certainty: float | None, reason: Silence | None) -> str:
    fields = {"text": text, "emoji": emoji, "emotion": emotion, "certainty": certainty, "reason": reason}
    return json.dumps(fields, ensure_ascii=False)


# Not by Python's own tables, which do not know emoji that are newer than it.
_UNSEEN = regex.compile(r"(?!\p{Extended_Pictographic})[\p{C}\p{Z}]")


def _as_row(text: str, emoji: str | None, emotion: str | None, certainty: float | None, reason: Silence | None) -> str:
    sure = "" if certainty is None else f"{certainty:.0%}"
    shown = _UNSEEN.sub(" ", text)
    return f"{emoji or '-'}\t{emotion or '':<14} {sure:>4}  {reason or '':<14}  {shown}".rstrip()


async def _stoppable(work: Coroutine[Any, Any, None]) -> None:
    """Do the work until it ends or the process is told to stop, by Ctrl-C or by a service manager.

    It is then cancelled, so that it can write what it has. Whoever tells the process once more to stop need not wait
    for long.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    stopping = False
    last: asyncio.TimerHandle | None = None

    def stop() -> None:
        nonlocal stopping, last
        if not stopping:
            stopping = task.cancel()
        elif last is None:
            last = loop.call_later(HASTE, _give_up)

    with _on_signals(lambda: loop.call_soon_threadsafe(stop)):
        try:
            await task
        finally:
            if last:
                last.cancel()


def _give_up() -> None:
    """End at once: waiting for threads or for a database that does not answer could take for ever."""
    print("Stopped before all was written.", file=sys.stderr, flush=True)
    os._exit(1)


@contextmanager
def _on_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` in place of what a signal to stop does otherwise, if it does anything at all.

    By `signal` itself, since asyncio has no such handlers on Windows. SIGINT must be among them: whatever a shell
    script starts in the background ignores it otherwise.
    """
    before = {}
    try:
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last one is Windows' own
            with suppress(AttributeError, ValueError):  # not on this system; not in this thread
                number = getattr(signal, name)
                before[number] = signal.signal(number, lambda *_: stop())
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


@contextmanager
def _discord_failures() -> Iterator[None]:
    """Tell in one sentence what went wrong with Discord."""
    try:
        yield
    except discord.LoginFailure:
        raise _CommandError(LOGIN_REFUSED, 2) from None
    except discord.PrivilegedIntentsRequired:
        raise _CommandError(INTENT_OFF, 2) from None
    except discord.HTTPException as error:
        raise _CommandError(f"Discord answered with HTTP {error.status}: try again later.", 1) from None
    except discord.ConnectionClosed as error:
        if error.code == _TOKEN_REFUSED:
            raise _CommandError(LOGIN_REFUSED, 2) from None
        raise _CommandError(f"Discord closed the connection (code {error.code}): try again.", 1) from None
    except (OSError, aiohttp.ClientError, discord.GatewayNotFound):
        raise _CommandError(UNREACHABLE, 1) from None


if __name__ == "__main__":
    sys.exit(main())
