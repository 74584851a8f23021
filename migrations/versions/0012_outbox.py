"""Mails that wait to be sent, and what is told of each run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UTC = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("id", _ID, nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("created_at", _UTC, nullable=False),
        sa.Column("waiting", _JSON),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("done_at", _UTC),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mails_message_id")),
    )
    for column in ("thread", "done_at"):
        op.create_index(op.f(f"ix_mails_{column}"), "mails", [column])
    op.create_table(
        "notifications",
        sa.Column("id", _ID, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("run_id", sa.Text()),
        sa.Column("failure", _JSON),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", _UTC, nullable=False),
        sa.Column("mail_id", _ID),
        sa.Column("done_at", _UTC),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_notifications_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["mail_id"],
            ["mails.id"],
            name=op.f("fk_notifications_mail_id_mails"),
            ondelete="SET NULL",
        ),
    )
    for columns in (["account_id", "channel", "id"], ["mail_id"], ["done_at"]):
        op.create_index(op.f(f"ix_notifications_{'_'.join(columns)}"), "notifications", columns)


def downgrade() -> None:
    op.drop_table("notifications")
    op.drop_table("mails")
