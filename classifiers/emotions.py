"""The 28 labels of GoEmotions (Demszky and others, 2020), their emoji and their groups."""

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

NEUTRAL = "neutral"

LABELS: tuple[str, ...] = (*EMOJI, NEUTRAL)
"""All labels in GoEmotions' order: alphabetical, neutral last."""

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
"""Which of the 27 emotions are pleasant, which are not, and which may be either; neutral is none of them."""
