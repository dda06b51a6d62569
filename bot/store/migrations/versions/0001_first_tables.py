"""The first tables: servers, opt-outs, moods and corrections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Migrate to this revision."""
    op.create_table(
        "servers",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("settings", sa.Text(), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True, index=True),
    )
    op.create_table(
        "opt_outs",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, primary_key=True),
    )
    op.create_table(
        "moods",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("hour", sa.DateTime(timezone=True), primary_key=True, index=True),
        sa.Column("emotion", sa.String(16), primary_key=True),
        sa.Column("messages", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "corrections",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("heard", sa.String(16), primary_key=True),
        sa.Column("meant", sa.String(16), primary_key=True),
        sa.Column("times", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """Migrate back to an empty database."""
    for table in ("corrections", "moods", "opt_outs", "servers"):
        op.drop_table(table)
