"""Findings of a run that an earlier run also found, in a temporary table of its transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import sqlalchemy as sa

from recon.model import FINDING_COLUMNS, Kind
from recon.store import finding_history
from recon.store.column_types import SafeText, UtcDateTime, storable
from recon.store.dialects import among, bulk_insert, id_chunks
from recon.store.tables import FINDING_TYPES, findings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: What a run found and an earlier one did too, as long as its transaction lasts. `expected` is the
#: reason of the rule that covers a finding.
AGAIN: Final = sa.Table(
    "found_again",
    sa.MetaData(),
    sa.Column("finding_id", sa.BigInteger, primary_key=True, autoincrement=False),
    *(sa.Column(name, kind) for name, kind in FINDING_TYPES.items()),
    sa.Column("expected", SafeText),
    prefixes=["TEMPORARY"],
)
#: The condition that a finding is one of them.
IS_AGAIN: Final = findings.c.id.in_(sa.select(AGAIN.c.finding_id))


class Known(NamedTuple):
    """The stored state of a finding that a run finds again."""

    row: int
    identity: str
    first_seen_on: date
    status: str
    is_accepted: bool
    """Whether a person acknowledged it."""
    is_moved: bool
    """Whether it belonged to another day before."""
    was_open: bool
    """Whether it was open at the end of the run with which this run is compared."""
    was_unverifiable: bool


def columns_of(found: pd.DataFrame) -> pa.Table:
    """Return findings in stored form."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if found.empty:
        return _no_columns()
    columns: dict[str, pa.Array] = {}
    for name in FINDING_COLUMNS:
        if isinstance(FINDING_TYPES[name], UtcDateTime):
            columns[name] = pa.array(found[name], pa.timestamp("us", "UTC"), from_pandas=True)
            continue
        texts = pa.array(found[name], pa.large_string(), from_pandas=True)
        # Half a pair of surrogates, the other thing that is not storable, is no Arrow text.
        if pc.any(pc.match_substring(texts, "\0")).as_py():
            words = texts.to_pylist()
            words = [None if word is None else storable(word) for word in words]
            texts = pa.array(words, pa.large_string())
        columns[name] = texts
    return pa.table(columns)


def _no_columns() -> pa.Table:
    import pyarrow as pa

    time, word = pa.timestamp("us", "UTC"), pa.large_string()
    kinds = {name: isinstance(FINDING_TYPES[name], UtcDateTime) for name in FINDING_COLUMNS}
    return pa.schema({name: time if kind else word for name, kind in kinds.items()}).empty_table()


def known_of(
    connection: sa.Connection,
    account_id: int,
    day: date,
    before: datetime | None,
    ids: pa.ChunkedArray,
) -> tuple[dict[str, Known], pa.Array]:
    """Return the stored state of these findings, and the row of each, null for a new one.

    The account is locked, so no other process can open one meanwhile.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    known: dict[str, Known] = {}
    for some in id_chunks(ids.to_pylist()):
        query = sa.select(
            findings.c.id,
            findings.c.discrepancy_id,
            findings.c.first_seen_on,
            findings.c.status,
            findings.c.ack_reason.is_not(None),
            findings.c.date != day,
            sa.false() if before is None else finding_history.was_open(before),
            findings.c.kind == Kind.UNVERIFIABLE.value,
        ).where(
            findings.c.account_id == account_id,
            among(connection, findings.c.discrepancy_id, some),
        )
        known |= {row[1]: Known._make(row) for row in connection.execute(query).all()}
    places = pc.index_in(ids, value_set=pa.array(known, pa.large_string()))
    rows = pa.array([one.row for one in known.values()], pa.int64())
    return known, rows.take(places.combine_chunks())


def insert(connection: sa.Connection, again: pa.Table, expected: Mapping[str, str]) -> None:
    """Put findings into the table, each with the reason of the rule that expects it.

    Args:
        connection: in a transaction that has made the table.
        again: the findings, and their rows as `finding_id`.
        expected: the reasons by `discrepancy_id`.
    """
    import pyarrow as pa

    if expected:
        reasons = [expected.get(one) for one in again["discrepancy_id"].to_pylist()]
        again = again.append_column("expected", pa.array(reasons, pa.large_string()))
    bulk_insert(connection, AGAIN, again)
