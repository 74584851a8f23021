"""What the verdict of a run rests on, so that a backfill need not judge the same again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("verdict_basis", sa.Text()))


def downgrade() -> None:
    op.drop_column("runs", "verdict_basis")
