"""When an item without a readable time may have been sent; why rows of a run cannot be read.

What was stored before knows only that an item was not sent after it was first seen.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_UTC = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("provider_rejects") as batch:
        batch.add_column(sa.Column("earliest", _UTC))
        batch.add_column(sa.Column("latest", _UTC))
    op.execute("UPDATE provider_rejects SET latest = first_seen_at WHERE sent_at IS NULL")
    with op.batch_alter_table("runs") as batch:
        batch.add_column(sa.Column("unreadable", _JSON))
    op.execute("UPDATE runs SET unreadable = '[]'")
    with op.batch_alter_table("runs") as batch:
        batch.alter_column("unreadable", existing_type=_JSON, nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("runs") as batch:
        batch.drop_column("unreadable")
    with op.batch_alter_table("provider_rejects") as batch:
        batch.drop_column("latest")
        batch.drop_column("earliest")
