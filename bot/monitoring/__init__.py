"""Seen from outside: whether the bot lives and is ready, and its metrics, over HTTP for whoever operates it."""
