"""When each job that one process does for all of them was last begun."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Migrate to this revision."""
    op.create_table(
        "jobs",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Migrate back to the previous revision."""
    op.drop_table("jobs")
