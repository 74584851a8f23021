"""The first schema: accounts and keys, what was collected, coverage, runs and findings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UTC = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
    op.create_table(
        "keys",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("since", _UTC),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_keys_account_id_accounts", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("account_id", "fingerprint", name="uq_keys_account_id_fingerprint"),
    )
    op.create_table(
        "polls",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("key_id", _ID, nullable=False),
        sa.Column("answered_at", _UTC, nullable=False),
        sa.Column("kept_at", _UTC, nullable=False),
        sa.Column("item_limit", sa.Integer(), nullable=False),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("new_count", sa.Integer(), nullable=False),
        sa.Column("shared_count", sa.Integer(), nullable=False),
        sa.Column("reject_count", sa.Integer(), nullable=False),
        sa.Column("oldest_sent_at", _UTC),
        sa.Column("newest_sent_at", _UTC),
        sa.Column("request_id", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_polls"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_polls_account_id_accounts", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["keys.id"], name="fk_polls_key_id_keys", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_polls_account_id_answered_at", "polls", ["account_id", "answered_at"])
    op.create_table(
        "messages",
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_id", _ID, nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=False),
        sa.Column("sent_at", _UTC, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("first_seen_at", _UTC, nullable=False),
        sa.Column("observed_at", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "message_id", name="pk_messages"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_messages_account_id_accounts",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["keys.id"], name="fk_messages_key_id_keys", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_messages_account_id_sent_at", "messages", ["account_id", "sent_at"])
    op.create_table(
        "status_changes",
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_at", _UTC, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("failure_reason", sa.Text()),
        sa.PrimaryKeyConstraint(
            "account_id", "message_id", "seen_at", "status", name="pk_status_changes"
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "message_id"],
            ["messages.account_id", "messages.message_id"],
            name="fk_status_changes_account_id_message_id_messages",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "provider_rejects",
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("message_id", sa.BigInteger()),
        sa.Column("phone_number", sa.Text()),
        sa.Column("sent_at", _UTC),
        sa.Column("status", sa.Text()),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_seen_at", _UTC, nullable=False),
        sa.Column("observed_at", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "key", name="pk_provider_rejects"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_provider_rejects_account_id_accounts",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "coverage",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("key_id", _ID, nullable=False),
        sa.Column("starts_at", _UTC),
        sa.Column("ends_at", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_coverage"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_coverage_account_id_accounts",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["keys.id"], name="fk_coverage_key_id_keys", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_coverage_account_id_key_id", "coverage", ["account_id", "key_id"])
    op.create_table(
        "denied_ids",
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_id", _ID, nullable=False),
        sa.Column("asked_at", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "message_id", "key_id", name="pk_denied_ids"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_denied_ids_account_id_accounts",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["keys.id"], name="fk_denied_ids_key_id_keys", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "runs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("window_start", _UTC, nullable=False),
        sa.Column("window_end", _UTC, nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("started_at", _UTC, nullable=False),
        sa.Column("finished_at", _UTC, nullable=False),
        sa.Column("local", _JSON, nullable=False),
        sa.Column("provider", _JSON, nullable=False),
        sa.Column("discrepancies", _JSON, nullable=False),
        sa.Column("statuses", _JSON, nullable=False),
        sa.Column("gaps", _JSON, nullable=False),
        sa.Column("requests", _JSON, nullable=False),
        sa.Column("suspicions", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_runs_account_id_accounts", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("run_id", name="uq_runs_run_id"),
    )
    op.create_index("ix_runs_account_id_date", "runs", ["account_id", "date"])
    op.create_table(
        "findings",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("discrepancy_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text()),
        sa.Column("local_id", sa.Text()),
        sa.Column("phone_number", sa.Text()),
        sa.Column("local_phone_number", sa.Text()),
        sa.Column("local_status", sa.Text()),
        sa.Column("provider_status", sa.Text()),
        sa.Column("local_sent_at", _UTC),
        sa.Column("provider_sent_at", _UTC),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("first_seen_on", sa.Date(), nullable=False),
        sa.Column("opened_at", _UTC, nullable=False),
        sa.Column("resolved_at", _UTC),
        sa.Column("acknowledged_at", _UTC),
        sa.Column("ack_reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_findings"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_findings_account_id_accounts",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "account_id", "discrepancy_id", name="uq_findings_account_id_discrepancy_id"
        ),
        sa.CheckConstraint(
            "status IN ('open', 'acknowledged', 'resolved')", name=op.f("ck_findings_status")
        ),
    )
    op.create_index("ix_findings_account_id_date", "findings", ["account_id", "date"])
    op.create_table(
        "run_findings",
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("finding_id", _ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "finding_id", name="pk_run_findings"),
        sa.ForeignKeyConstraint(
            ["finding_id"],
            ["findings.id"],
            name="fk_run_findings_finding_id_findings",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name="fk_run_findings_run_id_runs", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_run_findings_finding_id", "run_findings", ["finding_id"])


def downgrade() -> None:
    for table in (
        "run_findings",
        "findings",
        "runs",
        "denied_ids",
        "coverage",
        "provider_rejects",
        "status_changes",
        "messages",
        "polls",
        "keys",
        "accounts",
    ):
        op.drop_table(table)
