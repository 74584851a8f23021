"""A table of records that matches what the simulated Octopods has sent, for trying everything."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from recon.errors import OutputError
from recon.model import Status
from recon.simulator.channel import Channel
from recon.simulator.simulated_message import SimulatedMessage

TABLE: Final = "sends"
#: Field to column, as `[accounts.….local.columns]` wants it.
COLUMNS: Final = {
    "id": "id",
    "message_id": "octopods_message_id",
    "phone_number": "recipient",
    "sent_at": "sent_at",
    "status": "state",
}
#: The records' words, as `[accounts.….local.statuses]` wants them.
WORDS: Final = {"accepted": Status.SENT.value}

#: A message's status may change for so long after it was sent.
_SETTLES_WITHIN: Final = timedelta(hours=1)

_CREATE: Final = """
CREATE TABLE sends (
    id INTEGER PRIMARY KEY,
    octopods_message_id INTEGER NOT NULL UNIQUE,
    recipient TEXT NOT NULL,
    sent_at TEXT NOT NULL,
    state TEXT NOT NULL
)
"""
_WRITE: Final = """
INSERT INTO sends (octopods_message_id, recipient, sent_at, state) VALUES (?, ?, ?, ?)
ON CONFLICT (octopods_message_id) DO UPDATE SET state = excluded.state
"""


def create(path: Path) -> None:
    """Make the SQLite file with its empty table; one that an earlier simulation made is emptied.

    Raises:
        OutputError: the file cannot be written, or is another one.
    """
    try:
        with closing(sqlite3.connect(path)) as connection, connection:
            there = [
                row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE sql > ''")
            ]
            if there not in ([], [_CREATE.strip()]):
                raise OutputError(
                    f"{path.absolute()} is another database, and is not replaced",
                    hint="Name another file.",
                )
            connection.execute("DROP TABLE IF EXISTS sends")
            connection.execute(_CREATE.strip())
    except sqlite3.Error as cause:
        raise _unwritable(path, cause) from cause


def write(path: Path, channel: Channel, now: datetime, *, since: datetime | None = None) -> None:
    """Record what was sent until `now`; of known messages, whether they failed.

    Args:
        path: a file that `create` has made.
        channel: what was sent.
        now: aware.
        since: when this was called last; only what may have changed since is written.

    Raises:
        OutputError: the file cannot be written.
    """
    sent: Iterable[SimulatedMessage] = channel.sent(now)
    if since is not None:
        sent = (one for one in sent if one.sent_at >= since - _SETTLES_WITHIN)
    try:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executemany(_WRITE, [_row(one, now) for one in sent])
    except sqlite3.Error as cause:
        raise _unwritable(path, cause) from cause


def _row(message: SimulatedMessage, now: datetime) -> tuple[int, str, str, str]:
    failed = message.status(now) == Status.FAILED
    at = message.sent_at.isoformat(timespec="milliseconds")
    return message.message_id, message.phone_number, at, "failed" if failed else "accepted"


def _unwritable(path: Path, cause: sqlite3.Error) -> OutputError:
    return OutputError(
        f"the records cannot be written to {path.absolute()}: {cause}", hint="Name another file."
    )
