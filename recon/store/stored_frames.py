"""Rows of the store as frames, built by columns, with ids and times as integers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from recon.model import FINDING_COLUMNS
from recon.sqlread.driver_rows import read_rows
from recon.sqlread.query import Query, read
from recon.store.column_types import UtcDateTime
from recon.store.tables import FINDING_TYPES, messages

Collected = TypeVar("Collected")

#: Rows that are Python objects at the same time, about, by default.
PART_ROWS: Final = 50_000
_NAT: Final = np.iinfo(np.int64).min

#: Values as a driver gives them, a list or a column of Arrow's.
_Cells: TypeAlias = Sequence[Any] | pa.Array
_Column: TypeAlias = npt.NDArray[np.int64] | pd.api.extensions.ExtensionArray | pd.DatetimeIndex

#: Makes a typed column of the values that a query gave.
_Maker: TypeAlias = Callable[[_Cells], _Column]


def _array(values: _Cells, kind: pa.DataType) -> pa.Array:
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)


def _ids(values: _Cells) -> _Column:
    return np.array(values, dtype=np.int64)


def _nullable_ids(values: _Cells) -> _Column:
    missing = np.array([value is None for value in values], dtype=np.bool_)
    numbers = np.array([0 if value is None else value for value in values], dtype=np.int64)
    return pd.arrays.IntegerArray(numbers, missing)


def _texts(values: _Cells) -> _Column:
    column: _Column = pd.array(_array(values, pa.large_string()), dtype="str")
    return column


def _times(values: _Cells) -> _Column:
    exact = _array(values, pa.int64()).fill_null(_NAT).to_numpy(zero_copy_only=False)
    return pd.DatetimeIndex(exact.view("datetime64[us]")).tz_localize("UTC")


def _days(values: _Cells) -> _Column:
    return _texts([str(value) for value in values])  # SQLite's are texts, ISO both


_PROVIDER: Final[dict[str, _Maker]] = {
    "message_id": _ids,
    "phone_number": _texts,
    "sent_at": _times,
    "status": _texts,
    "failure_reason": _texts,
    "observed_at": _times,
}
_PROVIDER_REJECTS: Final[dict[str, _Maker]] = {
    "key": _texts,
    "message_id": _nullable_ids,
    "phone_number": _texts,
    "sent_at": _times,
    "status": _texts,
    "failure_reason": _texts,
    "reason": _texts,
    "earliest": _times,
    "latest": _times,
}
_FINDINGS: Final[dict[str, _Maker]] = {
    name: _times if isinstance(FINDING_TYPES[name], UtcDateTime) else _texts
    for name in FINDING_COLUMNS
}
_PLACED: Final[dict[str, _Maker]] = {
    "account": _texts,
    "date": _days,
    "run_id": _texts,
    **_FINDINGS,
    "state": _texts,
    "first_seen_on": _days,
    "ack_reason": _texts,
}


def provider(
    connection: sa.Connection,
    queries: Sequence[sa.Select[Any]],
    *,
    part_rows: int = PART_ROWS,
    are_parts: bool = False,
) -> pd.DataFrame:
    """Return the rows of `messages` for some queries, see `recon.core.frames.PROVIDER`.

    For many rows of SQLite, use several queries, and say that they `are_parts` (see `Query`). Rows
    that are not read as Arrow columns are typed in parts of about `part_rows`.
    """
    found = provider_in_parts(connection, queries, list, part_rows=part_rows, are_parts=are_parts)
    frame = _joined(found, _PROVIDER)
    return frame.assign(status=frame["status"].astype("category"))


def provider_in_parts(
    connection: sa.Connection,
    queries: Sequence[sa.Select[Any]],
    collect: Callable[[Iterator[pd.DataFrame]], Collected],
    *,
    part_rows: int = PART_ROWS,
    are_parts: bool = False,
) -> Collected:
    """Read the same rows in parts, and return the result of `collect`.

    The statuses of a part are texts. `collect` may be called again, with all parts from the first
    one on, and then has to start again.
    """
    # Times are selected unchanged: they already are whole microseconds, so the server need not
    # convert them.
    columns = [messages.c[name] for name in _PROVIDER]
    query = Query(
        queries,
        part_rows,
        are_parts=are_parts,
        binary=[each.with_only_columns(*columns) for each in queries],
    )
    return read(
        connection,
        query,
        lambda batches: collect(_part(_PROVIDER, batch.columns) for batch in batches),
    )


def provider_rejects(connection: sa.Connection, query: sa.Select[Any]) -> pd.DataFrame:
    """Return unreadable items as a provider rejects frame, see `recon.core.frames`."""
    return _frame(connection, [query], _PROVIDER_REJECTS)


def findings(connection: sa.Connection, queries: Sequence[sa.Select[Any]]) -> pd.DataFrame:
    """Return findings in the frame of a verdict: `FINDING_COLUMNS`."""
    return _frame(connection, queries, _FINDINGS)


def placed_findings(connection: sa.Connection, query: sa.Select[Any]) -> pd.DataFrame:
    """Return findings with account, date, run_id, state, first_seen_on and ack_reason.

    The two days are ISO texts.
    """
    return _frame(connection, [query], _PLACED)


def _frame(
    connection: sa.Connection, queries: Sequence[sa.Select[Any]], columns: dict[str, _Maker]
) -> pd.DataFrame:
    found = [_part(columns, batch.columns) for batch in read_rows(connection, queries, PART_ROWS)]
    return _joined(found, columns)


def _joined(parts: Sequence[pd.DataFrame], columns: dict[str, _Maker]) -> pd.DataFrame:
    return pd.concat(parts or [_part(columns, [()] * len(columns))], ignore_index=True)


def _part(columns: dict[str, _Maker], cells: Iterable[_Cells]) -> pd.DataFrame:
    named = zip(columns.items(), cells, strict=True)
    return pd.DataFrame({name: make(values) for (name, make), values in named})
