"""The blind duel of `/compare`: two answers whose models are not named before the vote.

Which model gave which answer is kept only in memory: a panel contains nothing that reveals it, and after a restart the
bot says that it no longer knows.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import TypeAlias

import discord
from cachetools import TTLCache
from discord import ui

from bot.compare.panel import Comparison, marked_words, marks_note, strongest_lines, truncation_note
from bot.i18n import ENGLISH, Translate, mark
from bot.store import Store
from bot.ui.answered_questions import MAX_REMEMBERED, REMEMBERED_FOR, AnsweredQuestions
from bot.ui.standings import BOTH, NEITHER
from classifiers import NAMES

VOTE = re.compile(r"duel:(?P<vote>a|b|both|neither):(?P<duel>\d{1,20})")
"""The custom_id of a button: the vote, and the id of the interaction that asked for the duel."""

ONE_MODEL = mark("A blind comparison needs two models, and only the {model} is loaded.")
FORGOTTEN = mark(
    "I no longer know which model gave which answer: I remember it for a day at most, and not after a restart. "
    "Please use /compare again."
)
VOTE_COUNTED = mark("Thank you! I have counted your vote, without the text.")
ALREADY_VOTED = mark("You have already voted: I count one vote per person and comparison.")

Pair: TypeAlias = tuple[str, str]


def _random_bool() -> bool:
    return bool(secrets.randbits(1))


class Duels:
    """Remembers which models are behind A and B in each duel, and counts each person's first vote.

    A count has the two models, the verdict and the server. Who voted in which duel is kept in memory for a day.
    """

    def __init__(self, store: Store, toss: Callable[[], bool] = _random_bool) -> None:
        """Start with no duel.

        Args:
            store: where votes are counted.
            toss: returns at random whether the first model of a pair is A.
        """
        self._store = store
        self._toss = toss
        self._sides: TTLCache[int, Pair] = TTLCache(MAX_REMEMBERED, REMEMBERED_FOR)
        self._answered_questions = AnsweredQuestions()

    def start(self, duel_id: int, pair: Pair) -> Pair:
        """Start a duel, and return its models in random order, the one behind A first."""
        first, second = pair
        self._sides[duel_id] = sides = (first, second) if self._toss() else (second, first)
        return sides

    def sides(self, duel_id: int) -> Pair | None:
        """Return the models of a duel, the one behind A first; None if it has been forgotten."""
        return self._sides.get(duel_id)

    async def count(self, guild_id: int, duel_id: int, sides: Pair, user_id: int, vote: str) -> bool:
        """Count a vote and return True; return False if the person has already voted in this duel.

        Args:
            guild_id: the server, 0 for none.
            duel_id: the duel.
            sides: its models, the one behind A first.
            user_id: who votes.
            vote: "a", "b", "both" or "neither".

        Raises:
            StoreError: nothing was counted.
        """
        if self._answered_questions.get(user_id, duel_id):
            return False
        verdict = {"a": sides[0], "b": sides[1], "both": BOTH, "neither": NEITHER}[vote]
        with self._answered_questions.remember(user_id, duel_id, duel_id):
            await self._store.add_verdict(guild_id, sides, verdict)
        return True


class DuelPanel(ui.LayoutView):
    """Two answers to one text, without the names of the models. The cog handles its buttons."""

    def __init__(self, comparison: Comparison, sides: Pair, duel_id: int, translate: Translate = ENGLISH) -> None:
        """Draw it.

        Args:
            comparison: what the two models made of the text.
            sides: their names, the one behind A first.
            duel_id: the id of the duel, by which the buttons find the names.
            translate: the reader's language.
        """
        super().__init__(timeout=None)
        question = translate("Which answer is better? Vote, and I will tell you which model gave which.")
        first, second = (
            ui.TextDisplay[DuelPanel](_answer(letter, name, comparison, translate))
            for letter, name in zip("AB", sides, strict=True)
        )
        labels = {"a": "A", "b": "B", "both": translate("Both"), "neither": translate("Neither")}
        self.add_item(
            ui.Container(
                comparison.quotation.display(),
                ui.TextDisplay("\n".join((question, *truncation_note(comparison.read, translate)))),
                ui.Separator(),
                first,
                ui.Separator(),
                second,
                ui.TextDisplay(marks_note(comparison, translate)),
                ui.ActionRow(
                    *(ui.Button(label=label, custom_id=f"duel:{vote}:{duel_id}") for vote, label in labels.items())
                ),
                ui.TextDisplay("-# " + translate("Nothing you write is kept.")),
                accent_colour=discord.Colour.blurple(),
            )
        )
        self.stop()


def _answer(letter: str, name: str, comparison: Comparison, translate: Translate) -> str:
    """Return the strongest emotion of a model, named by a letter, and the text with the words that moved it marked."""
    strongest = strongest_lines(comparison.answers[name], 1, translate)
    return "\n".join((f"**{letter}**", *strongest, marked_words(name, comparison)))


def reveal_sentence(sides: Pair, translate: Translate) -> str:
    """Return a sentence that says which model gave which answer."""
    first, second = (f"**{NAMES[name]}**" for name in sides)
    return translate("A was the {first}, B the {second}.").format(first=first, second=second)


def replace_buttons(message: discord.Message, text: str) -> ui.LayoutView:
    """Return the panel of a message with a text instead of its buttons."""
    panel = ui.LayoutView.from_message(message, timeout=None)
    for box in panel.children:
        if isinstance(box, ui.Container):
            parts = list(box.children)
            box.clear_items()
            for part in parts:
                box.add_item(ui.TextDisplay(text) if isinstance(part, ui.ActionRow) else part)
    panel.stop()
    return panel
