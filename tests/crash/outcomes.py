"""What a command leaves: rows, files, mails and notifications, without what no two runs share."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from recon.store import schema
from recon.store.engine import reading
from recon.store.tables import METADATA
from tests.crash import edges
from tests.smtp import MailBox

#: Columns whose content is random, or counted by a server that goes on.
_RANDOM: Final = frozenset({"request_id", "random_hex", "digest"})
#: Columns that hold an id which the database or the program makes up; how news is put into mails,
#: since what two commands have to tell goes out in two; how many requests a run made, since one
#: that is done again need not ask what is known by now.
_OWN: Final = frozenset(
    {"id", "account_id", "key_id", "finding_id", "mail_id", "coverage_id", "listed_by"}
    | {"started_by", "run_id", "batch", "mails", "runs.requests", "runs.confirmation"}
)
#: In files: requests, and what the metrics count from the time of the run.
_REQUESTS: Final = re.compile(
    r'^    "(?:asked|denied|found|list|status|rate_limited)": \d+'
    r'|<th scope="row">(?:status|list) calls</th>.*'
    r'|<p class="hint">(?:Octopods was asked|Requests count).*'
    r"|^recon_(?:requests|run_duration|last_\w+_timestamp|oldest_finding_age).*"
)
#: A repetition is so much later than the command.
LATER: Final = timedelta(minutes=1)
#: One row for each poll and run: a command that is done again adds its own.
LOGS: Final = frozenset({"polls", "runs"})

#: Of runs, and of mails.
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}\.recon@")
#: What commands keep for themselves and remove at the end.
SCRATCH: Final = "tmp"
#: The databases, what SQLite and the locks keep beside one, and what the test itself wrote.
_NO_OUTPUT: Final = re.compile(r"recon\.db.*|sends\.db.*|recon\.toml|server\.pem|acks\.csv|urls")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is there when a command has ended, without ids, run ids, and when it was run."""

    tables: Mapping[str, list[str]]
    """Their rows."""
    files: Mapping[str, list[str]]
    """Their lines."""
    mails: Mapping[str, list[str]]
    """What is attached to mails, by name, lines; copies with one Message-ID count once."""

    def differences(self, others: Sequence[Outcome]) -> list[str]:
        """Name what is as in none of the others, which undisturbed commands have left."""
        wrong = []
        for one in fields(self):
            mine, *theirs = (getattr(each, one.name) for each in (self, *others))
            for name in sorted({name for each in (mine, *theirs) for name in each}):
                found, *wanted = (each.get(name, ()) for each in (mine, *theirs))
                if found not in wanted:
                    said = difflib.unified_diff(wanted[0], found, lineterm="", n=0)
                    wrong.append("\n".join([f"{one.name}: {name}", *list(said)[2:]]))
        return wrong


def outcome(engine: sa.Engine, room: Path, box: MailBox, now: datetime) -> Outcome:
    """Return what there is now.

    Args:
        engine: the database.
        room: the directory.
        box: the mails that arrived.
        now: the time at the command. What it wrote says so, or a later minute.
    """
    tables = {
        name: [_without_now(row, now) for row in rows]
        for name, rows in _tables(engine, _OWN | _RANDOM).items()
    }
    logs = {name: sorted(set(tables.get(name, ()))) for name in LOGS}
    mails: dict[str, list[str]] = {}
    for one in {str(one.mail["Message-ID"]): one for one in box.mails}.values():
        for name, content in one.files().items():
            mails.setdefault(name, []).extend(_lines(content.decode(), now))
    files = {name: _lines(text, now) for name, text in _files(room).items()}
    return Outcome(tables | logs, files, mails)


def state(engine: sa.Engine, room: Path, told: Sequence[object]) -> object:
    """Return all that a command may have to go on from, to tell whether two are the same.

    Args:
        engine: the database.
        room: the directory.
        told: what came in elsewhere: mails, messages.
    """
    is_there = (room / "recon.db").exists()
    files = {
        edges.RANDOM_NAME.sub(".tmp", name): _ID.sub("", text)
        for name, text in _files(room).items()
    }
    return is_there, tables(engine), files, told


def tables(engine: sa.Engine) -> Mapping[str, list[str]]:
    """Return the rows of all tables as texts, with their ids, but without what is random."""
    return _tables(engine, _RANDOM)


def _tables(engine: sa.Engine, without: frozenset[str]) -> dict[str, list[str]]:
    """Return the rows of all tables as texts, sorted; of an older schema only which it is."""
    version = str(schema.current(engine))
    if version != schema.head():
        return {"alembic_version": [version]}
    with reading(engine) as connection:
        return {name: _rows(connection, table, without) for name, table in METADATA.tables.items()}


def _rows(connection: sa.Connection, table: sa.Table, without: frozenset[str]) -> list[str]:
    columns = [column for column in table.c if not {column.name, str(column), table.name} & without]
    if not columns:
        return []
    rows: Iterable[Any] = connection.execute(sa.select(*columns))
    texts = (str(dict(row._mapping)) for row in rows)  # noqa: SLF001 - SQLAlchemy's public name
    return sorted(_ID.sub("", text) for text in texts)


def _files(room: Path) -> dict[str, str]:
    scratch = room / SCRATCH
    found = {
        str(path.relative_to(room)): path.read_text("utf-8")
        for path in sorted(room.rglob("*"))
        if path.is_file() and scratch not in path.parents and not _NO_OUTPUT.fullmatch(path.name)
    }
    # What a database is while a command works on it does not matter, but whether it is there.
    left = (str(path.relative_to(room)) for path in sorted(scratch.rglob("*")))
    return found | dict.fromkeys((edges.RANDOM_NAME.sub(".tmp", name) for name in left), "")


def _lines(text: str, now: datetime) -> list[str]:
    lines = _without_now(_ID.sub("", text), now).splitlines()
    return [_REQUESTS.sub("", line).strip() for line in lines]


def _without_now(text: str, now: datetime) -> str:
    """Write the same for the time of a command and that of its repetition."""
    later = now + LATER
    for old, new in (
        (f"{later:%H:%M}", f"{now:%H:%M}"),
        (f", {later.hour}, {later.minute}, tz", f", {now.hour}, {now.minute}, tz"),
        (repr(later.timestamp()), repr(now.timestamp())),
    ):
        text = text.replace(old, new)
    return text


def copies(box: MailBox) -> dict[str, int]:
    """Return how many copies of each mail arrived, by Message-ID."""
    ids = [str(one.mail["Message-ID"]) for one in box.mails]
    return {one: ids.count(one) for one in ids}
