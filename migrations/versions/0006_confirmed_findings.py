"""Denials are confirmed on a later night, and findings and runs say what was confirmed.

Denials from before were stored without a control id, and for pages of HTML too: they are dropped,
and the ids are asked for again where they still matter.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_UTC = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.execute("DELETE FROM denied_ids")
    with op.batch_alter_table("denied_ids") as batch:
        batch.add_column(sa.Column("asked_again_at", _UTC))
    with op.batch_alter_table("findings") as batch:
        batch.add_column(sa.Column("confirmed", sa.Text()))
    with op.batch_alter_table("runs") as batch:
        batch.add_column(sa.Column("confirmation", _JSON))
    op.execute("""UPDATE runs SET confirmation = '{"asked": 0, "denied": 0, "found": 0}'""")
    with op.batch_alter_table("runs") as batch:
        batch.alter_column("confirmation", existing_type=_JSON, nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("runs") as batch:
        batch.drop_column("confirmation")
    with op.batch_alter_table("findings") as batch:
        batch.drop_column("confirmed")
    with op.batch_alter_table("denied_ids") as batch:
        batch.drop_column("asked_again_at")
