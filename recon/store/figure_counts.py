"""Count stored messages by spans of time, without reading their rows.

Each span is one range of the index over account and time. So the cost depends only on the messages
in the spans, not on others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any, Final, NamedTuple, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from recon.core.coverage import microseconds as since_epoch
from recon.model import Span, Status
from recon.store.accounts import id_of
from recon.store.dialects import is_postgres, microseconds
from recon.store.engine import counting
from recon.store.tables import messages, status_changes

#: What messages are grouped by, of the table that holds them.
_Group: TypeAlias = Callable[[sa.FromClause], sa.ColumnElement[Any]]

#: Statuses of messages that reached the recipient.
REACHED: Final = (Status.DELIVERED.value, Status.READ.value, Status.DELETED.value)

#: Statuses of messages that may still reach the recipient.
ON_THE_WAY: Final = (Status.SENT.value, Status.UNKNOWN.value)
_COUNTED: Final = tuple(status.value for status in Status if status is not Status.UNKNOWN)

#: Spans whose messages SQLite groups by one statement: it sorts those of more days in files.
_SPANS: Final = 16

#: Ids modulo this prime, times the factor, are spread evenly, whatever the steps between ids.
_PRIME: Final = 1_000_003
_FACTOR: Final = 7_919


class GroupCount(NamedTuple):
    """How many messages of a span are of one group."""

    position: int
    """The position of the span among the given ones."""
    group: str
    messages: int


class StatusCount(NamedTuple):
    """How many messages of a span are of one status and group."""

    position: int
    """The position of the span among the given ones."""
    status: str
    group: str
    messages: int


class _NumberedSpans(NamedTuple):
    """Spans as a table of a statement, and its columns."""

    table: sa.FromClause
    position: Any
    start: Any
    end: Any
    step: Any


class _SpansFirst(sa.Join):
    """A join that SQLite does for each row of the left side; otherwise it may read all messages."""

    inherit_cache = True


@compiles(_SpansFirst, "sqlite")
def _cross_join(join: _SpansFirst, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    # https://www.sqlite.org/optoverview.html#manual_control_of_query_plans_using_cross_join
    plain: str = compiler.visit_join(join, **options)  # type: ignore[no-untyped-call]
    # The left side may be such a join too.
    left, _, right = plain.rpartition(" JOIN ")
    return f"{left} CROSS JOIN {right}"


def by_status(engine: sa.Engine, account: str, spans: Sequence[Span]) -> list[dict[str, int]]:
    """Return how many messages of each span have each status.

    Words that are not documented count as `unknown`. Only the index is read. The counts of a span
    are one text: with groups, SQLite would sort, which takes twice as long.
    """
    counts = [sa.func.count().filter(messages.c.status == word) for word in _COUNTED]
    texts = [sa.cast(count, sa.Text) for count in [*counts, sa.func.count()]]
    joined: sa.ColumnElement[str] = reduce(lambda one, other: one + " " + other, texts)
    found: list[dict[str, int]] = []
    with counting(engine) as connection:
        place = _numbered(connection, spans)
        counted = sa.select(joined).where(*_inside(account, place)).scalar_subquery()
        query = sa.select(place.position, counted.correlate(place.table)).order_by(place.position)
        for _, numbers in connection.execute(query.select_from(place.table)):
            *known, total = map(int, numbers.split())
            words = dict(zip(_COUNTED, known, strict=True))
            found.append(words | {Status.UNKNOWN.value: total - sum(known)})
    return found


def by_reason(engine: sa.Engine, account: str, spans: Sequence[Span]) -> list[GroupCount]:
    """Return the failed messages of each span by Octopods' reason, "" without one."""
    found = _grouped(engine, account, spans, [_reason], (Status.FAILED.value,))
    return [GroupCount(*row) for row in found]


def by_prefix(
    engine: sa.Engine, account: str, spans: Sequence[Span], length: int
) -> list[StatusCount]:
    """Return the messages of each span by status and the beginning of their numbers.

    Args:
        engine: the store.
        account: the account's name.
        spans: with bounds.
        length: the number of characters, including the `+`.
    """
    found = _grouped(engine, account, spans, [_status, _prefix(length)])
    return [StatusCount(*row) for row in found]


def reached_by_prefix(
    engine: sa.Engine, account: str, spans: Sequence[Span], length: int
) -> list[GroupCount]:
    """Return the messages that reached a recipient as `by_prefix` does, without their status."""
    found = _grouped(engine, account, spans, [_prefix(length)], REACHED)
    return [GroupCount(*row) for row in found]


def _reason(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(rows.c.failure_reason, "")


def _status(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    return rows.c.status


def _prefix(length: int) -> _Group:
    return lambda rows: sa.func.substr(rows.c.phone_number, 1, length)


def _grouped(
    engine: sa.Engine,
    account: str,
    spans: Sequence[Span],
    groups: Sequence[_Group],
    statuses: Sequence[str] | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Yield the position of each span, the groups of its messages, and their count."""
    with counting(engine) as connection:
        if is_postgres(connection):
            if spans:
                yield from connection.execute(
                    _by_span(connection, account, spans, groups, statuses)
                )
            return
        for first in range(0, len(spans), _SPANS):
            some = spans[first : first + _SPANS]
            query = _of_all_spans(connection, account, some, groups, statuses)
            for position, *counted in connection.execute(query):
                yield first + position, *counted


def _by_span(
    connection: sa.Connection,
    account: str,
    spans: Sequence[Span],
    groups: Sequence[_Group],
    statuses: Sequence[str] | None,
) -> sa.Select[Any]:
    """Return a statement that groups the messages of each span separately.

    For a join of all spans, PostgreSQL would expect most of the messages, and read all of them.
    """
    place = _numbered(connection, spans)
    columns = [group(messages).label(f"group_{n}") for n, group in enumerate(groups)]
    counted = (
        sa.select(*columns, sa.func.count().label("messages"))
        .where(*_inside(account, place), *_of(messages, statuses))
        .group_by(*(sa.text(column.name) for column in columns))
        .correlate(place.table)
        .lateral()
    )
    return sa.select(place.position, *counted.c).select_from(place.table.join(counted, sa.true()))


def _of_all_spans(
    connection: sa.Connection,
    account: str,
    spans: Sequence[Span],
    groups: Sequence[_Group],
    statuses: Sequence[str] | None,
) -> sa.Select[Any]:
    """Return a statement that groups the messages of some spans at once.

    If only some statuses count, SQLite would read a message's row before it compares the status in
    the index. So the index is used here as a separate table.
    """
    place = _numbered(connection, spans)
    joined: sa.FromClause = _SpansFirst(place.table, messages, sa.and_(*_inside(account, place)))
    rows: sa.FromClause = messages
    if statuses is not None:
        rows = messages.alias("of_row")
        is_same = [rows.c[name] == messages.c[name] for name in ("account_id", "message_id")]
        joined = _SpansFirst(joined, rows, sa.and_(*is_same))
    columns = [group(rows).label(f"group_{n}") for n, group in enumerate(groups)]
    return (
        sa.select(place.position, *columns, sa.func.count())
        .select_from(joined)
        .where(*_of(messages, statuses))
        .group_by(place.position, *(sa.text(column.name) for column in columns))
    )


def _of(table: sa.FromClause, statuses: Sequence[str] | None) -> list[sa.ColumnElement[bool]]:
    return [] if statuses is None else [table.c.status.in_(statuses)]


def delivery_times(
    engine: sa.Engine, account: str, spans: Sequence[Span], steps: Sequence[int]
) -> list[tuple[int, float, float]]:
    """Return the limits of the delivery time of messages in each span.

    Args:
        engine: the store.
        account: the account's name.
        spans: with bounds.
        steps: for each span, one in this many messages is used; their ids decide which ones.

    Returns:
        The position of the span, when a message was last seen on its way (0 if never) and when it
        was first seen delivered, both in seconds after its `sent_at`.
    """
    with counting(engine) as connection:
        place = _numbered(connection, spans, steps)
        query = (
            sa.select(
                place.position,
                microseconds(connection, messages.c.sent_at),
                _seen(connection, sa.func.max, ON_THE_WAY),
                _seen(connection, sa.func.min, REACHED),
            )
            .select_from(_SpansFirst(place.table, messages, sa.and_(*_inside(account, place))))
            .where(
                messages.c.status.in_(REACHED),
                messages.c.message_id % _PRIME * _FACTOR % _PRIME % place.step == 0,
            )
        )
        rows = connection.execute(query).all()
    return [
        (position, max(min(before or sent, after) - sent, 0) / 1e6, max(after - sent, 0) / 1e6)
        for position, sent, before, after in rows
        if after is not None
    ]


def _seen(
    connection: sa.Connection, which: Callable[..., Any], statuses: Sequence[str]
) -> sa.ColumnElement[int]:
    """Return the first or last time at which a message was seen with one of some statuses."""
    query = (
        sa.select(microseconds(connection, which(status_changes.c.seen_at)))
        .where(
            status_changes.c.account_id == messages.c.account_id,
            status_changes.c.message_id == messages.c.message_id,
            status_changes.c.status.in_(statuses),
        )
        .correlate(messages)
    )
    return query.scalar_subquery()


def _inside(account: str, place: _NumberedSpans) -> list[sa.ColumnElement[bool]]:
    return [
        messages.c.account_id == id_of(account),
        messages.c.sent_at >= place.start,
        messages.c.sent_at < place.end,
    ]


def _numbered(
    connection: sa.Connection, spans: Sequence[Span], steps: Sequence[int] = ()
) -> _NumberedSpans:
    """Return spans, which have bounds, as a table of a statement."""
    steps = steps or [1] * len(spans)
    if is_postgres(connection):
        from sqlalchemy.dialects import postgresql

        times = postgresql.ARRAY(sa.TIMESTAMP(timezone=True))
        starts = sa.literal([span.start for span in spans], times)
        ends = sa.literal([span.end for span in spans], times)
        each = sa.func.unnest(starts, ends, sa.literal(list(steps), postgresql.ARRAY(sa.Integer)))
        table = each.table_valued("starts", "ends", "step", with_ordinality="place")
        named = table.render_derived()
        columns = sa.cast(named.c.place - 1, sa.Integer), named.c.starts, named.c.ends
        return _NumberedSpans(named, *columns, named.c.step)
    bounds = [(span.start, span.end) for span in spans]
    numbers = [
        [*(since_epoch(time) for time in times if time), step]
        for times, step in zip(bounds, steps, strict=True)
    ]
    rows = sa.func.json_each(json.dumps(numbers)).table_valued("key", "value")
    start, end, step = (sa.func.json_extract(rows.c.value, f"$[{n}]") for n in range(3))
    return _NumberedSpans(rows, rows.c.key, start, end, step)
