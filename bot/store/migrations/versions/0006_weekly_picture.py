"""The last week whose picture was posted in a server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Migrate to this revision."""
    op.add_column("servers", sa.Column("posted_week", sa.Text(), nullable=True))


def downgrade() -> None:
    """Migrate back to the previous revision."""
    op.drop_column("servers", "posted_week")
