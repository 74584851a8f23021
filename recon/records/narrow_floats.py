"""Detect columns of four-byte floats (`real`, `FLOAT`), which cannot hold most ids and times.

A value of such a column looks like an id but may be another one, so it must not be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from recon.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

#: Up to here such a float holds every whole number.
_EXACT: Final = 2**24
#: MySQL and MariaDB send the first six digits of one only (MySQL's manual, "Problems with
#: Floating-Point Values").
_EXACT_IN_MYSQL: Final = 10**6

#: The code for such a column in an answer (PEP 249, `description`), by the name of the dialect, and
#: the largest number that comes whole: MySQL's and MariaDB's protocol, PostgreSQL's `pg_type`,
#: DuckDB's name of it.
_CODES: Final = {
    "mysql": ("4", _EXACT_IN_MYSQL),
    "mariadb": ("4", _EXACT_IN_MYSQL),
    "postgresql": ("700", _EXACT),
    "duckdb": ("FLOAT", _EXACT),
}
#: Arrow's names of floats of four bytes, and of two.
_IN_ARROW: Final = frozenset({"float", "halffloat"})


def require_exact_answer(name: str, values: Any, code: object, dialect: str) -> None:  # noqa: ANN401
    """Check a column of a query's result.

    Args:
        name: the column.
        values: what it holds.
        code: the driver's code for its type.
        dialect: SQLAlchemy's name of the database.

    Raises:
        InputError: it is of such floats, and numbers in it have lost their last digits.
    """
    narrow, most = _CODES.get(dialect, (None, _EXACT))
    if str(code) == narrow:
        import pyarrow as pa

        _require(name, pa.array(values, pa.float64(), from_pandas=True), most)


def require_exact(name: str, column: Any) -> None:  # noqa: ANN401
    """Check a column of a file, as `require_exact_answer` does; only Arrow has four-byte floats.

    Raises:
        InputError: it has four-byte floats, and numbers in it have lost their last digits.
    """
    if str(getattr(column, "type", "")) in _IN_ARROW:
        _require(name, column.cast("double"), _EXACT)


def _require(name: str, numbers: pa.Array | pa.ChunkedArray, most: int) -> None:
    import pyarrow.compute as pc

    size = pc.max(pc.abs(numbers)).as_py()
    if size is not None and size > most:
        raise InputError(
            f"column '{name}' is a four-byte float, which holds six or seven digits: the other "
            "digits of its ids, numbers or times are lost",
            hint="Change it to an eight-byte integer (BIGINT) or text, and write the values again.",
        )
