"""What is written in a rehearsal is there until its end, and never stored."""

from __future__ import annotations

from contextlib import suppress

import sqlalchemy as sa

from recon.store.accounts import lock_account
from recon.store.engine import reading, writing
from recon.store.rehearsal import rehearsed
from tests.store.table_contents import rows


def test_a_transaction_that_fails_takes_back_its_own_writes_alone(engine: sa.Engine) -> None:
    with rehearsed(engine) as rehearsal:
        with writing(rehearsal) as connection:
            lock_account(connection, "kept")
        with suppress(ZeroDivisionError), writing(rehearsal) as connection:
            lock_account(connection, "failed")
            raise ZeroDivisionError
        with writing(rehearsal) as connection:
            lock_account(connection, "kept too")
        with reading(rehearsal) as connection:
            names = set(connection.execute(sa.text("SELECT name FROM accounts")).scalars())
        assert names == {"kept", "kept too"}
    assert rows(engine, "accounts", "name") == []
