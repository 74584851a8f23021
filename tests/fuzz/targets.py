"""What bad input is made of, and what must hold of each kind, however it was made."""

from __future__ import annotations

import email
import json
import re
import tempfile
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from recon import config
from recon.errors import ConfigError, InputError, ReconError
from recon.octopods import responses
from recon.octopods.api_errors import read_api_error
from recon.octopods.retry_after import pause_seconds
from recon.records import sql_syntax, user_sql
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from recon.records.sql_syntax import PieceKind

#: No pause makes sense beyond a leap year, in seconds.
LONGEST: Final = 366 * 86_400
NOW: Final = datetime(2026, 4, 24, 6, tzinfo=UTC)
#: Where small files are quick; elsewhere they are where temporary files usually are.
_MEMORY: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a directory in it
ITEM_A: Final[Mapping[str, object]] = {
    "message_id": 700100, "phone_number": "+353871200001", "sent_at": "2026-04-23T12:00:00Z",
    "status": "delivered", "failure_reason": None, "message_content": "hello",
}  # fmt: skip
ITEM_B: Final[Mapping[str, object]] = {
    "user_phone_number": "+353871200002",
    "created_at": "2026-04-23T12:01:00Z",
    "message_status": {
        "channel_message_id": 700200,
        "message_status": "failed",
        "failure_reason": {"title": "no", "code": 131049},
    },
}
KEYS: Final = sorted({*ITEM_A, *ITEM_B, "channel_message_id", "messages", "error", "data", "code"})
TRICKY: Final = [
    "", " ", "\x00", "\ufeff", "\u2028", "\u202e", "\ud800", "\x1b[2J", "\r", "\r\n", "\n\n", '"',
    '""', "'", "\\", ",", ";", "\t", "|", "#", "--", "/*", "*/", "$$", ":start", "::", "{", "}",
    "[[", "]]", "=", "0", "-0", "1e400", "NaN", "Infinity", "9" * 400, "null", "true", "%s", "+",
    "2026-11-00", "0000-00-00", "9999-12-31T23:59:60+99:99", "1969-12-31", "é",
    "e\u0301", "\u0661\u0662", "\U0001f3f3\ufe0f",
]  # fmt: skip

# --- answers of Octopods -----------------------------------------------------------------------


def item(shape: Mapping[str, object], message_id: object) -> dict[str, Any]:
    """Return an item of this shape with another id."""
    inner = shape.get("message_status")
    if isinstance(inner, Mapping):
        return {**shape, "message_status": {**inner, "channel_message_id": message_id}}
    return {**shape, "message_id": message_id}


def check_listing(items: list[object], good: AbstractSet[int], *, wrapped: bool) -> None:
    """A list is read; what is good in it is listed.

    Args:
        items: of the list.
        good: the ids of those that are not spoiled.
        wrapped: whether the list is in an object.
    """
    listing = responses.read_listing({"messages": items} if wrapped else items, answered_at=NOW)
    assert listing is not None
    told = [message.message_id for message in listing.messages]
    spoiled_ids = {
        message.message_id
        for one in items
        for message in [responses.read_item(one)]
        if message.message_id is not None and message.message_id not in good
    }
    assert good - spoiled_ids <= set(told)
    assert len(told) == len(set(told))
    assert len(told) + len(listing.rejects) <= len(items)
    assert all(message.sent_at.tzinfo is not None for message in listing.messages)


def check_other_answers(first: object, second: object) -> None:
    """Answers about one message, and errors, are read or not understood."""
    for body in (
        first,
        {"error": first, "code": second},
        {**ITEM_A, "status": second, "message_id": first},
        {**ITEM_B, "message_status": first, "failure_reason": second},
    ):
        responses.read_status(body, 5)
        read_api_error(body)
        responses.error_beside_list(body)


def check_pause(header: str, value: object, name: str) -> None:
    """A retry time in a header, a field or alone is a sensible pause, or none."""
    for body in ({name: value}, {"error": {name: value}}, value):
        seconds = pause_seconds({"Retry-After": header, "Date": header}, body, now=NOW)
        assert seconds is None or 0 <= seconds <= LONGEST


# --- files of records --------------------------------------------------------------------------

ROWS: Final = [
    {
        "id": n, "message_id": 700100 + n, "phone_number": f"+35387120{n:04}",
        "sent_at": f"2026-04-23T12:{n:02}:00Z", "status": "sent",
    }
    for n in range(6)
]  # fmt: skip
CSV: Final = "\n".join([",".join(ROWS[0]), *(",".join(map(str, r.values())) for r in ROWS)]) + "\n"
JSON_LINES: Final = "".join(json.dumps(row) + "\n" for row in ROWS)
FILES: Final = {
    "records.csv": CSV,
    "semicolons.csv": "sep=;\n" + CSV.replace(",", ";"),
    "quoted.csv": "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in CSV.splitlines()
    ),
    "records.tsv": CSV.replace(",", "\t"),
    "records.jsonl": JSON_LINES,
    "records.json": json.dumps(ROWS, indent=1),
}
#: What ends a line somewhere, or is no text.
_LINE_ENDS: Final = re.compile(r"[\r\n\x00\x0b\x0c\x1c-\x1e\x85\u2028\u2029\ud800-\udfff]")


def one_line(text: str) -> str:
    """Return a text without what ends a line."""
    return _LINE_ENDS.sub("", text)


def read_file(name: str, content: bytes) -> tuple[set[str], int, int]:
    """Read a file, or see it refused with a reason.

    Returns:
        the ids that are read, and how many rows are and are not.
    """
    with tempfile.TemporaryDirectory(dir=_MEMORY) as room:
        path = Path(room) / name
        path.write_bytes(content)
        try:
            found = open_reader(Source(file=path)).read(None, None)
        except ReconError as error:
            kind, said = type(error), str(error)
        else:
            ids = set(found.frame["local_id"].astype("str"))
            return ids, len(found.frame), len(found.rejects)
    assert kind in {InputError, ConfigError}
    assert said
    assert all(char.isprintable() or char == "\n" for char in said), said
    return set(), 0, 0


# --- the user's SQL ----------------------------------------------------------------------------

#: A valid query of each dialect, with what only it knows.
SQL: Final = {
    "sqlite": 'SELECT id, message_id AS "it\'s; b", `b;`, [c:], sent_at -- x:y\n'
    "FROM sends /* a /* b; */ WHERE sent_at >= :start AND note <> 'it''s; :end'\n"
    "AND body ->> '$.a' = '\\' AND sent_at < :end;",
    "postgresql": 'SELECT id, message_id AS "it\'s", c[1:2], sent_at::timestamptz, status -- x:y\n'
    "FROM sends /* a /* b */ c */ WHERE sent_at >= :start AND note <> E'it\\'s; :end'\n"
    "AND body #>> '{a}' = $tag$ ;:end $tag$ AND sent_at < :end;",
    "mysql": 'SELECT id, `it\'s; b`, "c;\\"d", 5--3, status # x:y;\n'
    "FROM sends /* a /* b; */ WHERE sent_at >= :start AND note <> 'it\\'s; :end' -- last\n"
    "AND sent_at < :end;",
    "mssql": 'SELECT id, [it\'s; b]]c], "d;", status -- x:y\n'
    "FROM sends /* a /* b */ c; */ WHERE sent_at >= :start AND note <> N'it''s; :end'\n"
    "AND sent_at < :end;",
}


def check_sql(dialect: str, sql: str) -> bool:
    """SQL is cut into pieces that are all of it, and prepared or refused; say whether prepared."""
    syntax = sql_syntax.syntax_named(dialect)
    parts = list(sql_syntax.pieces(sql, syntax))
    assert "".join(piece for _kind, piece in parts) == sql
    assert all(kind is not PieceKind.OPEN for kind, _piece in parts[:-1])
    try:
        made = user_sql.user_sql(sql, syntax, what="query", takes_bounds=True)
    except ConfigError:
        return False
    assert sql.startswith(re.sub(r"\\:", ":", made.text)[: len(sql)].rstrip("; \t\r\n\f\v"))
    assert made.binds <= set(user_sql.BINDS)
    return True


# --- the configuration -------------------------------------------------------------------------

TOML: Final = """\
timezone = "Europe/Dublin"
[database]
url = "sqlite:///recon.db"
[octopods]
base_url = "https://app.octopods.io"
timeout_seconds = 30
[cost]
currency = "EUR"
rates = { "353" = 0.05 }
[[retries.rules]]
pattern = "spam"
decision = "review"
why = "somebody should look at it"
[accounts.main]
api_key_env = "KEY"
[accounts.main.local]
url = "sqlite:///shop.db"
table = "sends"
[accounts.main.local.columns]
id = "number"
[[accounts.main.expected]]
kind = "missing_locally"
from = 2026-01-01
to = 2026-12-31
until = 2026-12-31
reason = "a test"
"""
VARIABLES: Final = [
    "RECON_TIMEZONE", "RECON_DATABASE__URL", "RECON_ACCOUNTS__MAIN__API_KEY_ENV", "RECON_X__Y",
    "RECON_COST__RATES", "RECON_EMAIL__RECIPIENTS", "RECON___", "RECON_ACCOUNTS__MAIN__EXPECTED",
]  # fmt: skip


def check_configuration(content: bytes, environ: Mapping[str, str]) -> bool:
    """A configuration is loaded, or refused with a reason; say whether it was loaded."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as room:
        path = Path(room) / "recon.toml"
        path.write_bytes(content)
        try:
            config.load(path, environ)
        except ConfigError as error:
            said = str(error)
            assert said
            assert "Traceback" not in said
            return False
        return True


# --- mail ----------------------------------------------------------------------------------------


def check_headers(made: EmailMessage) -> None:
    """A mail has the headers it was given, and no other."""
    read = email.message_from_bytes(made.as_bytes(policy=policy.SMTP), policy=policy.default)
    assert read["To"] == "ops@example.com"
    assert {name.lower() for name in read} <= {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version",
        "x-auto-response-suppress", "content-type", "content-transfer-encoding",
    }  # fmt: skip
    assert "\n" not in str(read["Subject"])
