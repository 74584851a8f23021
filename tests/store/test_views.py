"""The views for people's own tools: the same on both databases, and without whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date
from typing import Any

import pytest
import sqlalchemy as sa

from recon.model import Kind, Span
from recon.store import messages, runs
from recon.store.dialects import is_postgres
from tests.factories import KEY, NUMBER, at, finding, findings_frame, listing, message, run


def view(engine: sa.Engine, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return the rows of a view, days and times as texts."""
    with engine.connect() as connection:
        shown = connection.exec_driver_sql(f"SELECT {', '.join(columns)} FROM {name}")  # noqa: S608
        return sorted(tuple(map(_plain, row)) for row in shown)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a cell of any type
    if hasattr(value, "tzinfo"):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return None if value is None else value if isinstance(value, str) else float(value)


@pytest.fixture(autouse=True)
def _in_another_zone(engine: sa.Engine) -> None:
    """A session of PostgreSQL has a zone of its own, which must not matter."""

    def settle(connection: Any, _record: object) -> None:  # noqa: ANN401 - of either driver
        connection.execute("SET TimeZone = 'Asia/Kolkata'")
        connection.commit()

    if is_postgres(engine):
        sa.event.listen(engine, "connect", settle)


def keep(engine: sa.Engine, *shown: Any) -> None:  # noqa: ANN401 - messages
    messages.keep(engine, "main", KEY, listing(*shown, answered=90_000))


def test_volume_is_counted_by_day_and_hour_of_utc(engine: sa.Engine) -> None:
    words = ["sent", "delivered", "read", "failed", "deleted", "held"]
    keep(engine, *(message(n, 60 * n, word) for n, word in enumerate(words)), message(9, 43_200))
    names = ("total", *words[:-1], "unknown", "failure_rate")
    first, second = [6, 1, 1, 1, 1, 1, 1, 0.25], [1, 1, 0, 0, 0, 0, 0, None]
    assert view(engine, "daily_volume", "account", "date", *names) == [
        ("main", "2026-04-23", *first),
        ("main", "2026-04-24", *second),
    ]
    assert view(engine, "hourly_volume", "account", "hour", *names) == [
        ("main", "2026-04-23T12:00:00Z", *first),
        ("main", "2026-04-24T00:00:00Z", *second),
    ]


def test_failure_reasons_show_no_number(engine: sa.Engine) -> None:
    reasons = ["(#131049) not delivered", f"no route to {NUMBER}", "call +353 (87) 123-4567", None]
    keep(engine, *(message(n, n, "failed", reason) for n, reason in enumerate(reasons)))
    hidden = "(hidden: it may hold a phone number)"
    assert view(engine, "failure_reasons", "account", "date", "reason", "messages") == [
        ("main", "2026-04-23", "", 1),
        ("main", "2026-04-23", "(#131049) not delivered", 1),
        ("main", "2026-04-23", hidden, 2),
    ]


def save(engine: sa.Engine, *rows: dict[str, object], gaps: Sequence[Span] = ()) -> None:
    runs.save(engine, run(findings_frame(rows), day="2026-04-23", gaps=gaps), "run")


def test_coverage_is_what_the_newest_run_of_the_day_found(engine: sa.Engine) -> None:
    save(engine)
    gaps = [Span(at(0), at(3_600.5)), Span(at(7_200), at(10_799.5))]
    runs.save(engine, run(run_id="run-2", day="2026-04-23", gaps=gaps), "run")
    names = ("date", "timezone", "verdict", "gaps", "seconds", "covered_seconds")
    [row] = view(engine, "coverage_by_day", *names, "coverage")
    assert row[:5] == ("2026-04-23", "Europe/Dublin", "clean", 2, 86_400)
    assert row[5:] == pytest.approx((79_200, 79_200 / 86_400), abs=0.01)


def test_open_findings_are_counted_by_kind(engine: sa.Engine) -> None:
    save(engine, *(finding(kind, f"{n}") for n, kind in enumerate([Kind.STUCK, Kind.STUCK])))
    columns = ("account", "date", "kind", "severity", "findings", "oldest_opened_at")
    assert view(engine, "open_findings", *columns) == [
        ("main", "2026-04-23", "stuck", "warning", 2, "2026-04-23T23:30:00Z")
    ]


def test_discrepancies_have_the_columns_of_the_csv_file(engine: sa.Engine) -> None:
    from recon.report.csv_columns import COLUMNS

    save(
        engine,
        finding(
            Kind.STATUS_MISMATCH,
            message_id="3980372",
            local_id="59070",
            phone_number=NUMBER,
            local_phone_number=NUMBER,
            local_status="failed",
            provider_status="read",
            provider_sent_at=at(0.25),
            detail="the records say failed, Octopods says read",
        ),
    )
    with engine.connect() as connection:
        shown = connection.exec_driver_sql("SELECT * FROM discrepancies")
        assert tuple(shown.keys()) == COLUMNS
    names = ("run_id", "message_id", "local_id", "phone_number", "provider_sent_at", "detail")
    assert view(engine, "discrepancies", *names, "state") == [
        (
            "run-1",
            "3980372",
            "59070",
            "•••••567",
            "2026-04-23T12:00:00Z",
            "the records say failed, Octopods says read",
            "open",
        )
    ]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("local_id", "0871234567"),
        ("local_id", "order of +353 87 123 4567"),
        ("message_id", NUMBER),
        ("local_status", f"sent to {NUMBER}"),
        ("provider_status", "353871234567"),
        ("failure_reason", f"no route to {NUMBER}"),
        ("failure_reason", "no route to 087 123 4567"),
        ("failure_reason", "no route to 0044 7700 900123"),
        ("detail", f"recorded for +447700900123, sent to {NUMBER}"),
        ("detail", "not a valid phone number: '(087) 1234567'"),
        ("detail", "not a valid phone number: '01 44 55 66 77'"),
    ],
)
def test_no_column_shows_a_whole_number(engine: sa.Engine, column: str, text: str) -> None:
    numbers = {"phone_number": NUMBER, "local_phone_number": "+447700900123"}
    save(engine, finding(Kind.INVALID_LOCAL, **{**numbers, column: text}))
    with engine.connect() as connection:
        row = connection.exec_driver_sql("SELECT * FROM discrepancies").mappings().one()
    shown = "".join(character for character in str(list(row.values())) if character.isalnum())
    for number in ("1234567", "7700900123", "0144556677"):
        assert number not in shown
