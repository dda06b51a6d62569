"""Run Alembic's migrations on the connection of a test."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def migrations(connection: Connection) -> Config:
    """Return Alembic's configuration for a connection."""
    config = Config()
    config.set_main_option("script_location", "bot.store:migrations")
    config.attributes["connection"] = connection
    return config


def downgrade(connection: Connection, revision: str = "base") -> None:
    """Migrate the tables back to a revision."""
    command.downgrade(migrations(connection), revision)


def upgrade(connection: Connection, revision: str) -> None:
    """Migrate the tables to a revision."""
    command.upgrade(migrations(connection), revision)
