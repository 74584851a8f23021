"""Bad input in masses: a clear error or a counted row, never a bug, and never a good row lost.

Each input begins as a good one and is spoiled at random, so that it comes far into the program.
`make fuzz` tries many; here are few of each kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.report import mail
from recon.report.mail import Envelope
from recon.report.message import MessageSection, OutcomeMessage, Tone
from recon.simulator.channel import Channel
from recon.simulator.server import serve
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, minute
from tests.clocks import ManualClock
from tests.fuzz.targets import (
    FILES,
    ITEM_A,
    ITEM_B,
    KEYS,
    NOW,
    ROWS,
    SQL,
    TOML,
    TRICKY,
    VARIABLES,
    check_configuration,
    check_headers,
    check_listing,
    check_other_answers,
    check_pause,
    check_sql,
    item,
    one_line,
    read_file,
)  # fmt: skip

pytestmark = pytest.mark.thorough

IDS: Final = {str(row["id"]) for row in ROWS}
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
    for number in range(900_000, 900_000 + draw(st.integers(1, 5))):
        shape = draw(st.sampled_from([ITEM_A, ITEM_B]))
        made: object = item(shape, number)
        if draw(st.booleans()):
            good.add(number)
        else:
            broken = item(shape, draw(NESTED))
            for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=4)):
                broken[key] = draw(NESTED)
            if draw(st.booleans()):
                del broken[draw(st.sampled_from(sorted(broken)))]
            made = broken if draw(st.integers(0, 9)) else draw(NESTED)
        items.append(made)
    return items, good


@given(spoiled_items(), st.booleans())
def test_an_answer(made: tuple[list[object], set[int]], wrapped: bool) -> None:  # noqa: FBT001
    items, good = made
    check_listing(items, good, wrapped=wrapped)


@given(NESTED, NESTED)
def test_an_answer_about_one_message_or_an_error(first: object, second: object) -> None:
    check_other_answers(first, second)


@given(
    spoiled(format_datetime(NOW + timedelta(minutes=5), usegmt=True)) | st.sampled_from(TRICKY),
    spoiled("2026-04-24T06:05:00Z") | NESTED,
    st.sampled_from(["retry_after", "retry-after", "RetryAfter", "wait_seconds", "error", "until"]),
)
def test_a_stamp_that_says_when_to_come_back(header: str, value: object, name: str) -> None:
    check_pause(header, value, name)


# --- files of records --------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
@given(st.data())
def test_a_file_of_records(name: str, data: st.DataObject) -> None:
    read_file(name, data.draw(spoiled_bytes(FILES[name])))


@pytest.mark.parametrize("name", ["records.csv", "records.tsv", "records.jsonl"])
@given(st.data())
def test_a_spoiled_row_costs_no_other(name: str, data: st.DataObject) -> None:
    """The rows before and after it are read, whatever stands in it."""
    lines = FILES[name].splitlines()
    at = data.draw(st.integers(2, len(lines) - 2))
    junk = one_line(data.draw(spoiled(lines[at])))
    ids, _read, _rejected = read_file(
        name, "\n".join([*lines[:at], junk, *lines[at + 1 :]]).encode() + b"\n"
    )
    others = IDS - {str(at - (name != "records.jsonl"))}
    assert others <= ids, junk


# --- the user's SQL ----------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", SQL)
@given(st.data())
def test_the_sql_of_a_user(dialect: str, data: st.DataObject) -> None:
    check_sql(dialect, data.draw(spoiled(SQL[dialect])))


# --- the configuration and the command line ------------------------------------------------------


@given(
    spoiled_bytes(TOML),
    st.dictionaries(
        st.sampled_from(VARIABLES), st.sampled_from(TRICKY) | st.text(max_size=20), max_size=3
    ),
)
def test_a_configuration(content: bytes, environ: Mapping[str, str]) -> None:
    check_configuration(content, environ)


def test_what_is_spoiled_is_good_before() -> None:
    assert all(check_sql(dialect, sql) for dialect, sql in SQL.items())
    assert check_configuration(TOML.encode(), {})
    assert all(read_file(name, text.encode()) == (IDS, 6, 0) for name, text in FILES.items())
    check_listing([ITEM_A, ITEM_B], {700100, 700200}, wrapped=False)


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
    check_headers(made)
