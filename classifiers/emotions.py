"""Define the 28 labels of GoEmotions (Demszky and others, 2020), their emoji and groups, and check other labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

EMOJI: dict[str, str] = {
    "admiration": "👏",
    "amusement": "😂",
    "anger": "😡",
    "annoyance": "😒",
    "approval": "👍",
    "caring": "🤗",
    "confusion": "🤨",
    "curiosity": "🤔",
    "desire": "😍",
    "disappointment": "😞",
    "disapproval": "👎",
    "disgust": "🤮",
    "embarrassment": "😳",
    "excitement": "🤩",
    "fear": "😨",
    "gratitude": "🙏",
    "grief": "🕊️",
    "joy": "😃",
    "love": "❤️",
    "nervousness": "😬",
    "optimism": "🤞",
    "pride": "🦁",
    "realization": "💡",
    "relief": "😌",
    "remorse": "😔",
    "sadness": "😢",
    "surprise": "😮",
}
"""The default emoji of each emotion; neutral has none, since the bot never reacts to it."""

VARIATION_SELECTOR = "\ufe0f"
"""Asks for the colourful form of the character before it; emoji that differ only in it are the same."""

NEUTRAL = "neutral"
"""The label of a text without emotion."""

LABELS: tuple[str, ...] = (*EMOJI, NEUTRAL)
"""All labels in GoEmotions' order: alphabetical, with neutral last."""

_POSITIVE = (
    *("admiration", "amusement", "approval", "caring", "desire", "excitement"),
    *("gratitude", "joy", "love", "optimism", "pride", "relief"),
)
_AMBIGUOUS = ("confusion", "curiosity", "realization", "surprise")

EKMAN: dict[str, tuple[str, ...]] = {
    "joy": _POSITIVE,
    "surprise": _AMBIGUOUS,
    "sadness": ("disappointment", "embarrassment", "grief", "remorse", "sadness"),
    "anger": ("anger", "annoyance", "disapproval"),
    "fear": ("fear", "nervousness"),
    "disgust": ("disgust",),
}
"""Ekman's six basic emotions, each with those of the 27 that belong to it, as the authors of GoEmotions group them."""

SENTIMENT: dict[str, tuple[str, ...]] = {
    "positive": _POSITIVE,
    "ambiguous": _AMBIGUOUS,
    "negative": tuple(label for group in ("sadness", "anger", "fear", "disgust") for label in EKMAN[group]),
}
"""The 27 emotions by whether they are pleasant, unpleasant, or either; neutral is not among them."""


MAX_LISTED = 40
"""The most labels that a sentence names; if there are more, it is usually the wrong column."""


def listed(labels: Sequence[str]) -> str:
    """Return labels for a sentence: at most `MAX_LISTED` of them, and how many are left out."""
    left_out = len(labels) - MAX_LISTED
    return ", ".join(labels) if left_out <= 0 else f"{', '.join(labels[:MAX_LISTED])} and {left_out:,} more"


def one_emoji(text: str) -> str | None:
    """Return a text that is exactly one Unicode emoji in the form that Unicode recommends; None if it is anything else.

    Keyboards differ in whether they add the variation selector U+FE0F, which the recommended form has for some emoji.
    """
    import emoji  # noqa: PLC0415 - 7 MB that only custom labels and emoji need

    if not emoji.is_emoji(text.replace(VARIATION_SELECTOR, "")):
        return None
    return emoji.emojize(emoji.demojize(text.replace(VARIATION_SELECTOR, "")))


def canonical_spelling(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the labels, those of GoEmotions in its letter case; unchanged if two would become equal."""
    ours = tuple(label.casefold() if label.casefold() in LABELS else label for label in labels)
    return ours if len(set(ours)) == len(ours) else tuple(labels)


def without_emoji(labels: Iterable[str], emoji: Mapping[str, str]) -> list[str]:
    """Return the labels except neutral that have neither a default emoji nor one in `emoji`."""
    return [label for label in labels if label != NEUTRAL and label not in EMOJI and label not in emoji]


def checked_emoji(emoji: Mapping[str, str], labels: Collection[str]) -> dict[str, str]:
    """Return the emoji given to labels, with each label spelt as in `labels`.

    Raises:
        ValueError: a key is not one of the emotions in `labels`, or a value is not one emoji; the text says which.
    """
    emotions = {label.casefold(): label for label in labels if label != NEUTRAL}
    found = {}
    for label, each in emoji.items():
        name = label if label in labels else emotions.get(label.casefold(), NEUTRAL)
        if name == NEUTRAL:
            raise ValueError(f"there is an emoji for {label!r}, but the emotions are {listed(list(emotions.values()))}")
        if (emoji_found := one_emoji(each)) is None:
            raise ValueError(f"the emoji for {label!r} is {each!r}, which is not one emoji")
        found[name] = emoji_found
    return found
