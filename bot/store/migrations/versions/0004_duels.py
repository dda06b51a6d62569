"""Verdicts on two models whose names were hidden."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "duels",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("model", sa.Text(), primary_key=True),
        sa.Column("rival", sa.Text(), primary_key=True),
        sa.Column("verdict", sa.Text(), primary_key=True),
        sa.Column("times", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """To the revision before."""
    op.drop_table("duels")
