"""Choose the models for `/compare`: offer choices for its option `models`, and parse what people type there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import TypeAlias

from bot.i18n import Translate, mark
from classifiers import NAMES

UNKNOWN_MODEL = mark("I have no model called {name}; these are loaded: {models}.")
CHOOSE_TWO = mark("Please choose two of the models that are loaded: {models}.")

ModelNames: TypeAlias = tuple[str, ...]


class ChoiceError(Exception):
    """These models cannot be compared."""

    def __init__(self, sentence: str, loaded: Sequence[str], name: str = "") -> None:
        """Take `UNKNOWN_MODEL` or `CHOOSE_TWO`, the loaded models, and the name that is unknown."""
        super().__init__(sentence)
        self._sentence = sentence
        self._loaded = loaded
        self._name = name

    def sentence(self, translate: Translate) -> str:
        """Return the error as a sentence for the user."""
        return translate(self._sentence).format(
            name=self._name, models=translate.join(NAMES[name] for name in self._loaded)
        )


def format_models(names: Sequence[str]) -> str:
    """Return a choice of models as text, in the form that `parse_models` parses."""
    return " + ".join(NAMES[name] for name in names)


def model_choices(loaded: Sequence[str], usual: ModelNames, typed: str, *, blind: bool) -> list[ModelNames]:
    """Return the possible choices: the usual models, then every other pair, and all models unless it is blind.

    Args:
        loaded: the names of all models.
        usual: the models that are asked by default.
        typed: what has been typed so far; choices that do not contain each of its words are left out.
        blind: whether it is for a blind comparison, which needs two models.
    """
    choices = [usual, *combinations(loaded, 2), *(() if blind else (tuple(loaded),))]
    words = _words(typed)
    return [choice for choice in dict.fromkeys(choices) if all(any(word in name for name in choice) for word in words)]


def parse_models(text: str, loaded: Sequence[str], *, blind: bool) -> ModelNames:
    """Return the models that a text names, in the order in which models are shown.

    Raises:
        ChoiceError: it names a model that is not loaded, or the wrong number of models.
    """
    words = _words(text)
    if unknown := [word for word in words if word not in loaded]:
        raise ChoiceError(UNKNOWN_MODEL, loaded, unknown[0])
    names = tuple(name for name in loaded if name in words)
    if len(names) < min(2, len(loaded)) or (blind and len(names) > 2):
        raise ChoiceError(CHOOSE_TWO, loaded)
    return names


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case, like the names of models in commands."""
    return re.findall(r"\w+", text.casefold())
