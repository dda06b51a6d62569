"""How many servers were ever erased, by which other processes notice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    erasures = op.create_table(
        "erasures",
        sa.Column("id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(erasures, [{"id": 1, "number": 0}])


def downgrade() -> None:
    """To the revision before."""
    op.drop_table("erasures")
