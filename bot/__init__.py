"""Emobot, the Discord application: reads messages with the classifiers and reacts with the fitting emoji."""

from bot.client import Emobot, create_bot

__all__ = ["Emobot", "create_bot"]
