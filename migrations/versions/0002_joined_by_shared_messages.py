"""Coverage that joins answers by the messages they share, and what that takes to know.

What was proven so far stands: it was joined past the settling time only, on which both bases agree.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UTC = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
_SETTLING = timedelta(seconds=60)


def upgrade() -> None:
    op.add_column("keys", sa.Column("disordered_at", _UTC))
    op.add_column("messages", sa.Column("listed_by", _ID))
    with op.batch_alter_table("polls") as batch:
        batch.add_column(sa.Column("coverage_id", _ID))
        batch.create_foreign_key(
            "fk_polls_coverage_id_coverage",
            "coverage",
            ["coverage_id"],
            ["id"],
            ondelete="SET NULL",
        )
    with op.batch_alter_table("coverage") as batch:
        batch.alter_column("ends_at", new_column_name="seen_at")
        batch.add_column(sa.Column("basis", sa.Text()))
    _move_ends(1)
    op.execute("UPDATE coverage SET basis = 'settled'")
    op.execute(
        "INSERT INTO coverage (account_id, key_id, basis, starts_at, seen_at) "
        "SELECT account_id, key_id, 'shared', starts_at, seen_at FROM coverage"
    )
    with op.batch_alter_table("coverage") as batch:
        batch.alter_column("basis", existing_type=sa.Text(), nullable=False)
        batch.create_check_constraint(op.f("ck_coverage_basis"), "basis IN ('shared', 'settled')")

    # The last answer of each key is where the next one joins.
    op.execute(
        "UPDATE polls SET coverage_id = (SELECT max(c.id) FROM coverage c "
        "WHERE c.key_id = polls.key_id AND c.basis = 'shared' AND c.seen_at = polls.answered_at) "
        "WHERE id IN (SELECT max(id) FROM polls GROUP BY key_id)"
    )
    op.execute(
        "UPDATE messages SET listed_by = (SELECT max(p.id) FROM polls p "
        "WHERE p.account_id = messages.account_id AND p.answered_at = messages.observed_at "
        "AND p.key_id = messages.key_id AND p.coverage_id IS NOT NULL)"
    )


def downgrade() -> None:
    with op.batch_alter_table("polls") as batch:
        batch.drop_constraint("fk_polls_coverage_id_coverage", type_="foreignkey")
        batch.drop_column("coverage_id")
    op.execute("DELETE FROM coverage WHERE basis = 'shared'")
    _move_ends(-1)
    with op.batch_alter_table("coverage") as batch:
        batch.drop_constraint(op.f("ck_coverage_basis"), type_="check")
        batch.drop_column("basis")
        batch.alter_column("seen_at", new_column_name="ends_at")
    op.execute("DELETE FROM coverage WHERE starts_at >= ends_at")
    op.drop_column("messages", "listed_by")
    op.drop_column("keys", "disordered_at")


def _move_ends(sign: int) -> None:
    """A span ended with the settling time before the answer; now the answer's time is."""
    moved = sign * _SETTLING
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            sa.text("UPDATE coverage SET seen_at = seen_at + :moved").bindparams(
                sa.bindparam("moved", moved, sa.Interval())
            )
        )
    else:
        microseconds = moved // timedelta(microseconds=1)
        op.execute(sa.text("UPDATE coverage SET seen_at = seen_at + :m").bindparams(m=microseconds))
