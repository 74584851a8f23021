"""Pauses that a 429 asked for, so that the next process keeps them too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UTC = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "pauses",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("until", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_pauses")),
    )


def downgrade() -> None:
    op.drop_table("pauses")
