"""Until when what was collected of an account has been purged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_UTC = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("purged_before", _UTC))


def downgrade() -> None:
    op.drop_column("accounts", "purged_before")
