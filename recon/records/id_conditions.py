"""Conditions that find rows by message ids, for any type of the column.

An id may be a number, its digits, or a text that is read as the number: with blanks, zeros or other
marks around it. No database reads texts as recon does. So the query asks for the usual spellings of
the wanted ids, and for every text that has a digit, no letters but those of an exponent, of a word
such as `id` or of the URL of a message, and is not clearly another id. The id of a row is decided
later, when it is typed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from recon.core import id_spellings
from recon.records import postgres_columns
from recon.records.mysql_columns import DIALECTS as _MYSQL

Column: TypeAlias = sa.ColumnElement[Any]
Condition: TypeAlias = sa.ColumnElement[bool]

#: How many ids go into one statement where a database takes no array of them. Oracle takes
#: a list of 1,000, and SQL Server 2,100 parameters; a text has two spellings.
_AT_ONCE: Final = 450


#: Databases whose regular expressions know `_DIGITS` and `_PLAIN`.
_WITH_PATTERNS: Final = _MYSQL | {"duckdb", "oracle"}
#: The words of `id_spellings` without the extended syntax that not all databases know.
_WORD: Final = f"({id_spellings.WORDS}|[Nn])".replace("(?:", "(")
#: A text that may be read as a whole number: it has a digit, and no letter but one of an exponent;
#: or it has a word before the digits, and between them not only what continues a word; or a path.
_DIGITS: Final = (
    "^[^A-DF-Za-df-z]*[0-9][^A-DF-Za-df-z]*$"
    f"|^[^A-Za-z]*{_WORD}[^A-Za-z]*[^A-Za-z0-9_][0-9][^A-Za-z]*$"
    f"|^[^?#]*{id_spellings.PATH}[0-9][^A-Za-z]*$"
)
#: What may be around a word and digits, in SQLite.
_AROUND: Final = (
    f"0123456789{id_spellings.BLANKS}{id_spellings.QUOTES}:=#+.,;[](){{}}<>\u00b0\u00ba\u2116"
)
#: All words that `id_spellings` knows before an id; an `n` is left of `N\u00b0`.
_WORDS: Final = (
    *("id", "no", "nr", "n", "message", "msg"),
    *(
        f"{word}{between}{end}"
        for word in ("message", "msg")
        for between in ("", " ", "_", "-")
        for end in ("id", "no", "nr", "number")
    ),
)
#: A text that is surely one number and no other: its plain spellings, see `_spellings`.
_PLAIN: Final = "^-?[1-9][0-9]{0,18}([.]0)?$"


#: A whole number in its only spelling, within 64 bits.
_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")


def conditions(
    column: Column, kind: sa.types.TypeEngine[Any], ids: Sequence[int], dialect: str
) -> Iterator[Condition]:
    """Yield one condition for each statement; together they read every row with one of `ids`.

    They may read rows with similar ids too, but no row twice.
    """
    kind = postgres_columns.of_domain(kind, dialect)
    if dialect == "sqlite":
        yield _of_sqlite(column, ids)
    elif isinstance(kind, sa.Integer | sa.Numeric) or _is_bits(kind, dialect):
        yield from _of_numbers(column, ids, dialect)
    elif dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        text = _postgres_text(column, kind)
        spelled = [text for one in ids for text in _spellings(one)]
        known = sa.literal(spelled, postgresql.ARRAY(sa.Text()))
        yield sa.or_(text == sa.any_(known), _is_odd(text))
    elif dialect in _WITH_PATTERNS:
        yield from _of_texts(column, kind, ids)
    else:
        # What cannot be distinguished there is distinguished here.
        yield column.is_not(None)


def own_id(
    column: Column, kind: sa.types.TypeEngine[Any], local_id: str, dialect: str
) -> Condition:
    """Return the condition under which each row with an id of the user's own is read.

    The database can use an index if the column holds numbers, texts or UUIDs. Rows with a similar
    id may be read too.
    """
    kind = postgres_columns.of_domain(kind, dialect)
    is_whole = _WHOLE.fullmatch(local_id) is not None
    if dialect == "sqlite":
        forms: list[sa.ColumnElement[Any]] = [sa.literal(local_id, sa.String())]
        if is_whole:
            forms.append(sa.literal(int(local_id), sa.BigInteger()))
        return column.in_(forms)
    if isinstance(kind, sa.Integer | sa.Numeric):
        return column == sa.literal(int(local_id), sa.BigInteger()) if is_whole else sa.false()
    if isinstance(kind, sa.String):
        return column == sa.literal(local_id, sa.String())
    if isinstance(kind, sa.Uuid):
        try:
            return column == sa.literal(UUID(local_id), sa.Uuid())
        except ValueError:
            return sa.false()
    text = _postgres_text(column, kind) if dialect == "postgresql" else sa.cast(column, sa.String())
    return text == sa.literal(local_id, sa.String())


def _is_bits(kind: sa.types.TypeEngine[Any], dialect: str) -> bool:
    if dialect not in _MYSQL:
        return False
    from sqlalchemy.dialects import mysql

    return isinstance(kind, mysql.BIT)


def _of_numbers(column: Column, ids: Sequence[int], dialect: str) -> Iterator[Condition]:
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        yield column == sa.any_(sa.literal(ids, postgresql.ARRAY(sa.BigInteger())))
        return
    for at in range(0, len(ids), _AT_ONCE):
        yield column.in_([sa.literal(one, sa.BigInteger()) for one in ids[at : at + _AT_ONCE]])


def _of_texts(
    column: Column, kind: sa.types.TypeEngine[Any], ids: Sequence[int]
) -> Iterator[Condition]:
    """Yield conditions for a column of texts; an index serves all but the first."""
    text = column if isinstance(kind, sa.String) else sa.cast(column, sa.CHAR())
    for at in range(0, len(ids), _AT_ONCE):
        spelled = [text for one in ids[at : at + _AT_ONCE] for text in _spellings(one)]
        known = column.in_([sa.literal(one, sa.String()) for one in spelled])
        is_plain = text.regexp_match(sa.literal(_PLAIN, sa.String()))
        yield sa.or_(known, _is_odd(text)) if at == 0 else sa.and_(known, is_plain)


def _is_odd(text: Column) -> Condition:
    """Say whether a text may be a number in an unusual spelling."""
    digits, plain = (sa.literal(one, sa.Text()) for one in (_DIGITS, _PLAIN))
    return sa.and_(text.regexp_match(digits), sa.not_(text.regexp_match(plain)))


def _postgres_text(column: Column, kind: sa.types.TypeEngine[Any]) -> Column:
    """Return a column as the text that it is read as."""
    if isinstance(kind, sa.JSON):
        from sqlalchemy.dialects import postgresql

        # The text of a JSON string itself, without its quotes and escapes.
        return column.op("#>>", return_type=sa.Text())(
            sa.cast(sa.literal_column("'{}'"), postgresql.ARRAY(sa.Text()))
        )
    if isinstance(kind, sa.LargeBinary):
        return sa.func.encode(column, "escape", type_=sa.Text())
    return sa.cast(column, sa.Text())


def _spellings(number: int) -> tuple[str, str]:
    return str(number), f"{number}.0"


def _of_sqlite(column: Column, ids: Sequence[int]) -> Condition:
    """A column of any type may contain numbers and texts; both are searched for."""
    known = json.dumps([form for one in ids for form in (one, *_spellings(one))])
    values = sa.func.json_each(sa.literal(known, sa.String())).table_valued("value")
    stored = sa.func.typeof(column)

    def glob(text: Column, pattern: str) -> Condition:
        return text.op("GLOB", is_comparison=True)(sa.literal(pattern, sa.String()))

    def is_plain(text: Column) -> Condition:
        return sa.and_(glob(text, "[1-9]*"), sa.not_(glob(text, "*[^0-9]*")))

    whole = sa.func.substr(column, 1, sa.func.length(column) - 2)
    # SQLite knows no alternatives in patterns: what is left without marks and digits is compared.
    lowered: sa.ColumnElement[str] = sa.func.lower(column, type_=sa.String())
    word = sa.func.trim(lowered, sa.literal(_AROUND, sa.String()))
    is_named = sa.or_(
        glob(column, f"*{id_spellings.PATH}[0-9]*"),
        sa.and_(
            glob(column, "*[^0-9A-Za-z_-][0-9]*"),
            word.in_([sa.literal(one, sa.String()) for one in _WORDS]),
        ),
    )
    is_unusual = sa.and_(
        sa.not_(is_plain(column)), sa.not_(sa.and_(glob(column, "*.0"), is_plain(whole)))
    )
    odd = sa.and_(
        glob(column, "*[0-9]*"),
        sa.case((glob(column, "*[A-DF-Za-df-z]*"), is_named), else_=is_unusual),
    )
    # Texts and blobs come after all numbers: so an index serves both sides of the OR.
    return sa.or_(
        column.in_(sa.select(values.c.value)),
        sa.and_(column >= sa.literal("", sa.String()), sa.or_(stored == "blob", odd)),
    )
