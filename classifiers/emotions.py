"""The 28 labels of GoEmotions (Demszky and others, 2020) and their emoji."""

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
