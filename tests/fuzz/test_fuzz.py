"""Bad input in masses: a clear error or a counted row, never a bug, and never a good row lost.

Each input begins as a good one and is spoiled at random, so that it comes far into the program.
`make fuzz` tries many; here are few of each kind.
"""

from __future__ import annotations

import email
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email import policy
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon import config
from recon.errors import ConfigError, InputError, ReconError
from recon.octopods import responses
from recon.octopods.retry_after import pause_seconds
from recon.records import sql_syntax, user_sql
from recon.records.reader_factory import open_reader
from recon.records.source import Source
from recon.records.sql_syntax import PieceKind
from recon.report import mail
from recon.report.mail import Envelope
from recon.report.message import MessageSection, OutcomeMessage, Tone
from recon.simulator.channel import Channel
from recon.simulator.server import serve
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, minute
from tests.clocks import ManualClock

pytestmark = pytest.mark.thorough

#: No pause makes sense beyond a leap year, in seconds.
LONGEST: Final = 366 * 86_400
NOW: Final = datetime(2026, 4, 24, 6, tzinfo=UTC)
ITEM_A: Final = {
    "message_id": 700100, "phone_number": "+353871200001", "sent_at": "2026-04-23T12:00:00Z",
    "status": "delivered", "failure_reason": None, "message_content": "hello",
}  # fmt: skip
ITEM_B: Final = {
    "id": 700200,
    "to": "+353871200002",
    "created_at": "2026-04-23T12:01:00Z",
    "status": {"status": "failed", "failure_reason": {"title": "no", "code": 131049}},
}
KEYS: Final = sorted({*ITEM_A, *ITEM_B, "messages", "error", "data", "code"})
TRICKY: Final = [
    "", " ", "\x00", "\ufeff", "\u2028", "\u202e", "\ud800", "\x1b[2J", "\r", "\r\n", "\n\n", '"',
    '""', "'", "\\", ",", ";", "\t", "|", "#", "--", "/*", "*/", "$$", ":start", "::", "{", "}",
    "[[", "]]", "=", "0", "-0", "1e400", "NaN", "Infinity", "9" * 400, "null", "true", "%s", "+",
    "2026-11-00", "0000-00-00", "9999-12-31T23:59:60+99:99", "1969-12-31", "é",
    "e\u0301", "\u0661\u0662", "\U0001f3f3\ufe0f",
]  # fmt: skip
JUNK: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(TRICKY),
)
NESTED: Final = st.recursive(
    JUNK,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from(["id", "messages"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@st.composite
def spoiled(draw: st.DrawFn, good: str) -> str:
    """Return a good text with a few cuts, doublings and tricky insertions."""
    text = good
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = draw(st.integers(at, min(len(text), at + 40)))
        what = draw(st.sampled_from(["insert", "cut", "double", "move", "end"]))
        if what == "insert":
            text = text[:at] + draw(st.sampled_from(TRICKY) | st.text(max_size=10)) + text[at:]
        elif what == "cut":
            text = text[:at] + text[end:]
        elif what == "double":
            text = text[:end] + text[at:end] + text[end:]
        elif what == "move":
            text = text[:at] + text[end:] + text[at:end]
        else:
            text = text[:at]
    return text


def spoiled_bytes(good: str) -> st.SearchStrategy[bytes]:
    """Return a spoiled text in some encoding, or with bytes that are none."""
    encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"])
    encoded = st.builds(
        lambda text, encoding: text.encode(encoding, "replace"), spoiled(good), encodings
    )
    return encoded | st.builds(
        lambda content, at, more: content[: at % (len(content) + 1)] + more + content[at:],
        encoded,
        st.integers(0, 500),
        st.binary(max_size=8),
    )


# --- answers of Octopods -----------------------------------------------------------------------


@st.composite
def spoiled_items(draw: st.DrawFn) -> tuple[list[object], set[int]]:
    """Return items, some spoiled, and the ids of those that are not."""
    items: list[object] = []
    good: set[int] = set()
    for number in range(draw(st.integers(1, 5))):
        item: dict[str, Any] = dict(draw(st.sampled_from([ITEM_A])), message_id=900_000 + number)
        if draw(st.booleans()):
            good.add(900_000 + number)
        else:
            item["message_id"] = draw(NESTED)
            for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=4)):
                item[key] = draw(NESTED)
            if draw(st.booleans()):
                del item[draw(st.sampled_from(sorted(item)))]
        items.append(item if draw(st.integers(0, 9)) else draw(NESTED))
        if items[-1] is not item:
            good.discard(900_000 + number)
    return items, good


@given(spoiled_items(), st.booleans())
def test_an_answer(made: tuple[list[object], set[int]], wrapped: bool) -> None:  # noqa: FBT001
    items, good = made
    body: object = {"messages": items} if wrapped else items
    listing = responses.read_listing(body, answered_at=NOW)
    assert listing is not None
    told = [message.message_id for message in listing.messages]
    spoiled_ids = {
        message.message_id
        for item in items
        for message in [responses.read_item(item)]
        if message.message_id is not None and message.message_id not in good
    }
    assert good - spoiled_ids <= set(told)
    assert len(told) == len(set(told))
    assert len(told) + len(listing.rejects) <= len(items)
    assert all(message.sent_at.tzinfo is not None for message in listing.messages)


@given(NESTED, NESTED)
def test_an_answer_about_one_message_or_an_error(first: object, second: object) -> None:
    for body in (
        first,
        {"error": first, "code": second},
        {**ITEM_B, "status": second, "id": first},
    ):
        responses.read_status(body, 5)
        responses.read_error(body)
        responses.error_beside_list(body)


@given(
    spoiled(format_datetime(NOW + timedelta(minutes=5), usegmt=True)) | st.sampled_from(TRICKY),
    spoiled("2026-04-24T06:05:00Z") | NESTED,
    st.sampled_from(["retry_after", "retry-after", "RetryAfter", "wait_seconds", "error", "until"]),
)
def test_a_stamp_that_says_when_to_come_back(header: str, value: object, name: str) -> None:
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


def _read(name: str, content: bytes) -> tuple[set[str], int]:
    """Return the ids that are read and how many rows are not, or nothing if it is refused."""
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / name
        path.write_bytes(content)
        try:
            found = open_reader(Source(file=path)).read(None, None)
        except ReconError as error:
            kind, said = type(error), str(error)
        else:
            return set(found.frame["local_id"].astype("str")), len(found.rejects)
    assert kind in {InputError, ConfigError}
    assert said
    assert all(char.isprintable() or char == "\n" for char in said), said
    return set(), 0


@pytest.mark.parametrize("name", FILES)
@given(st.data())
def test_a_file_of_records(name: str, data: st.DataObject) -> None:
    _read(name, data.draw(spoiled_bytes(FILES[name])))


@pytest.mark.parametrize("name", ["records.csv", "records.tsv", "records.jsonl"])
@given(st.data())
def test_a_spoiled_row_costs_no_other(name: str, data: st.DataObject) -> None:
    """The rows before and after it are read, whatever stands in it."""
    lines = FILES[name].splitlines()
    at = data.draw(st.integers(2, len(lines) - 2))
    junk = data.draw(spoiled(lines[at]))
    junk = re.sub(r"[\r\n\x00\x0b\x0c\x1c-\x1e\x85\u2028\u2029\ud800-\udfff]", "", junk)
    ids, _rejects = _read(name, "\n".join([*lines[:at], junk, *lines[at + 1 :]]).encode() + b"\n")
    others = {str(row["id"]) for row in ROWS} - {str(at - (name != "records.jsonl"))}
    assert others <= ids, junk


# --- the user's SQL ----------------------------------------------------------------------------

SQL: Final = (
    'SELECT id, message_id AS "it\'s", `b`, [c], sent_at::timestamptz, status -- x:y\n'
    "FROM sends /* a /* b */ c */ WHERE sent_at >= :start AND note <> E'it\\'s; :end' # last\n"
    "AND body ->> '$.a' = $tag$ ;:end $tag$ AND sent_at < :end;"
)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql", "mssql"])
@given(spoiled(SQL))
def test_the_sql_of_a_user(dialect: str, sql: str) -> None:
    syntax = sql_syntax.syntax_named(dialect)
    parts = list(sql_syntax.pieces(sql, syntax))
    assert "".join(piece for _kind, piece in parts) == sql
    assert all(kind is not PieceKind.OPEN for kind, _piece in parts[:-1])
    try:
        made = user_sql.user_sql(sql, syntax, what="query", takes_bounds=True)
    except ConfigError:
        return
    assert sql.startswith(re.sub(r"\\:", ":", made.text)[: len(sql)].rstrip("; \t\r\n\f\v"))
    assert made.binds <= set(user_sql.BINDS)


# --- the configuration and the command line ------------------------------------------------------

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
text = "*spam*"
decision = "review"
[accounts.main]
api_key_env = "KEY"
[accounts.main.local]
url = "sqlite:///shop.db"
table = "sends"
[accounts.main.local.columns]
id = "number"
[[accounts.main.expected]]
kinds = ["missing_locally"]
from = 2026-01-01
reason = "a test"
"""


@given(spoiled_bytes(TOML), st.dictionaries(st.sampled_from(
    ["RECON_TIMEZONE", "RECON_DATABASE__URL", "RECON_ACCOUNTS__MAIN__API_KEY_ENV", "RECON_X__Y",
     "RECON_COST__RATES", "RECON_EMAIL__RECIPIENTS", "RECON___", "RECON_ACCOUNTS__MAIN__EXPECTED"]
), st.sampled_from(TRICKY) | st.text(max_size=20), max_size=3))  # fmt: skip
def test_a_configuration(content: bytes, environ: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "recon.toml"
        path.write_bytes(content)
        try:
            config.load(path, environ)
        except ConfigError as error:
            said = str(error)
            assert said
            assert "Traceback" not in said


ARGUMENTS: Final = [
    "run",
    "collect",
    "diff",
    "report",
    "dashboard",
    "discrepancies",
    "retries",
    "explain",
    "status",
    "stats",
    "ack",
    "config",
    "check",
    "purge",
    "db",
    "upgrade",
    "current",
    "--date",
    "--from",
    "--to",
    "--account",
    "--days",
    "--format",
    "json",
    "csv",
    "--by",
    "--status",
    "--kind",
    "--limit",
    "--output",
    "--older-than",
    "--phone-number",
    "--dry-run",
    "--again",
    "--exit-code",
    "--config",
    "-v",
    "-q",
    "--log-format",
    "main",
    "2026-04-23",
    "1",
    "--undo",
    "--reason",
    "--from-csv",
    "--help",
    "--",
]
#: What goes on until it is ended, starts processes, or asks a person.
NEVER: Final = {"--follow", "simulate", "demo", "init", "--workers"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Workshop]:
    """A workshop with a day in it, its provider running."""
    room = tmp_path_factory.mktemp("fuzz")
    (room / "recon.db").write_bytes(migrated_sqlite.read_bytes())
    workshop, channel = Workshop(room), Channel(first_id=101)
    channel.send(NUMBER.format(1), minute(1))
    workshop.add_records((1, 101, NUMBER.format(1), minute(1), "sent"))
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        workshop.run()
        yield workshop


@given(words=st.lists(
    st.sampled_from(ARGUMENTS) | st.sampled_from(TRICKY) | st.text(max_size=12), max_size=6
))  # fmt: skip
def test_a_command_line(served: Workshop, words: list[str]) -> None:
    # The system passes no argument with a null byte, or with half a character.
    argv = [re.sub(r"[\x00\ud800-\udfff]", "", word) for word in words if word not in NEVER]
    ended = served.recon(*argv)
    assert ended.code in {0, 1, 2, 3, 65, 69, 73, 75, 76, 77, 78}, ended.err
    assert "Traceback" not in ended.err
    assert ended.code in {0, 1, 3} or ended.err


# --- mail ----------------------------------------------------------------------------------------


@given(spoiled("main 2026-04-23: 3 customers did not get their message"), st.text(max_size=60))
def test_the_headers_of_a_mail(subject: str, text: str) -> None:
    section = MessageSection(
        text, "Thursday 23 April 2026", "2026-04-23", text, Tone.ERROR, subject, [text]
    )
    message = OutcomeMessage(subject, text, Tone.ERROR, text, [section])
    made = mail.as_mail(
        message, Envelope("recon@example.com", ["ops@example.com"], "<1@example.com>", NOW)
    )
    read = email.message_from_bytes(made.as_bytes(policy=policy.SMTP), policy=policy.default)
    assert read["To"] == "ops@example.com"
    assert {name.lower() for name in read} <= {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version",
        "x-auto-response-suppress", "content-type",
    }  # fmt: skip
    assert "\n" not in str(read["Subject"])
