"""Loops that synchronise the store with the database and erase what is due."""
