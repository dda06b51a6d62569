"""Mood counts packed into one row per channel and day."""

from __future__ import annotations

import json
from datetime import timedelta

import sqlalchemy as sa
from alembic import op

from bot.store.tables import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_DAYS = sa.table(
    "mood_days", sa.column("guild_id"), sa.column("channel_id"), sa.column("day", UtcDateTime), sa.column("counts")
)
_COUNT = sa.text(
    "INSERT INTO moods (guild_id, channel_id, hour, emotion, messages) "
    "VALUES (:guild_id, :channel_id, :hour, :emotion, :messages) "
    "ON CONFLICT (guild_id, channel_id, hour, emotion) DO UPDATE SET messages = moods.messages + excluded.messages"
).bindparams(sa.bindparam("hour", type_=UtcDateTime), sa.bindparam("emotion", type_=sa.Text))


def upgrade() -> None:
    """Migrate to this revision; the bot packs existing counts little by little."""
    op.create_table(
        "mood_days",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("day", sa.DateTime(timezone=True), primary_key=True, index=True),
        sa.Column("counts", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    """Migrate back to the previous revision; give each count its own row again."""
    connection = op.get_bind()
    for guild_id, channel_id, day, counts in connection.execute(sa.select(_DAYS)).all():
        for line in counts.splitlines():
            emotion, *numbers = json.loads(line)
            for hour, messages in zip(numbers[::2], numbers[1::2], strict=True):
                count = {"hour": day + timedelta(hours=hour), "emotion": emotion, "messages": messages}
                connection.execute(_COUNT, {"guild_id": guild_id, "channel_id": channel_id, **count})
    op.drop_table("mood_days")
