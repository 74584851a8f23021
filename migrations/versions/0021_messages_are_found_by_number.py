"""Messages are found by number: what became of a proposed retry is asked so."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_INDEX = "ix_messages_account_id_phone_number_sent_at"


def upgrade() -> None:
    op.create_index(_INDEX, "messages", ["account_id", "phone_number", "sent_at"])


def downgrade() -> None:
    op.drop_index(_INDEX, "messages")
