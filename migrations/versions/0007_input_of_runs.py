"""Runs keep their notices, and a digest of what their verdict rests on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("runs") as batch:
        batch.add_column(sa.Column("notices", _JSON))
        batch.add_column(sa.Column("input_digest", sa.Text()))
    op.execute("UPDATE runs SET notices = '[]'")
    with op.batch_alter_table("runs") as batch:
        batch.alter_column("notices", existing_type=_JSON, nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("runs") as batch:
        batch.drop_column("input_digest")
        batch.drop_column("notices")
