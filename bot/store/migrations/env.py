"""Alembic's door to the database, through the connection that `bot.store.engine` hands over."""

from __future__ import annotations

from alembic import context

from bot.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite alters no table in place
)
with context.begin_transaction():
    context.run_migrations()
