"""The number of erasures, from which other processes see that a server was erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Migrate to this revision."""
    erasures = op.create_table(
        "erasures",
        sa.Column("id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(erasures, [{"id": 1, "number": 0}])


def downgrade() -> None:
    """Migrate back to the previous revision."""
    op.drop_table("erasures")
