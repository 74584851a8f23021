"""Incidents: which one a finding is part of, and those of each run; runs keep their advice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("findings", sa.Column("incident_id", sa.Text()))
    op.add_column("runs", sa.Column("incidents", _JSON))
    op.add_column("runs", sa.Column("advice", _JSON))


def downgrade() -> None:
    with op.batch_alter_table("runs") as batch:
        batch.drop_column("advice")
        batch.drop_column("incidents")
    with op.batch_alter_table("findings") as batch:
        batch.drop_column("incident_id")
