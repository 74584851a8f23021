"""Conditions that find the rows with some of many message ids, however the column keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

Column: TypeAlias = sa.ColumnElement[Any]
Condition: TypeAlias = sa.ColumnElement[bool]

#: How many ids go into one statement where a database takes no array of them. Oracle takes
#: a list of 1,000, and SQL Server 2,100 parameters; a text has two spellings.
_AT_ONCE: Final = 450


def conditions(
    column: Column, kind: sa.types.TypeEngine[Any], ids: Sequence[int], dialect: str
) -> Iterator[Condition]:
    """Yield conditions, one a statement, under which each row with one of `ids` is read.

    Rows that only look alike may be read too; which id a row has is judged where it is typed.
    """
    if isinstance(kind, postgresql.DOMAIN):
        kind = kind.data_type
    if dialect == "sqlite":
        yield _of_sqlite(column, ids)
        return
    is_number = isinstance(kind, sa.Integer | sa.Numeric)
    spelled = ids if is_number else [text for one in ids for text in _spellings(one)]
    if dialect == "postgresql":
        item: sa.types.TypeEngine[Any] = sa.BigInteger() if is_number else sa.Text()
        known = sa.literal(spelled, postgresql.ARRAY(item))
        if is_number:
            yield column == sa.any_(known)
            return
        text = sa.cast(column, sa.Text())
        odd = r"^[[:space:]0]|^-0|[[:space:]]$|[.]$|[.]00+$"
        yield sa.or_(text == sa.any_(known), text.regexp_match(sa.literal(odd, sa.Text())))
        return
    for at in range(0, len(ids), _AT_ONCE):
        batch = ids[at : at + _AT_ONCE]
        if is_number:
            yield column.in_([sa.literal(one, sa.BigInteger()) for one in batch])
        else:
            yield column.in_(
                [sa.literal(text, sa.String()) for one in batch for text in _spellings(one)]
            )


def _spellings(number: int) -> tuple[str, str]:
    return str(number), f"{number}.0"


def _of_sqlite(column: Column, ids: Sequence[int]) -> Condition:
    """A column holds numbers and texts side by side, whatever its type: each is looked for."""
    known = json.dumps([form for one in ids for form in (one, *_spellings(one))])
    values = sa.func.json_each(sa.literal(known, sa.String())).table_valued("value")
    stored = sa.func.typeof(column)
    odd = ("[0 \t\r\n]*", "-0*", "*[ \t\r\n]", "*.", "*.00*")
    padded = (column.op("GLOB")(sa.literal(one, sa.String())) for one in odd)
    # Texts and blobs come after all numbers: told so, an index serves both sides of the OR.
    return sa.or_(
        column.in_(sa.select(values.c.value)),
        sa.and_(column >= sa.literal("", sa.String()), sa.or_(stored == "blob", *padded)),
    )
