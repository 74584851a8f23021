"""The index over the time of messages holds their status, so that they are counted from it."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_BEFORE = "ix_messages_account_id_sent_at"
_AFTER = "ix_messages_account_id_sent_at_status"


def upgrade() -> None:
    op.create_index(_AFTER, "messages", ["account_id", "sent_at", "status"])
    op.drop_index(_BEFORE, "messages")


def downgrade() -> None:
    op.create_index(_BEFORE, "messages", ["account_id", "sent_at"])
    op.drop_index(_AFTER, "messages")
