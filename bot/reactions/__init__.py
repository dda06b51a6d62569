"""Reactions to messages: what may be read, whether to react, how often, and the listener that does it."""
