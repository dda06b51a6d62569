"""Verdicts of blind comparisons of two models."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Migrate to this revision."""
    op.create_table(
        "duels",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("model", sa.Text(), primary_key=True),
        sa.Column("rival", sa.Text(), primary_key=True),
        sa.Column("verdict", sa.Text(), primary_key=True),
        sa.Column("times", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """Migrate back to the previous revision."""
    op.drop_table("duels")
