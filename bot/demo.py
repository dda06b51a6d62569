"""The very same bot in a simulated Discord, opened to the browser; no token and no network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from bot.client import Emobot
from classifiers import MissingExtraError

try:
    import simcord
except ImportError as error:
    raise MissingExtraError("The demo", "demo") from error

WELCOME = """\
## Welcome to the living room 👋
I am **Emobot**. I read along, and when a message has a clear emotion I answer with its emoji.
- **Write something** below, with feeling: *I can't believe we won, this is amazing!*
- **Type `/compare`** to see how my two models, an RNN and a BiLSTM, read the same text.

Everything happens on this computer, and nothing you write is kept."""

CONVERSATION = (
    ("Maya", "I got the job!! I'm so happy right now"),
    ("Jonas", "Congratulations, you totally deserve this, amazing work"),
    ("Maya", "Thank you so much for all your help with the interview"),
    ("Priya", "The meeting is at ten on Thursday."),
    ("Jonas", "I'm so sorry, I completely forgot about it"),
    ("Priya", "haha no worries, that dog video still makes me laugh"),
)


class PortTakenError(Exception):
    """The page cannot be served at the port asked for; its text is one sentence for the user."""


async def run(bot: Emobot, port: int) -> None:
    """Serve the demo until it is ended in the browser or this task is cancelled.

    Args:
        bot: not yet started.
        port: of the local page, 0 for any that is free.

    Raises:
        PortTakenError: another program listens there.
        MissingExtraError: the demo extra is installed in part only.
    """
    async with opened(bot, port) as preview:
        print(f"Emobot is waiting for you at {preview.url}\nPress Ctrl-C to end.", flush=True)  # noqa: T201
        await preview.wait_closed()


@asynccontextmanager
async def opened(bot: Emobot, port: int = 0) -> AsyncIterator[simcord.Preview]:
    """A server with people, a conversation and the bot in it, shown in the browser; raises as `run` does."""
    async with bot, simcord.run(bot, check_errors=False) as env:
        lounge, viewers = await _furnish(env, bot)
        preview = env.preview(lounge, viewers=viewers, layout="channel", port=port)
        try:
            await preview.__aenter__()
        except simcord.SetupError as error:
            if isinstance(error.__cause__, OSError):
                raise PortTakenError(f"Port {port} is taken: choose another one by --port, or leave it out.") from None
            raise MissingExtraError("The demo", "demo") from error
        try:
            yield preview
        finally:
            await preview.close()


async def _furnish(env: simcord.Env, bot: Emobot) -> tuple[simcord.ChannelHandle, list[simcord.MemberActor]]:
    """The channel to show and the people through whose eyes it can be seen, the visitor first."""
    # The simulation begins at a date of its own and its page shows UTC, so local time is passed off as that.
    now = datetime.now().astimezone().replace(tzinfo=UTC)
    await env.advance_time(max(0.0, (now - env.now()).total_seconds()))
    await bot.http.edit_profile({"username": "Emobot"})
    guild = env.create_guild("The living room")
    lounge = guild.create_text_channel("lounge", topic="Say how you feel, or type /compare")
    guild.create_text_channel("memes", topic="For what makes you laugh")
    names = dict.fromkeys(["You", *(name for name, _ in CONVERSATION)])
    people = {name: guild.add_member(env.create_user(name.lower(), global_name=name)) for name in names}
    for name, text in CONVERSATION:
        await people[name].send(lounge, text)
    # Last, since the page opens at the bot's latest message.
    await bot.get_partial_messageable(lounge.id).send(WELCOME)
    return lounge, list(people.values())
