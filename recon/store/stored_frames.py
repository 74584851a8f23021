"""Rows of the store as frames: built by columns, ids and times as the integers they are."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, suppress
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from recon import rows
from recon.arrow import ArrowUnavailable, postgres_arrow, sqlite_arrow
from recon.model import FINDING_COLUMNS
from recon.store.tables import FINDING_TYPES, UtcDateTime, messages

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
    connection: sa.Connection, queries: Sequence[sa.Select[Any]], *, part_rows: int = PART_ROWS
) -> pd.DataFrame:
    """Return the rows of `messages` that `queries` ask for, see `recon.core.frames.PROVIDER`.

    Where SQLite has many rows they are best asked for by several queries. What does not come as
    Arrow columns is typed in parts of about `part_rows`.
    """
    with rows.gc_paused():
        if len(queries) > 1 and sqlite_arrow.is_possible(connection):
            found = [
                part for query in queries for part in _parts_of_sqlite(connection, query, part_rows)
            ]
        else:
            found = _parts_of_any(connection, queries, part_rows)
        frame = pd.concat(found, ignore_index=True)
    return frame.assign(status=frame["status"].astype("category"))


def _parts_of_sqlite(
    connection: sa.Connection, query: sa.Select[Any], part_rows: int
) -> list[pd.DataFrame]:
    try:
        return [_part(_PROVIDER, sqlite_arrow.read_columns(connection, query).values())]
    except ArrowUnavailable:
        return list(_parts(connection, [query], _PROVIDER, part_rows))


def _parts_of_any(
    connection: sa.Connection, queries: Sequence[sa.Select[Any]], part_rows: int
) -> list[pd.DataFrame]:
    with closing(_parts(connection, queries, _PROVIDER, part_rows)) as parts:
        first = next(parts)
        # Few rows are not worth another connection.
        if len(first) >= min(part_rows, rows.FIRST) and postgres_arrow.is_possible(connection):
            with suppress(ArrowUnavailable):
                return _parts_of_postgres(connection, queries)
        return [first, *parts]


def _parts_of_postgres(
    connection: sa.Connection, queries: Sequence[sa.Select[Any]]
) -> list[pd.DataFrame]:
    parts = []
    columns = [messages.c[name] for name in _PROVIDER]
    for query in queries:
        # Times as they are: they are whole microseconds already, and the server need not count.
        with postgres_arrow.read_batches(connection, query.with_only_columns(*columns)) as batches:
            parts += [_part(_PROVIDER, batch.columns) for batch in batches]
    return parts


def provider_rejects(connection: sa.Connection, query: sa.Select[Any]) -> pd.DataFrame:
    """Return unreadable items as a provider rejects frame, see `recon.core.frames`."""
    return _frame(connection, [query], _PROVIDER_REJECTS)


def findings(connection: sa.Connection, queries: Sequence[sa.Select[Any]]) -> pd.DataFrame:
    """Return findings as the frame that a verdict holds: `FINDING_COLUMNS`."""
    return _frame(connection, queries, _FINDINGS)


def placed_findings(connection: sa.Connection, query: sa.Select[Any]) -> pd.DataFrame:
    """Return findings with account, date, run_id, state, first_seen_on and ack_reason.

    The two days are ISO texts.
    """
    return _frame(connection, [query], _PLACED)


def _frame(
    connection: sa.Connection, queries: Sequence[sa.Select[Any]], columns: dict[str, _Maker]
) -> pd.DataFrame:
    return pd.concat(list(_parts(connection, queries, columns, PART_ROWS)), ignore_index=True)


def _parts(
    connection: sa.Connection,
    queries: Sequence[sa.Select[Any]],
    columns: dict[str, _Maker],
    part_rows: int,
) -> Generator[pd.DataFrame]:
    """Type the rows of `queries`, whose columns stand in the order of `columns`, part by part.

    There is always a part. Each has at least `part_rows` rows, see `rows.read_parts`.
    """
    for query in queries:
        for _, _, cells in rows.read_parts(connection, query, part_rows):
            yield _part(columns, cells)
    if not queries:
        yield _part(columns, [()] * len(columns))


def _part(columns: dict[str, _Maker], cells: Iterable[_Cells]) -> pd.DataFrame:
    named = zip(columns.items(), cells, strict=True)
    return pd.DataFrame({name: make(values) for (name, make), values in named})
