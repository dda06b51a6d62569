"""The demo's server as a visitor finds it: its people, its channels and the earlier messages."""

from __future__ import annotations

from dataclasses import dataclass, field

PEOPLE = {"You": "#5865f2", "Maya": "#c2410c", "Jonas": "#15803d", "Priya": "#a21caf"}
"""All people, the visitor first, with the colours of their avatars."""

WELCOME = """\
## Welcome to the living room 👋
I am **Emobot**. I read along, and when a message has a clear emotion I answer with its emoji.
- **Write something** below, with feeling: *I can't believe we won, this is amazing!*
- **Look into #match-day**, where everybody writes at once: there I hold back.
- **Right-click a message**, or press the three dots beside it, to take my reaction back with ❌, to ask why, or to \
correct me.
- **Type `/compare`** to see how my two models, an RNN and a BiLSTM, read the same text.
- **Type `/mood`** for the mood of this channel (the week before you came is made up), `/settings` for what a \
server's owner can change, `/privacy` for what I keep.

Everything happens on this computer, and nothing you write is kept."""


@dataclass(frozen=True, slots=True)
class Line:
    """An earlier message.

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
    Line(29, "Maya", "I got the job!! I'm so happy right now"),
    Line(28, "Jonas", "Congratulations, you totally deserve this, amazing work"),
    Line(25, "Maya", "Thank you so much for all your help with the interview"),
    Line(20, "Priya", "The meeting is at ten on Thursday."),
    Line(15, "Jonas", "I'm so sorry, I completely forgot about it"),
    Line(12, "Priya", "haha no worries, that dog video still makes me laugh"),
)
"""The quiet channel, with no message in the last ten minutes, so that the bot can react to the visitor."""


def _within_a_second(minutes: float, *said: tuple[str, str]) -> tuple[Line, ...]:
    """Return messages that were all written within a second."""
    return tuple(Line(minutes - place / 60, author, text) for place, (author, text) in enumerate(said))


BUSY = (
    Line(10, "Jonas", "My own prediction was so wrong, I'm embarrassed", disliked=True),
    *_within_a_second(
        9,
        ("Maya", "Kick-off! I'm so excited for this match"),
        ("Priya", "me too, been waiting for this all week!!"),
        ("Jonas", "who is in goal today?"),
        ("Maya", "Kim, as always"),
    ),
    *_within_a_second(
        8,
        ("Maya", "GOOOAL!!! What a beautiful shot, I love this team"),
        ("Priya", "YES!! amazing amazing amazing"),
        ("Jonas", "I can't believe it, we are actually leading"),
        ("Priya", "that pass before it was brilliant, well done number 8"),
    ),
    *_within_a_second(
        6,
        ("Maya", "I'm so worried about our goalkeeper right now"),
        ("Jonas", "he is getting up again"),
        ("Priya", "phew, what a relief"),
    ),
    *_within_a_second(
        4,
        ("Jonas", "the referee is a joke, that makes me so angry"),
        ("Priya", "such a stupid decision, I'm furious"),
        ("Jonas", "that was never a foul"),
        ("Maya", "hahaha did you see the coach's face"),
        ("Priya", "lol I can't stop laughing"),
    ),
    *_within_a_second(
        2,
        ("Jonas", "two minutes to go"),
        ("Priya", "I'm so nervous, I can't watch"),
        ("Maya", "what a save!! wow"),
        ("Jonas", "he is my hero, thank you Kim"),
    ),
    *_within_a_second(
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
    """A channel and its earlier messages.

    Attributes:
        name: its name.
        topic: its topic, shown below the name.
        lines: the messages, the earliest first.
    """

    name: str
    topic: str
    lines: tuple[Line, ...]


CHANNELS = (
    Channel("lounge", "Say how you feel, or type /compare", QUIET),
    Channel("match-day", "Everybody writes at once here, and Emobot holds back", BUSY),
)
"""The channels; a visitor starts in the first."""
