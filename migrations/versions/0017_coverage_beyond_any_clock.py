"""Coverage that still reaches beyond any clock ends where the wrong clock was first seen.

Where the polls tell what each answer was a part of, 0009 has built a key's coverage again. Those of
the first schema do not tell it.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_LAST = "(SELECT max(p.kept_at) FROM polls p WHERE p.key_id = coverage.key_id)"
_FIRST_WRONG = (
    "(SELECT min(p.kept_at) FROM polls p "
    "WHERE p.key_id = coverage.key_id AND p.date_at > p.kept_at)"
)
_CUT = f"coalesce({_FIRST_WRONG}, {_LAST})"


def upgrade() -> None:
    op.execute(f"DELETE FROM coverage WHERE seen_at > {_LAST} AND starts_at >= {_CUT}")  # noqa: S608
    op.execute(f"UPDATE coverage SET seen_at = {_CUT} WHERE seen_at > {_LAST}")  # noqa: S608


def downgrade() -> None:
    """Nothing to undo: what is not proven stays so."""
