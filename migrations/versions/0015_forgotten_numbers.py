"""Numbers that are not stored any more, by a keyed hash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_UTC = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "hash_keys",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("random_hex", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_hash_keys")),
    )
    op.create_table(
        "forgotten_numbers",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("forgotten_at", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_forgotten_numbers")),
    )


def downgrade() -> None:
    op.drop_table("forgotten_numbers")
    op.drop_table("hash_keys")
