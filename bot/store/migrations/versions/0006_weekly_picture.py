"""The last week whose picture of the mood was posted in a server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column("servers", sa.Column("posted_week", sa.Text(), nullable=True))


def downgrade() -> None:
    """To the revision before."""
    op.drop_column("servers", "posted_week")
