"""The corpus through a whole night: collected over HTTP in either shape, stored, and judged."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from recon.cli.common import Session
from recon.cli.run import command
from recon.errors import ReconError
from recon.jobs.runtime import Runtime
from recon.simulator.channel import SIMULATED_KEY, Channel, Shape
from recon.simulator.server import serve
from recon.simulator.simulated_message import SimulatedMessage, course
from tests.cli import corpus
from tests.cli.corpus import Case
from tests.cli.test_corpus import assert_found, report_of, rows_of
from tests.cli.workshop import MORNING_AFTER, NUMBER, minute
from tests.clocks import ManualClock
from tests.factories import DAY

CONFIG = """
[octopods]
base_url = "{base_url}"
min_interval_seconds = 0

[accounts.main]
api_key_env = "KEY"

[accounts.main.local]
file = "sends.csv"
"""


def messages_of(case: Case) -> list[SimulatedMessage] | None:
    """Return the messages of a case, `None` where a provider cannot have sent these."""
    if set(case.files) != {"sends.csv", "octopods.csv"} or not case.windows:
        return None
    rows = csv.DictReader(io.StringIO(case.files["octopods.csv"]))
    if "message_id" not in (rows.fieldnames or ()):
        return None
    sent = []
    for row in rows:
        try:
            message_id, time = int(row["message_id"]), datetime.fromisoformat(row["sent_at"])
        except ValueError:
            return None
        if time.tzinfo is None or not row["phone_number"].strip("+").isdigit():
            return None
        word = row["status"].lower() or "unknown"
        sent.append(SimulatedMessage(message_id, row["phone_number"], time, course((0, word))))
    sent.sort(key=lambda message: (message.sent_at, message.message_id))
    ids = [message.message_id for message in sent]
    in_order = ids == sorted(set(ids)) and all(message.sent_at <= case.now for message in sent)
    return sent if in_order else None


def long_before(case: Case, sent: list[SimulatedMessage]) -> SimulatedMessage:
    """Return a message of an earlier month: the key was in use before the day of the case."""
    first = min((message.message_id for message in sent), default=2)
    return SimulatedMessage(
        first - 1, NUMBER.format(99_999), case.now - timedelta(days=60), course((0, "read"))
    )


def nights() -> dict[str, tuple[Case, list[SimulatedMessage]]]:
    """Return the cases of which a provider can have sent the messages, the records being CSV."""
    found = {}
    for name, case in corpus.cases().items():
        sent = messages_of(case)
        plain = case.config is None or "[accounts" not in case.config
        if sent is not None and plain:
            found[name] = (case, sent)
    return found


NIGHTS = nights()


@contextmanager
def a_night(room: Path, channel: Channel, now: datetime, config: str = "") -> Iterator[ManualClock]:
    """Serve a channel and write the configuration; the clock is everybody's."""
    clock = ManualClock(now)
    with serve(channel, clock=clock) as base_url:
        (room / "recon.toml").write_text(config + CONFIG.format(base_url=base_url))
        yield clock


def run(room: Path, clock: ManualClock, *options: str) -> int:
    """Run the command in this process, at the time of the clock."""
    runtime = Runtime(clock=clock, environ={"KEY": SIMULATED_KEY})
    argv = ["--output", str(room), "--exit-code", *options]
    try:
        with ExitStack() as at_exit:
            session = Session(room / "recon.toml", runtime, at_exit)
            return int(command.main(argv, obj=session, standalone_mode=False))
    except ReconError as error:
        return error.exit_code


@pytest.fixture
def room(tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a database that is ready."""
    shutil.copy(migrated_sqlite, tmp_path / "recon.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path


#: Each case is judged among the ordinary tests, as two files: a few go through a night too.
CASES = [
    pytest.param(name, "AB"[number % 2], marks=() if number % 5 == 0 else pytest.mark.thorough)
    for number, name in enumerate(NIGHTS)
]


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_a_night_finds_what_the_two_files_show(name: str, shape: Shape, room: Path) -> None:
    case, sent = NIGHTS[name]
    channel = Channel(shape=shape)
    for message in (long_before(case, sent), *sent):
        channel.add(message)
    (room / "sends.csv").write_text(case.files["sends.csv"])
    options = case.options if "--from" in case.options else ["--date", DAY, *case.options]
    with a_night(room, channel, case.now, case.config or "") as clock:
        assert run(room, clock, *options) == case.code
    for label, expected in case.windows.items():
        day = DAY if label == "all" else label
        rows, report = rows_of(room, day, "main"), report_of(room, day, "main")
        assert_found(expected, rows)
        assert report["verdict"] == expected.verdict
        for side in ("local", "provider"):
            buckets = {k: n for k, n in report[side].items() if n and k != "total"}
            assert buckets == {k: n for k, n in getattr(expected, side).items() if n}
        if expected.window is not None:
            assert report["window"] == expected.window


def test_most_of_the_corpus_is_there() -> None:
    assert len(NIGHTS) > 40


# --- what takes more than one night ---------------------------------------------------------------

HEADER = "id,message_id,phone_number,sent_at,status\n"


def kinds(room: Path, day: str = DAY) -> list[tuple[str, str, str]]:
    return [(r["kind"], r["local_id"], r["message_id"]) for r in rows_of(room, day, "main")]


def test_a_status_that_comes_late_corrects_the_day_it_belongs_to(room: Path) -> None:
    channel = Channel(first_id=101)
    late = course((0, "sent"), (8 * 3600, "delivered"))
    for nr, ways in enumerate([late, late, course((0, "sent"), (8 * 3600, "failed"))]):
        channel.send(NUMBER.format(nr), minute(690), course=ways)
    (room / "sends.csv").write_text(
        HEADER
        + f"1,101,{NUMBER.format(0)},{DAY}T23:30:00Z,delivered\n"
        + f"2,102,{NUMBER.format(1)},{DAY}T23:30:00Z,failed\n"
        + f"3,103,{NUMBER.format(2)},{DAY}T23:30:00Z,sent\n"
    )
    with a_night(room, channel, MORNING_AFTER) as clock:
        assert run(room, clock, "--date", DAY) == 1
        assert sorted(kinds(room)) == [
            ("status_mismatch", "1", "101"),
            ("status_mismatch", "2", "102"),
        ]
        clock.advance(86_400)
        assert run(room, clock, "--date", DAY) == 1
    assert sorted(kinds(room)) == [("status_mismatch", "2", "102"), ("status_mismatch", "3", "103")]


def test_a_status_never_goes_back_and_what_is_stuck_comes_loose(room: Path) -> None:
    channel = Channel(first_id=101)
    channel.send(NUMBER.format(0), minute(0), course=course((0, "read"), (86_400, "delivered")))
    channel.send(NUMBER.format(1), minute(1), course=course((0, "sent"), (50 * 3600, "delivered")))
    (room / "sends.csv").write_text(
        HEADER
        + f"1,101,{NUMBER.format(0)},{DAY}T12:00:00Z,read\n"
        + f"2,102,{NUMBER.format(1)},{DAY}T12:01:00Z,sent\n"
    )
    with a_night(room, channel, MORNING_AFTER) as clock:
        found = []
        for _ in range(3):
            run(room, clock, "--date", DAY)
            found.append(kinds(room))
            clock.advance(86_400)
    assert found == [[], [("stuck", "2", "102")], []]


def test_a_record_recorded_days_away_is_found_by_its_id_and_missing_on_no_day(room: Path) -> None:
    channel = Channel(first_id=101)
    channel.send(NUMBER.format(0), minute(0))
    (room / "sends.csv").write_text(
        HEADER + f"1,101,{NUMBER.format(0)},2026-04-20T12:00:00Z,sent\n"
    )
    with a_night(room, channel, MORNING_AFTER) as clock:
        assert run(room, clock, "--date", DAY) == 1
        assert kinds(room) == [("sent_at_drift", "1", "101")]
        assert run(room, clock, "--date", "2026-04-20") == 0
    assert kinds(room, "2026-04-20") == []
    assert report_of(room, "2026-04-20", "main")["verdict"] == "nothing_to_compare"


def test_a_finding_is_the_same_one_by_night_over_a_range_and_among_other_rows(room: Path) -> None:
    channel = Channel(first_id=101)
    for nr in range(3):
        channel.send(NUMBER.format(nr), minute(nr))
    rows = (
        f"1,101,{NUMBER.format(0)},{DAY}T12:00:00Z,failed\n"
        f"2,99,{NUMBER.format(9)},{DAY}T12:00:00Z,sent\n"
    )
    (room / "sends.csv").write_text(HEADER + rows)
    with a_night(room, channel, MORNING_AFTER) as clock:
        run(room, clock, "--date", DAY)
        before = {row["discrepancy_id"]: row["kind"] for row in rows_of(room, DAY, "main")}
        assert sorted(before.values()) == [
            "missing_at_provider",
            "missing_locally",
            "missing_locally",
            "status_mismatch",
        ]
        more = f"3,98,{NUMBER.format(8)},{DAY}T11:00:00Z,sent\n"
        (room / "sends.csv").write_text(HEADER + more + rows)
        clock.advance(86_400)
        run(room, clock, "--from", "2026-04-21", "--to", DAY)
    after = rows_of(room, DAY, "main")
    assert before.items() < {row["discrepancy_id"]: row["kind"] for row in after}.items()
    seen = {row["discrepancy_id"]: row["first_seen_on"] for row in after}
    assert {seen.pop(finding) for finding in before} == {"2026-04-24"}
    assert set(seen.values()) == {"2026-04-25"}
