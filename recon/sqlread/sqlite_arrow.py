"""Read results of SQLite as Arrow columns: each column is one JSON array.

SQLite joins the cells (`json_group_array`) and Arrow parses them, both in C, without a Python
object for each and without Python's lock. JSON distinguishes nulls, numbers and texts and marks
where a text ends. So each cell is the same as from the driver, or the result is refused
(`ArrowUnavailable`):

- A column has only whole numbers or only texts, and nulls. SQLite prints a real with a point, an
  exponent or a word, which a whole number never has.
- SQLite refuses blobs, but since 3.45 it inserts blobs in the form of its binary JSON as JSON
  values. For these versions the statement also counts blobs, which sort after everything else
  (sqlite.org/datatype3.html, 4.1).
- SQLite also inserts results of JSON functions as JSON, so only stored columns can be selected.
- A text and the file must be UTF-8, because the bytes are not changed.

It is best to read a result in pages: a page that fits into the processor's cache is read twice as
fast.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon.sqlread.arrow import ArrowUnavailable

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

#: From this version on SQLite knows JSON in blobs.
BLOBS_MAY_BE_JSON: Final = sqlite3.sqlite_version_info >= (3, 45)
#: An array of numbers as lines; the empty ones at both ends are skipped.
_AS_LINES: Final = bytes.maketrans(b"[,]", b"\n\n\n")
_QUOTE: Final = ord('"')
#: The bytes between two texts, and for each null between them.
_BETWEEN: Final = b'",'
_NULL: Final = b"null,"


def is_possible(connection: sa.Connection) -> bool:
    """Say whether results of this database can be read as Arrow: its texts are read as UTF-8."""
    if connection.dialect.name != "sqlite" or connection.dialect.driver != "pysqlite":
        return False
    driver: Any = connection.connection.dbapi_connection
    # Another factory is used to read texts that are not UTF-8.
    return driver.text_factory is str and (
        connection.exec_driver_sql("PRAGMA encoding").scalar() == "UTF-8"
    )


@dataclass(slots=True, eq=False)
class JsonColumns:
    """A result of SQLite with a JSON array for each column."""

    row_count: int
    arrays: dict[str, bytes]

    def parsed(self) -> dict[str, pa.Array] | None:
        """Return the columns, `int64`, `large_string` or `null`; nothing if one has another type.

        Each array is released as soon as it is read, so this can be called only once.
        """
        import pyarrow as pa

        try:
            columns = {
                name: _column(self.arrays.pop(name), self.row_count) for name in list(self.arrays)
            }
        except (pa.ArrowException, ValueError, MemoryError, ArrowUnavailable) as cause:
            # A real, or text that is not UTF-8.
            _log_declined(cause)
            return None
        log.debug("an answer was read as Arrow")
        return columns


def ask(
    connection: sa.Connection,
    statement: sa.Select[Any],
    *,
    count_blobs: bool = BLOBS_MAY_BE_JSON,
) -> JsonColumns | None:
    """Return the result of a statement; nothing if SQLite cannot return it as JSON.

    The whole result is in memory at the same time, so select few rows.

    Args:
        connection: to a database for which `is_possible`.
        statement: selects only stored columns of tables.
        count_blobs: whether to count blobs, since SQLite would return some of them as JSON.
    """
    asked = statement.subquery()
    blobs = sa.or_(*(column >= sa.literal_column("x''") for column in asked.c))
    arrays = [sa.cast(sa.func.json_group_array(column), sa.LargeBinary()) for column in asked.c]
    counts = (sa.func.count(), sa.func.count().filter(blobs) if count_blobs else sa.null())
    try:
        row_count, blob_count, *found = connection.execute(sa.select(*counts, *arrays)).one()
    except (sa.exc.SQLAlchemyError, MemoryError) as cause:
        # No such function, a blob, too much for one value.
        _log_declined(cause)
        return None
    if blob_count:
        return None
    names = (column.name for column in asked.c)
    return JsonColumns(row_count, dict(zip(names, found, strict=True)))


def _log_declined(cause: Exception) -> None:
    log.debug("an answer was not read as Arrow: %s", type(cause).__name__)


def _column(array: bytes, count: int) -> pa.Array:
    import pyarrow as pa

    if not count:
        return pa.nulls(0)
    column = _texts(array, count) if b'"' in array else _whole_numbers(array, count)
    return pa.nulls(count) if column.null_count == count else column


def _whole_numbers(array: bytes, count: int) -> pa.Array:
    """Read a JSON array of whole numbers and nulls."""
    import pyarrow as pa
    from pyarrow import csv

    table = csv.read_csv(
        pa.BufferReader(array.translate(_AS_LINES)),
        csv.ReadOptions(column_names=["n"]),
        csv.ParseOptions(quote_char=False, double_quote=False, escape_char=False),
        csv.ConvertOptions(column_types={"n": pa.int64()}, null_values=["null"]),
    )
    if len(table) != count:
        raise ArrowUnavailable
    return table["n"].combine_chunks()


def _texts(array: bytes, count: int) -> pa.Array:
    """Read a JSON array of texts and nulls."""
    import numpy as np
    import pyarrow as pa

    if b"\\" in array:
        return _escaped_texts(array, count)
    # Without escapes, each quotation mark begins or ends a text. With one more at either end,
    # texts and what stands between them take turns, and both may have the bytes as they are.
    data = b"".join((_BETWEEN, memoryview(array)[1:-1], b',"'))
    quotes = np.frombuffer(data, dtype=np.uint8) == _QUOTE
    bounds = np.flatnonzero(quotes).astype(np.int64, copy=False)
    bounds[1::2] += 1
    found = len(bounds) // 2 - 1
    pieces = pa.LargeStringArray.from_buffers(
        2 * found + 1, pa.py_buffer(bounds), pa.py_buffer(data)
    )
    nulls, rest = np.divmod(bounds[1::2] - bounds[0::2] - len(_BETWEEN) - 1, len(_NULL))
    if rest.any() or found + nulls.sum() != count:
        raise ArrowUnavailable
    texts = np.arange(1, 2 * found + 1, 2)
    if not nulls.any():
        return _valid(pieces.take(pa.array(texts)))
    # Something else may be just as long as nulls are.
    for gap in pieces.take(pa.array(2 * np.flatnonzero(nulls))).cast(pa.large_binary()).unique():
        inside = gap.as_py()
        if inside != _BETWEEN + _NULL * (len(inside) // len(_NULL)) + b'"':
            raise ArrowUnavailable
    rows = np.arange(found) + np.cumsum(nulls)[:found]
    places, missing = np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.bool_)
    places[rows], missing[rows] = texts, False
    return _valid(pieces.take(pa.array(places, mask=missing)))


def _valid(texts: pa.Array) -> pa.Array:
    texts.validate(full=True)
    return texts


def _escaped_texts(array: bytes, count: int) -> pa.Array:
    """Read a JSON array of texts and nulls with escapes, one by one."""
    import pyarrow as pa

    values = json.loads(array.decode())
    if len(values) != count:
        raise ArrowUnavailable
    return pa.array(values, pa.large_string())
