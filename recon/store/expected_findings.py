"""Change stored findings when rules of the configuration begin or cease to cover them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from recon.model import Change
from recon.store import finding_history
from recon.store.accounts import id_of, lock_account
from recon.store.dialects import among, id_chunks
from recon.store.engine import reading, writing
from recon.store.finding_list import EXPECTED, OPEN
from recon.store.tables import findings


def change(
    engine: sa.Engine,
    account: str,
    expected: Mapping[str, str],
    not_expected: Sequence[str],
    now: datetime,
) -> None:
    """Set the state of findings by the rules, in one transaction.

    Args:
        engine: the store.
        account: whose findings.
        expected: the rule's reason for each open finding that a rule covers.
        not_expected: expected findings that no rule covers any more; they are open again.
        now: our own clock.
    """
    if not expected and not not_expected:
        return
    with writing(engine) as connection:
        account_id = lock_account(connection, account)
        steps: list[tuple[Sequence[str], str, str, Change, str | None]] = [
            (ids, OPEN, EXPECTED, Change.EXPECTED, reason)
            for reason, ids in finding_history.by_reason(expected).items()
        ]
        steps.append((not_expected, EXPECTED, OPEN, Change.NOT_EXPECTED, None))
        for ids, before, after, what, reason in steps:
            for some in id_chunks(ids):
                these = sa.and_(
                    findings.c.account_id == account_id,
                    findings.c.status == before,
                    among(connection, findings.c.discrepancy_id, some),
                )
                finding_history.record(connection, what, these, now, reason=reason)
                connection.execute(sa.update(findings).where(these).values(status=after))


def reasons(engine: sa.Engine, account: str, ids: Sequence[str]) -> dict[str, str]:
    """Return which of these findings of an account are expected, each with its rule's reason."""
    if not ids:
        return {}
    with reading(engine) as connection:
        account_id = connection.execute(sa.select(id_of(account))).scalar_one()
        return finding_history.expected_for(connection, account_id, ids)
