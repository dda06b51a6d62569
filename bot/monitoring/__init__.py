"""Monitoring over HTTP for operators: whether the bot is alive and ready, and its metrics."""
