"""What a run reported stands in its own row, no longer in a row for each finding."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

#: The ids of the findings of a run, in the report's order.
_GATHERED = {
    "postgresql": "SELECT coalesce(jsonb_agg(id ORDER BY position), '[]') FROM ({rows}) AS r",
    "sqlite": "SELECT json_group_array(id) FROM ({rows} ORDER BY position) AS r",
}
_ROWS = (
    "SELECT f.discrepancy_id AS id, rf.position AS position "
    "FROM run_findings rf JOIN findings f ON f.id = rf.finding_id WHERE rf.run_id = runs.id"
)

#: The lists of all runs again as rows: `run_id`, `account_id`, `id`, and `position` from 0 on.
_SCATTERED = {
    "postgresql": "SELECT r.id AS run_id, r.account_id, e.id, e.place - 1 AS position FROM runs r, "
    "jsonb_array_elements_text(r.{column}) WITH ORDINALITY AS e(id, place)",
    "sqlite": "SELECT r.id AS run_id, r.account_id, e.value AS id, e.key AS position FROM runs r, "
    "json_each(r.{column}) AS e",
}


def upgrade() -> None:
    gathered = _GATHERED[op.get_context().dialect.name]
    with op.batch_alter_table("runs") as batch:
        batch.add_column(sa.Column("found", _JSON))
        batch.add_column(sa.Column("acknowledged", _JSON))
    settled = f"{_ROWS} AND rf.status = 'acknowledged'"
    op.execute(
        f"UPDATE runs SET found = ({gathered.format(rows=_ROWS)}), "  # noqa: S608 - our own words
        f"acknowledged = ({gathered.format(rows=settled)})"
    )
    with op.batch_alter_table("runs") as batch:
        batch.alter_column("found", existing_type=_JSON, nullable=False)
        batch.alter_column("acknowledged", existing_type=_JSON, nullable=False)
    op.drop_table("run_findings")


def downgrade() -> None:
    scattered = _SCATTERED[op.get_context().dialect.name]
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
    # In this order: SQLite would go through all ids for each of the findings.
    joined = (
        "({}) s CROSS JOIN findings f WHERE f.account_id = s.account_id AND f.discrepancy_id = s.id"
    )
    found, settled = (
        joined.format(scattered.format(column=column)) for column in ("found", "acknowledged")
    )
    rows = f"SELECT s.run_id, f.id, s.position, 'open' FROM {found}"  # noqa: S608 - our own words
    op.execute(f"INSERT INTO run_findings (run_id, finding_id, position, status) {rows}")
    those = f"SELECT s.run_id, f.id FROM {settled}"  # noqa: S608 - our own words
    settle = "UPDATE run_findings SET status = 'acknowledged' WHERE (run_id, finding_id) IN"
    op.execute(f"{settle} ({those})")
    with op.batch_alter_table("runs") as batch:
        batch.drop_column("acknowledged")
        batch.drop_column("found")
