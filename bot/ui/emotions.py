"""The emotions that the loaded models distinguish: their names, and the menus that offer them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from bot.i18n import Translate
from bot.ui.discord_limits import MENU_OPTIONS
from bot.ui.quotation import escape
from classifiers import EMOJI, LABELS, NEUTRAL, Classifier
from classifiers.emotions import SENTIMENT

NO_EMOJI = "🏷️"
"""What is shown in place of an emoji for an emotion that has none."""

_PLAIN = re.compile(r"[\w -]{1,24}")


def emotions_of(models: Mapping[str, Classifier]) -> dict[str, str | None]:
    """Return the emotions of all models except neutral, each with its default emoji; None if it has none."""
    return {label: model.emoji.get(label) for model in models.values() for label in model.labels if label != NEUTRAL}


def group_emotions(emotions: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return emotions in groups, each of which fits into a menu.

    "pleasant" and "other" hold GoEmotions' emotions; "own1", "own2" and so on hold those of other data, alphabetically.
    """
    emotions = list(emotions)
    pleasant = [emotion for emotion in emotions if emotion in SENTIMENT["positive"]]
    other = [emotion for emotion in emotions if emotion in EMOJI and emotion not in SENTIMENT["positive"]]
    own = sorted((emotion for emotion in emotions if emotion not in EMOJI), key=str.casefold)
    groups = {"pleasant": pleasant, "other": other}
    groups |= {
        f"own{start // MENU_OPTIONS + 1}": own[start : start + MENU_OPTIONS]
        for start in range(0, len(own), MENU_OPTIONS)
    }
    return {name: tuple(group) for name, group in groups.items() if group}


def label_name(label: str, translate: Translate) -> str:
    """Return the name of a label in the reader's language; a label that is not in GoEmotions is its own name."""
    return translate(label) if label in LABELS else label


def label_with_emoji(label: str, emoji: str | None, translate: Translate) -> str:
    """Return the name of a label, escaped for Markdown and followed by its emoji if it has one."""
    return f"{escape(label_name(label, translate))} {emoji}" if emoji else escape(label_name(label, translate))


def label_key(label: str) -> str:
    """Return an identifier of a label for a custom_id: at most 24 characters, without colons."""
    return label if _PLAIN.fullmatch(label) else hashlib.sha256(label.encode()).hexdigest()[:24]
