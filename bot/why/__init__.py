"""The message menu "Why?": why the bot has reacted to a message, or why not."""
