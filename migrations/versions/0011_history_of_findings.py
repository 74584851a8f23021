"""Findings keep their history, and can be expected; runs say what has changed.

The first opening of a finding stays in its own row. What is known of the others becomes their
history: when they were acknowledged and why, and when they were resolved.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UTC = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_BY_DATE = "ix_findings_account_id_date"
_BY_STATUS = "ix_findings_account_id_status_date_kind"


def upgrade() -> None:
    op.create_table(
        "finding_changes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("finding_id", _ID, nullable=False),
        sa.Column("changed_at", _UTC, nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("from_date", sa.Date()),
        sa.PrimaryKeyConstraint("id", name="pk_finding_changes"),
        sa.ForeignKeyConstraint(
            ["finding_id"],
            ["findings.id"],
            name="fk_finding_changes_finding_id_findings",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_finding_changes_finding_id", "finding_changes", ["finding_id"])
    _replace_status("'open', 'acknowledged', 'expected', 'resolved'", _BY_DATE, _BY_STATUS)
    with op.batch_alter_table("runs") as batch:
        batch.add_column(sa.Column("changes", _JSON))
        batch.add_column(sa.Column("expected", _JSON))
        batch.add_column(sa.Column("expected_rules", sa.Text()))
    op.execute("UPDATE runs SET expected = '{}'")
    with op.batch_alter_table("runs") as batch:
        batch.alter_column("expected", existing_type=_JSON, nullable=False)
    op.execute("""
        INSERT INTO finding_changes (finding_id, changed_at, change, reason)
        SELECT id, acknowledged_at, 'acknowledged', ack_reason FROM findings
        WHERE acknowledged_at IS NOT NULL ORDER BY id
    """)
    op.execute("""
        INSERT INTO finding_changes (finding_id, changed_at, change, run_id)
        SELECT f.id, f.resolved_at, 'resolved', (
            SELECT min(r.run_id) FROM runs r
            WHERE r.account_id = f.account_id AND r.date = f.date AND r.finished_at = f.resolved_at
        ) FROM findings f
        WHERE f.status = 'resolved' AND f.resolved_at IS NOT NULL ORDER BY f.id
    """)


def downgrade() -> None:
    with op.batch_alter_table("runs") as batch:
        batch.drop_column("expected_rules")
        batch.drop_column("expected")
        batch.drop_column("changes")
    op.execute("UPDATE findings SET status = 'open' WHERE status = 'expected'")
    _replace_status("'open', 'acknowledged', 'resolved'", _BY_STATUS, _BY_DATE)
    op.drop_table("finding_changes")


def _replace_status(allowed: str, index: str, new_index: str) -> None:
    op.drop_index(index, "findings")
    with op.batch_alter_table("findings") as batch:
        batch.drop_constraint(op.f("ck_findings_status"), type_="check")
        batch.create_check_constraint(op.f("ck_findings_status"), f"status IN ({allowed})")
    columns = ["account_id", "date"]
    if new_index == _BY_STATUS:
        columns = ["account_id", "status", "date", "kind"]
    op.create_index(new_index, "findings", columns)
