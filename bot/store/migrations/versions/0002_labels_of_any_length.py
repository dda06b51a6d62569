"""Emotions of any length: labels of users' own data sets may be longer than 16 characters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SHORT, _LABELS = 16, {"moods": ("emotion",), "corrections": ("heard", "meant")}


def upgrade() -> None:
    """Migrate to this revision."""
    _change(sa.String(_SHORT), sa.Text())


def downgrade() -> None:
    """Migrate back to the previous revision; delete counts of labels that are too long for it."""
    for table, columns in _LABELS.items():
        labels = [sa.column(column, sa.Text) for column in columns]
        too_long = sa.or_(*(sa.func.length(label) > _SHORT for label in labels))
        op.execute(sa.table(table, *labels).delete().where(too_long))
    _change(sa.Text(), sa.String(_SHORT))


def _change(before: sa.types.TypeEngine[str], after: sa.types.TypeEngine[str]) -> None:
    for table, columns in _LABELS.items():
        with op.batch_alter_table(table) as batch:  # SQLite cannot alter columns in place
            for column in columns:
                batch.alter_column(column, existing_type=before, type_=after)
