"""The findings of a run as CSV (UTF-8, RFC 4180), built by columns and returned in pieces."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recon.core.calendar import day_at
from recon.model import Run, State
from recon.report import csv_cells
from recon.report.csv_columns import COLUMNS

if TYPE_CHECKING:
    import numpy.typing as npt

_TIMES: Final = ("provider_sent_at", "local_sent_at")

_END: Final = "\r\n"

#: Rows made at once: few enough to stay in the processor's cache, enough to forget the overhead.
_ROWS: Final = 32_768

#: Pieces made at the same time: few, so that memory stays bounded.
_THREADS: Final = 2


def chunks(run: Run) -> Iterator[bytes | memoryview]:
    """Yield the file of a run in pieces, first the header.

    Rows are sorted by severity (errors first), kind, time (the provider's, else the records'; rows
    without a time last) and id, so that two runs give the same file.
    """
    findings = run.verdict.findings
    if findings.empty:
        return encode(findings, COLUMNS)
    place = {
        "run_id": run.run_id,
        "date": run.verdict.window.label,
        "account": run.verdict.account,
    }
    ids, today = findings["discrepancy_id"], day_of(run).isoformat()
    if run.first_seen_on:
        findings = findings.assign(first_seen_on=_by_id(run.first_seen_on, ids, today))
    else:
        place["first_seen_on"] = today
    states = {one: at for one, at in run.lifecycle.items() if at != State.OPEN}
    if states:
        findings = findings.assign(state=_by_id(states, ids, State.OPEN.value))
    else:
        place["state"] = State.OPEN.value
    order = row_order(findings)
    is_sorted = (order == np.arange(len(order))).all()
    return encode(findings, COLUMNS, constants=place, order=None if is_sorted else order)


def day_of(run: Run) -> date:
    """Return the day of a run's end in the zone of its window."""
    return day_at(run.finished_at, run.verdict.window.zone)


def text(frame: pd.DataFrame) -> str:
    """Return a frame as CSV, with all its columns in order."""
    return b"".join(encode(frame, list(frame.columns))).decode()


def encode(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    constants: Mapping[str, str] | None = None,
    order: npt.NDArray[np.int64] | None = None,
) -> Iterator[bytes | memoryview]:
    """Yield `columns` of a frame as CSV in UTF-8, the header first.

    Args:
        frame: text, whole numbers, categories and times, any of them null.
        columns: the columns to write, each from `constants` or from the frame.
        constants: values that are the same in every row.
        order: the positions of the rows to write; `None` is all in their order.
    """
    yield (",".join(columns) + _END).encode()
    if frame.empty:
        return
    fixed = {name: _cell(word) for name, word in (constants or {}).items()}
    wanted = frame[[name for name in columns if name not in fixed]]

    def piece(start: int) -> memoryview:
        part = slice(start, start + _ROWS)
        rows = wanted.iloc[part] if order is None else wanted.take(order[part])
        return _lines(fixed[name] if name in fixed else _cells(rows[name]) for name in columns)

    yield from _ahead(piece, range(0, len(frame), _ROWS))


def _ahead(piece: Callable[[int], memoryview], starts: range) -> Iterator[memoryview]:
    """Yield the piece of each start in order, while the next ones are being built.

    Arrow and numpy do nearly all of it without Python's lock, so two threads take half the time.
    """
    if len(starts) <= 1:
        yield from map(piece, starts)
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        coming: deque[Future[memoryview]] = deque()
        for start in starts:
            coming.append(pool.submit(piece, start))
            if len(coming) > _THREADS:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _cells(column: pd.Series[Any]) -> pa.LargeStringArray:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return csv_cells.instants(column)
    return csv_cells.safe(column, numbers=str(column.name).endswith("phone_number"))


def _cell(value: str) -> str:
    word: str = csv_cells.safe(pd.Series([value], dtype="str"))[0].as_py()
    return word


def _lines(columns: Iterable[pa.LargeStringArray | str]) -> memoryview:
    """Return one line for each row; adjacent constant columns are joined into one piece."""
    pieces: list[pa.LargeStringArray | str] = []
    for column in columns:
        if isinstance(column, str) and pieces and isinstance(pieces[-1], str):
            pieces[-1] += f",{column}"
        else:
            pieces.append(column)
    pieces[-1] = (
        pieces[-1] + _END if isinstance(pieces[-1], str) else csv_cells.joined([pieces[-1], _END])
    )
    return csv_cells.content(csv_cells.joined(pieces, ","))


def row_order(findings: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the positions that sort findings for a report."""
    group = _rank(findings["severity"]) * np.int64(1 << 32) + _rank(findings["kind"])
    time = moments(findings)
    ids = csv_cells.text(findings["discrepancy_id"])
    table = pa.table({"group": group, "time": time, "id": ids})
    keys = [(name, "ascending") for name in table.column_names]
    positions: npt.NDArray[np.int64] = pc.sort_indices(table, sort_keys=keys).to_numpy()
    return positions.astype(np.int64)


def moments(findings: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the time by which each finding is sorted, in microseconds, UTC; without one, last."""
    sent, recorded = (pd.to_datetime(findings[name], utc=True) for name in _TIMES)
    times = sent.fillna(recorded).dt.as_unit("us")
    return np.where(times.isna(), np.iinfo(np.int64).max, times.astype("int64"))


def _rank(words: pd.Series[Any]) -> npt.NDArray[np.int64]:
    """Number the words by the alphabet, which has `error` before `warning`."""
    return pd.factorize(words.astype("str"), sort=True)[0].astype(np.int64)


def _by_id(values: Mapping[str, Any], ids: pd.Series[Any], otherwise: str) -> pd.Series[str]:
    """Return the value of each id as text, and `otherwise` for an id without one."""
    known = pa.array(values, pa.large_string())
    words = pa.array(values.values()).cast(pa.large_string())
    places = pc.index_in(csv_cells.text(ids), value_set=known)
    found = pc.fill_null(words.take(places), otherwise)
    return pd.Series(found, index=ids.index, dtype="str")
