"""What the store counts of messages, by spans of time: none of them is read.

Each span is one range of the index over account and time, so that the cost is that of the messages
of the spans, however many others are stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import reduce
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from recon.core.coverage import microseconds
from recon.model import Span, Status
from recon.store.accounts import id_of
from recon.store.dialects import is_postgres
from recon.store.engine import reading
from recon.store.tables import UtcDateTime, messages, status_changes

#: Statuses of messages that reached the recipient.
REACHED: Final = (Status.DELIVERED.value, Status.READ.value, Status.DELETED.value)

_ON_THE_WAY: Final = (Status.SENT.value, Status.UNKNOWN.value)
_COUNTED: Final = tuple(status.value for status in Status if status is not Status.UNKNOWN)

#: Spans whose messages are grouped by one statement: SQLite sorts those of more days in files.
_SPANS: Final = 16

#: Ids modulo this prime, times the factor, are spread evenly, whatever steps they were given in.
_PRIME: Final = 1_000_003
_FACTOR: Final = 7_919


class GroupCount(NamedTuple):
    """How many messages of a span are of one group."""

    position: int
    """Of the span among those that were asked for."""
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
    """A join that SQLite makes for each row of the left side; else it may read every message."""

    inherit_cache = True


@compiles(_SpansFirst, "sqlite")
def _cross_join(join: _SpansFirst, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    # https://www.sqlite.org/optoverview.html#manual_control_of_query_plans_using_cross_join
    plain: str = compiler.visit_join(join, **options)  # type: ignore[no-untyped-call]
    return plain.replace(" JOIN ", " CROSS JOIN ", 1)


def by_status(engine: sa.Engine, account: str, spans: Sequence[Span]) -> list[dict[str, int]]:
    """Return how many messages of each span have each status.

    Words that are not documented count as `unknown`. The index holds all that it takes. The counts
    of a span come as one text: SQLite sorts what it groups, which takes twice as long.
    """
    counts: list[sa.ColumnElement[int]] = [
        sa.func.coalesce(sa.func.sum(sa.case((messages.c.status == word, 1), else_=0)), 0)
        for word in _COUNTED
    ]
    texts = [sa.cast(count, sa.Text) for count in [*counts, sa.func.count()]]
    joined: sa.ColumnElement[str] = reduce(lambda one, other: one + " " + other, texts)
    found: list[dict[str, int]] = []
    with reading(engine) as connection:
        place = _numbered(connection, spans)
        counted = sa.select(joined).where(*_inside(account, place)).scalar_subquery()
        query = sa.select(place.position, counted.correlate(place.table)).order_by(place.position)
        for _, numbers in connection.execute(query.select_from(place.table)):
            *known, total = map(int, numbers.split())
            words = dict(zip(_COUNTED, known, strict=True))
            found.append(words | {Status.UNKNOWN.value: total - sum(known)})
    return found


def by_reason(engine: sa.Engine, account: str, spans: Sequence[Span]) -> list[GroupCount]:
    """Return the failed messages of each span by what Octopods gives as the reason, "" for none."""
    reason = sa.func.coalesce(messages.c.failure_reason, "")
    return list(_grouped(engine, account, spans, reason, (Status.FAILED.value,)))


def by_prefix(
    engine: sa.Engine,
    account: str,
    spans: Sequence[Span],
    length: int,
    statuses: Sequence[str] | None = None,
) -> list[GroupCount]:
    """Return the messages of each span by status and the beginning of their numbers.

    Args:
        engine: the store.
        account: the account's name.
        spans: with bounds.
        length: so many characters, the `+` included.
        statuses: only messages with these; `None` is all.
    """
    prefix = sa.func.substr(messages.c.phone_number, 1, length)
    return list(_grouped(engine, account, spans, prefix, statuses))


def _grouped(
    engine: sa.Engine,
    account: str,
    spans: Sequence[Span],
    group: sa.ColumnElement[Any],
    statuses: Sequence[str] | None,
) -> Iterator[GroupCount]:
    of_status = [] if statuses is None else [messages.c.status.in_(statuses)]
    with reading(engine) as connection:
        for first in range(0, len(spans), _SPANS):
            place = _numbered(connection, spans[first : first + _SPANS])
            columns = place.position, messages.c.status, group.label("grouped")
            query = (
                sa.select(*columns, sa.func.count())
                .select_from(_SpansFirst(place.table, messages, sa.and_(*_inside(account, place))))
                .where(*of_status)
                .group_by(place.position, messages.c.status, sa.text("grouped"))
            )
            for position, *counted in connection.execute(query):
                yield GroupCount(first + position, *counted)


def delivery_times(
    engine: sa.Engine, account: str, spans: Sequence[Span], steps: Sequence[int]
) -> list[tuple[int, timedelta, timedelta]]:
    """Return between which times messages of each span were delivered.

    Args:
        engine: the store.
        account: the account's name.
        spans: with bounds.
        steps: for each span, of how many messages one is taken; which ones depends on their ids.

    Returns:
        The position of the span, when a message was last seen on its way (0 where it never was)
        and when it was first seen delivered, both counted from its `sent_at`.
    """
    with reading(engine) as connection:
        place = _numbered(connection, spans, steps)
        query = (
            sa.select(
                place.position,
                messages.c.sent_at,
                _seen(sa.func.max, _ON_THE_WAY),
                _seen(sa.func.min, REACHED),
            )
            .select_from(_SpansFirst(place.table, messages, sa.and_(*_inside(account, place))))
            .where(
                messages.c.status.in_(REACHED),
                messages.c.message_id % _PRIME * _FACTOR % _PRIME % place.step == 0,
            )
        )
        rows = connection.execute(query).all()
    nothing = timedelta()
    return [
        (position, max(min(before or sent, after) - sent, nothing), max(after - sent, nothing))
        for position, sent, before, after in rows
        if after is not None
    ]


def _seen(which: Callable[..., Any], statuses: Sequence[str]) -> sa.ColumnElement[Any]:
    """Return the first or last time that a message was seen with one of some statuses."""
    query = (
        sa.select(which(status_changes.c.seen_at))
        .where(
            status_changes.c.account_id == messages.c.account_id,
            status_changes.c.message_id == messages.c.message_id,
            status_changes.c.status.in_(statuses),
        )
        .correlate(messages)
        .scalar_subquery()
    )
    return sa.type_coerce(query, UtcDateTime())


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
        [*(microseconds(time) for time in times if time), step]
        for times, step in zip(bounds, steps, strict=True)
    ]
    rows = sa.func.json_each(json.dumps(numbers)).table_valued("key", "value")
    start, end, step = (sa.func.json_extract(rows.c.value, f"$[{n}]") for n in range(3))
    return _NumberedSpans(rows, rows.c.key, start, end, step)
