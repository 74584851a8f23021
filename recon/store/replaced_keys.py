"""Withdraw proof of a key that another key has replaced.

A host may have polled an old key while messages were sent with the new one. This is known only when
the new key is polled for the first time and its list is cut off. Then the time that the old key had
proven after its last message is withdrawn, and reported like other withdrawn time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from recon.core import key_use
from recon.core.coverage import intersect
from recon.model import Withdrawal
from recon.store import coverage_proof, key_history, withdrawals
from recon.store.tables import keys

#: Why proof of an older key is withdrawn.
REPLACED: Final = (
    "the older key listed nothing sent in this time, and the first list of the newer key does "
    "not reach back to the beginning of this time: what was sent with the newer key before its "
    "list begins was "
    "never listed"
)


def withdraw(connection: sa.Connection, account_id: int, at: datetime) -> None:
    """Withdraw, permanently, the time that older keys of an account no longer prove.

    Args:
        connection: in a transaction that has locked the account.
        account_id: whose keys.
        at: our own clock.
    """
    uses = key_history.uses(connection, account_id)
    for key_id, time in key_use.lost(uses).items():
        row = connection.execute(sa.select(keys).where(keys.c.id == key_id)).one()
        gone = intersect(coverage_proof.of_key(connection, row), time)
        if not gone:
            continue
        end = gone[-1].end
        assert end is not None
        withdrawals.add(
            connection, account_id, key_id, Withdrawal(gone[0].start, end, REPLACED), at
        )
