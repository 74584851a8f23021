"""An index of denied ids by key, so that no statement about a key reads the whole table."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_INDEX = "ix_denied_ids_key_id"


def upgrade() -> None:
    op.create_index(op.f(_INDEX), "denied_ids", ["key_id"])


def downgrade() -> None:
    op.drop_index(op.f(_INDEX), table_name="denied_ids")
