"""Views for people's own tools: readable times, days in UTC, no whole phone number.

A migration that removes or renames a column that a view reads drops the view before and makes it
again after. Any other change of a table leaves the views as they are.
"""

# ruff: noqa: S608 - statements are made of our own names

from __future__ import annotations

from functools import reduce

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

VIEWS = (
    "daily_volume",
    "hourly_volume",
    "failure_reasons",
    "open_findings",
    "coverage_by_day",
    "discrepancies",
)
_STATUSES = ("sent", "delivered", "read", "failed", "deleted")
#: Digits in a row that may be a phone number, where blanks and punctuation do not count.
_OF_A_REASON, _OF_A_DETAIL = 7, 8
_HIDDEN = "(hidden: it may hold a phone number)"


class _Dialect:
    """What SQLite and PostgreSQL say differently."""

    def __init__(self, name: str) -> None:
        self.is_postgres = name == "postgresql"

    def time(self, column: str) -> str:
        if self.is_postgres:
            return column
        return f"strftime('%Y-%m-%dT%H:%M:%SZ', {column} / 1000000, 'unixepoch')"

    def hour(self, column: str) -> str:
        if self.is_postgres:
            return f"date_trunc('hour', {column}, 'UTC')"
        return f"strftime('%Y-%m-%dT%H:00:00Z', {column} / 1000000, 'unixepoch')"

    def day(self, column: str) -> str:
        if self.is_postgres:
            return f"({column} AT TIME ZONE 'UTC')::date"
        return f"date({column} / 1000000, 'unixepoch')"

    def holds(self, text: str, part: str) -> str:
        return f"{'strpos' if self.is_postgres else 'instr'}({text}, {part}) > 0"

    def holds_digits(self, text: str, count: int) -> str:
        if self.is_postgres:
            return f"{text} ~ '[0-9]{{{count}}}'"
        return f"{text} GLOB '*{'[0-9]' * count}*'"

    def seconds(self, end: str, start: str) -> str:
        if self.is_postgres:
            return f"extract(epoch FROM {end} - {start})::double precision"
        return f"(({end} - {start}) / 1000000.0)"

    @property
    def uncovered(self) -> str:
        if self.is_postgres:
            return (
                "(SELECT coalesce(sum(extract(epoch FROM (g.value ->> 1)::timestamptz"
                " - (g.value ->> 0)::timestamptz)), 0)::double precision"
                " FROM jsonb_array_elements(r.gaps) AS g(value))"
            )
        gap = "json_extract(g.value, '$[{}]')"
        length = f"(julianday({gap.format(1)}) - julianday({gap.format(0)})) * 86400.0"
        return f"(SELECT coalesce(round(sum({length}), 3), 0.0) FROM json_each(r.gaps) AS g)"

    @property
    def gaps(self) -> str:
        return "jsonb_array_length(r.gaps)" if self.is_postgres else "json_array_length(r.gaps)"


def _packed(text: str) -> str:
    """Return a text without what may stand between the digits of a number."""
    return reduce(lambda inner, mark: f"replace({inner}, '{mark}', '')", " -().+/", text)


def _masked(number: str) -> str:
    return (
        f"CASE WHEN {number} IS NULL THEN NULL WHEN length({number}) < 8 THEN '•••••' "
        f"ELSE '•••••' || substr({number}, length({number}) - 2) END"
    )


def _spells_a_number(dialect: _Dialect, text: str) -> str:
    """Say whether a text holds the last seven digits of one of the finding's numbers."""
    conditions = []
    for number in ("f.phone_number", "f.local_phone_number"):
        packed = _packed(number)
        end = f"substr({packed}, length({packed}) - 6)"
        holds = dialect.holds(_packed(text), end)
        conditions.append(f"(length({packed}) >= 7 AND {holds})")
    return " OR ".join(
        f"coalesce({each}, {'false' if dialect.is_postgres else '0'})" for each in conditions
    )


def _cell(dialect: _Dialect, column: str) -> str:
    return f"CASE WHEN {_spells_a_number(dialect, column)} THEN '{_HIDDEN}' ELSE {column} END"


def _text(dialect: _Dialect, column: str, digits: int) -> str:
    text = column
    for number in ("f.phone_number", "f.local_phone_number"):
        text = f"replace({text}, coalesce({number}, ''), coalesce({_masked(number)}, ''))"
    doubtful = f"{_spells_a_number(dialect, text)} OR {dialect.holds_digits(_packed(text), digits)}"
    return f"CASE WHEN {column} IS NULL THEN NULL WHEN {doubtful} THEN '{_HIDDEN}' ELSE {text} END"


def _counts() -> str:
    known = ", ".join(f"'{status}'" for status in _STATUSES)
    counts = [
        f"sum(CASE WHEN m.status = '{each}' THEN 1 ELSE 0 END) AS {each}" for each in _STATUSES
    ]
    counts.append(f"sum(CASE WHEN m.status IN ({known}) THEN 0 ELSE 1 END) AS unknown")
    failed = "sum(CASE WHEN m.status = 'failed' THEN 1.0 ELSE 0.0 END)"
    ended = "m.status IN ('delivered', 'read', 'deleted', 'failed')"
    final = f"sum(CASE WHEN {ended} THEN 1.0 ELSE 0.0 END)"
    return ", ".join(
        ["count(*) AS total", *counts, f"{failed} / nullif({final}, 0.0) AS failure_rate"]
    )


def _selects(dialect: _Dialect) -> dict[str, str]:
    of_messages = "FROM messages m JOIN accounts a ON a.id = m.account_id"
    day, hour = dialect.day("m.sent_at"), dialect.hour("m.sent_at")
    reason = "coalesce(m.failure_reason, '')"
    shown = (
        f"CASE WHEN {dialect.holds_digits(_packed(reason), _OF_A_REASON)} "
        f"THEN '{_HIDDEN}' ELSE {reason} END"
    )
    length = dialect.seconds("r.window_end", "r.window_start")
    texts = {
        name: f"{_cell(dialect, f'f.{name}')} AS {name}"
        for name in ("message_id", "local_id", "local_status", "provider_status")
    }
    newest = (
        "SELECT r.run_id FROM runs r WHERE r.account_id = f.account_id AND r.date = f.date "
        "ORDER BY r.id DESC LIMIT 1"
    )
    return {
        "daily_volume": (
            f"SELECT a.name AS account, {day} AS date, {_counts()} {of_messages} "
            f"GROUP BY a.name, {day}"
        ),
        "hourly_volume": (
            f"SELECT a.name AS account, {hour} AS hour, {_counts()} {of_messages} "
            f"GROUP BY a.name, {hour}"
        ),
        "failure_reasons": (
            f"SELECT a.name AS account, {day} AS date, {shown} AS reason, count(*) AS messages "
            f"{of_messages} WHERE m.status = 'failed' GROUP BY a.name, {day}, {shown}"
        ),
        "open_findings": (
            "SELECT a.name AS account, f.date AS date, f.kind AS kind, f.severity AS severity, "
            f"count(*) AS findings, {dialect.time('min(f.opened_at)')} AS oldest_opened_at "
            "FROM findings f JOIN accounts a ON a.id = f.account_id WHERE f.status = 'open' "
            "GROUP BY a.name, f.date, f.kind, f.severity"
        ),
        "coverage_by_day": (
            "SELECT a.name AS account, r.date AS date, r.timezone AS timezone, "
            f"r.verdict AS verdict, {dialect.gaps} AS gaps, {length} AS seconds, "
            f"{length} - {dialect.uncovered} AS covered_seconds, "
            f"({length} - {dialect.uncovered}) / nullif({length}, 0) AS coverage "
            "FROM runs r JOIN accounts a ON a.id = r.account_id WHERE r.id = (SELECT max(n.id) "
            "FROM runs n WHERE n.account_id = r.account_id AND n.date = r.date)"
        ),
        "discrepancies": (
            f"SELECT f.discrepancy_id, ({newest}) AS run_id, f.date, a.name AS account, f.kind, "
            f"f.severity, {texts['message_id']}, {texts['local_id']}, "
            f"{_masked('f.phone_number')} AS phone_number, {texts['local_status']}, "
            f"{texts['provider_status']}, {dialect.time('f.local_sent_at')} AS local_sent_at, "
            f"{dialect.time('f.provider_sent_at')} AS provider_sent_at, "
            f"{_text(dialect, 'f.failure_reason', _OF_A_REASON)} AS failure_reason, "
            f"{_text(dialect, 'f.detail', _OF_A_DETAIL)} AS detail, f.first_seen_on, "
            "f.status AS state, f.incident_id, f.confirmed "
            "FROM findings f JOIN accounts a ON a.id = f.account_id"
        ),
    }


def upgrade() -> None:
    connection = op.get_bind()
    for name, select in _selects(_Dialect(connection.dialect.name)).items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {select}")


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW {name}")
