"""Keys whose answers contradict the times of messages that were listed before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UTC = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "time_disputes",
        sa.Column("key_id", _ID, nullable=False),
        sa.Column("first_at", _UTC, nullable=False),
        sa.Column("last_at", _UTC, nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("starts_at", _UTC, nullable=False),
        sa.Column("moved_seconds", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["key_id"], ["keys.id"], name=op.f("fk_time_disputes_key_id_keys"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_time_disputes")),
    )


def downgrade() -> None:
    op.drop_table("time_disputes")
