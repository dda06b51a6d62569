"""Loops that synchronise the store with the database and erase expired data."""
