"""The people, channels and past messages of the demo's server."""

from __future__ import annotations

from dataclasses import dataclass, field

PEOPLE = {"You": "#5865f2", "Maya": "#c2410c", "Jonas": "#15803d", "Priya": "#a21caf"}
"""All people, the visitor first, with the colours of their avatars."""

WELCOME = """\
## Welcome to the living room 👋
I am **Emobot**. I read along, and when a message has a clear emotion I answer with its emoji.
- **Write something** below, with feeling: *I can't believe we won, this is amazing!*
- **Have a look at #match-day**, where everybody writes at once: there I hold back.
- **Right-click a message**, or press the three dots beside it, to take my reaction back with ❌, to ask why, or to \
correct me.
- **Type `/compare`** to see how my two models, an RNN and a BiLSTM, read the same text.
- **Type `/mood`** for the mood of this channel (the week before you came is made up), `/settings` for what a \
server's managers can change, `/privacy` for what I keep.

Everything happens on this computer, and nothing you write is kept."""


@dataclass(frozen=True, slots=True)
class PastMessage:
    """A message that was written before the visitor came.

    Attributes:
        minutes: how many minutes before the visitor's arrival it was written.
        author: who wrote it.
        text: what they wrote.
        disliked: whether its author removes the bot's reaction to it.
    """

    minutes: float
    author: str
    text: str
    disliked: bool = field(default=False, kw_only=True)


QUIET = (
    PastMessage(29, "Maya", "I got the job!! I'm so happy right now"),
    PastMessage(28, "Jonas", "Congratulations, you totally deserve this, amazing work"),
    PastMessage(25, "Maya", "Thank you so much for all your help with the interview"),
    PastMessage(20, "Priya", "The meeting is at ten on Thursday."),
    PastMessage(15, "Jonas", "I'm so sorry, I completely forgot about it"),
    PastMessage(12, "Priya", "haha no worries, that dog video still makes me laugh"),
)
"""The quiet channel, with no message in the last ten minutes, so that the bot can react to the visitor."""


def _burst(minutes: float, *messages: tuple[str, str]) -> tuple[PastMessage, ...]:
    """Return messages with these authors and texts that were written a second apart, the first `minutes` ago."""
    return tuple(PastMessage(minutes - place / 60, author, text) for place, (author, text) in enumerate(messages))


BUSY = (
    PastMessage(10, "Jonas", "My own prediction was so wrong, I'm embarrassed", disliked=True),
    *_burst(
        9,
        ("Maya", "Kick-off! I'm so excited for this match"),
        ("Priya", "me too, been waiting for this all week!!"),
        ("Jonas", "who is in goal today?"),
        ("Maya", "Kim, as always"),
    ),
    *_burst(
        8,
        ("Maya", "GOOOAL!!! What a beautiful shot, I love this team"),
        ("Priya", "YES!! amazing amazing amazing"),
        ("Jonas", "I can't believe it, we are actually leading"),
        ("Priya", "that pass before it was brilliant, well done number 8"),
    ),
    *_burst(
        6,
        ("Maya", "I'm so worried about our goalkeeper right now"),
        ("Jonas", "he is getting up again"),
        ("Priya", "phew, what a relief"),
    ),
    *_burst(
        4,
        ("Jonas", "the referee is a joke, that makes me so angry"),
        ("Priya", "such a stupid decision, I'm furious"),
        ("Jonas", "that was never a foul"),
        ("Maya", "hahaha did you see the coach's face"),
        ("Priya", "lol I can't stop laughing"),
    ),
    *_burst(
        2,
        ("Jonas", "two minutes to go"),
        ("Priya", "I'm so nervous, I can't watch"),
        ("Maya", "what a save!! wow"),
        ("Jonas", "he is my hero, thank you Kim"),
    ),
    *_burst(
        1,
        ("Maya", "WE WON!!! I'm so happy!!!"),
        ("Jonas", "best day ever, I love you all"),
        ("Priya", "I'm so proud of this team"),
        ("Maya", "thanks for watching with me, this was so much fun"),
        ("Priya", "see you all on Saturday"),
    ),
)
"""The busy channel. Somebody has removed a reaction there, so the bot holds back even more than its pauses require."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel and its past messages.

    Attributes:
        name: its name.
        topic: its topic, shown below the name.
        messages: the messages, the earliest first.
    """

    name: str
    topic: str
    messages: tuple[PastMessage, ...]


CHANNELS = (
    Channel("lounge", "Say how you feel, or type /compare", QUIET),
    Channel("match-day", "Everybody writes at once here, and Emobot holds back", BUSY),
)
"""The channels; a visitor starts in the first."""
