"""Whole commands in any order, with a provider, clocks and a mail server that do as they like.

The machine plays the days of an installation: sends, records, lists that misbehave, keys that
change, clocks that are set, outages, limits, mails that do not get through, and every command that
stores something, killed at any edge. It knows the truth, and compares what is there with it after
each command. `test_misbehaving_list` plays the list and the ledger alone, which is much faster.

`make model` plays as long as wanted.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from recon.core import calendar
from recon.model import Status
from recon.simulator import http_faults
from recon.simulator import list_misbehaviours as misbehaviours
from recon.simulator.http_faults import Fault
from recon.simulator.list_misbehaviours import Misbehaviour
from recon.simulator.rate_limits import RateLimit, RetryForm
from recon.simulator.simulated_message import (
    FAILED_AT_ONCE,
    FAILED_LATER,
    ONLY_SENT,
    READ,
    StatusCourse,
)
from recon.store.dialects import is_postgres
from recon.store.engine import connect
from recon.store.tables import METADATA
from tests.clocks import ManualClock
from tests.machine import installation, kills
from tests.machine.checks import Checks
from tests.machine.installation import DroppingMailBox, Installation, LimitedChannel
from tests.machine.kills import Killer

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: No message has such an id.
NEVER_SENT = 1_000_000
#: Days on which the clocks of Dublin change.
STARTS = (
    datetime(2026, 3, 28, 12, tzinfo=UTC),
    datetime(2026, 4, 22, 12, tzinfo=UTC),
    datetime(2026, 10, 24, 12, tzinfo=UTC),
)

PAUSES = st.sampled_from(
    (1, 20, 61, 130, 900, 3600, 5 * 3600, 26 * 3600, 26 * 3600, 9 * 86_400)
).map(lambda seconds: timedelta(seconds=seconds))
KINDS = st.sampled_from(
    ("plain", "plain", "failed", "failed at once", "stuck", "late", "very late", "removed")
)
COURSES: Mapping[str, StatusCourse] = {
    "failed": FAILED_LATER,
    "failed at once": FAILED_AT_ONCE,
    "stuck": ONLY_SENT,
}
RECORDED = st.sampled_from(("with id", "without id", "not"))
GAPS = st.sampled_from((0, 0, 1, 7, 40, 130, 1200))
#: At which edge a command is killed; a night has some hundreds.
EDGES = st.one_of(st.none(), st.none(), st.integers(1, 60), st.integers(1, 500))


def _always(misbehaviour: Misbehaviour) -> Callable[[datetime], Misbehaviour]:
    return lambda _now: misbehaviour


#: What the list does from some moment on.
LISTS: Mapping[str, Callable[[datetime], Misbehaviour | None]] = {
    "honest": lambda _now: None,
    "capped": _always(misbehaviours.capped(5)),
    "forgets": _always(misbehaviours.with_memory(HOUR)),
    "filtered": _always(misbehaviours.hiding(lambda one, now: one.status(now) == Status.FAILED)),
    "one per number": _always(misbehaviours.one_per_number),
    "by change": _always(misbehaviours.by_last_change),
    "old": misbehaviours.cached,
    "older": lambda now: misbehaviours.cached(now - HOUR),
    "old with age": lambda now: misbehaviours.cached(now, tells_age=True),
    "partial": _always(misbehaviours.partial(2)),
    "with error": _always(misbehaviours.with_error(12, "Degraded.", items=2)),
    "empty": _always(misbehaviours.capped(0)),
    "dated ahead": _always(misbehaviours.dated(365 * DAY)),
    "an hour later": _always(misbehaviours.shifted(HOUR)),
}

FAULTS = st.sampled_from(
    (
        http_faults.server_error(),
        http_faults.unavailable(),
        http_faults.reset(),
        http_faults.truncated(),
        http_faults.not_json(),
        http_faults.passing(),
        http_faults.denied(),
        http_faults.not_found_page(),
        http_faults.redirect(),
    )
)
LIMITS = st.builds(
    http_faults.rate_limited,
    st.sampled_from(RetryForm),
    st.sampled_from((1.0, 20.0, 80.0, 600.0, 7200.0)),
)
MAILS = ("up", "up", "down", "refuses", "refuses one", "hangs up after")
RUNS = (
    (),
    (),
    ("--offline",),
    ("--no-email",),
    ("--dry-run",),
    ("--trust-input",),
    ("--date", "yesterday"),
    ("--from", "3 days", "--to", "yesterday"),
)


class Machine(RuleBasedStateMachine):
    """An installation of recon and its surroundings."""

    engine: ClassVar[sa.Engine]
    killer: ClassVar[Killer]
    box: ClassVar[DroppingMailBox]
    room: ClassVar[Path]

    @initialize(
        start=st.sampled_from(STARTS),
        zone=st.sampled_from(("UTC", "Europe/Dublin")),
        shape=st.sampled_from(("A", "B")),
        when=st.sampled_from(("always", "changes", "discrepancies")),
        limit=st.sampled_from((None, None, 4, 30)),
        form=st.sampled_from(RetryForm),
        lag=st.sampled_from((0, 50)),
    )
    def begin(
        self,
        start: datetime,
        zone: str,
        shape: str,
        when: str,
        limit: int | None,
        form: RetryForm,
        lag: int,
    ) -> None:
        """Open an account with one key; nothing has been sent."""
        _empty(self.engine)
        self.room.mkdir()
        self.zone = zone
        self.keys = [f"key-{n}" for n in range(4)]
        channel = LimitedChannel(
            keys=self.keys,
            first_id=1,
            rate_limit=None if limit is None else RateLimit(limit, MINUTE, form),
        )
        channel.shape = "B" if shape == "B" else "A"
        self.clock = ManualClock(start)
        self.mail("up")
        self.box.mails.clear()
        self.at_exit = ExitStack()
        self.made: Installation = self.at_exit.enter_context(
            installation.installed(
                self.room,
                self.engine.url.render_as_string(hide_password=False),
                channel=channel,
                clock=self.clock,
                zone=zone,
                when=when,
                killer=self.killer,
                box=self.box,
            )
        )
        self.checks = Checks(self.engine, self.made, timedelta(seconds=lag))
        self.truth = self.checks.truth
        self.sending = self.polling = 0

    def teardown(self) -> None:
        """Stop the server, and leave nothing."""
        self.at_exit.close()
        shutil.rmtree(self.room)

    @property
    def key(self) -> str:
        """The key that recon asks with."""
        return self.keys[self.polling]

    # --- what happens ---------------------------------------------------------------------------

    @rule(pause=PAUSES)
    def wait(self, pause: timedelta) -> None:
        """Let time pass."""
        self.clock.now += pause

    @rule(gaps=st.lists(GAPS, min_size=1, max_size=8), kind=KINDS, recorded=RECORDED)
    def send(self, gaps: list[int], kind: str, recorded: str) -> None:
        """Send messages with the key in use."""
        for gap in gaps:
            self.clock.advance(gap)
            self._send(kind, recorded)

    @rule(count=st.integers(90, 130), gap=st.sampled_from((0, 1, 30)), recorded=RECORDED)
    def send_many(self, count: int, gap: int, recorded: str) -> None:
        """Send more than a list shows."""
        for _ in range(count):
            self.clock.advance(gap)
            self._send("plain", recorded, numbers=1_000)

    def _send(self, kind: str, recorded: str, numbers: int = 5) -> None:
        now, n = self.clock.now, len(self.truth.sent)
        late = {"late": 15 * MINUTE, "very late": 3 * HOUR}.get(kind)
        # No record of another send may be taken for one that is not recorded.
        number = f"+35385{n:07}" if recorded == "not" else f"+35387{n % numbers:07}"
        message = self.made.channel.send(
            number,
            now,
            key=self.keys[self.sending],
            course=COURSES.get(kind, READ),
            appears_at=None if late is None else now + late,
            removed_at=now + 2 * HOUR if kind == "removed" else None,
        )
        self.truth.sent[message.message_id] = message, self.keys[self.sending]
        self.checks.send(message, recorded)

    @rule(with_id=st.booleans())
    def record_what_was_never_sent(self, *, with_id: bool) -> None:
        """Record a send that Octopods never got."""
        self.clock.advance(400)
        self.checks.record_lost(self.clock.now, NEVER_SENT if with_id else None)

    @rule(name=st.sampled_from(sorted(LISTS)))
    def list_otherwise(self, name: str) -> None:
        """Let the list misbehave from now on, or no longer."""
        self.made.channel.misbehaviour = LISTS[name](self.clock.now)

    @rule()
    def answer_in_the_other_shape(self) -> None:
        """Let Octopods answer as its other articles say."""
        self.made.channel.shape = "A" if self.made.channel.shape == "B" else "B"

    @rule(own=st.sampled_from((0, 0, -2, 5)))
    def set_own_clock(self, own: int) -> None:
        """Set this machine's clock wrong, or right again."""
        if timedelta(hours=own) != self.made.own_ahead:
            self.made.own_ahead = timedelta(hours=own)
            self.checks.clock_was_set = True

    @rule(fault=FAULTS, times=st.integers(1, 12), after=st.integers(0, 3))
    def fail(self, fault: Fault, times: int, after: int) -> None:
        """Let the next requests fail, or some after the next ones."""
        self.made.faults.extend([None] * after + [fault] * times)

    @rule(fault=LIMITS, times=st.sampled_from((1, 1, 2, 15)), after=st.integers(0, 2))
    def limit(self, fault: Fault, times: int, after: int) -> None:
        """Let the next requests be refused with 429, or some after the next ones."""
        self.made.faults.extend([None] * after + [fault] * times)

    @rule()
    def recover(self) -> None:
        """Let nothing more fail."""
        self.made.faults.clear()

    @rule(how=st.sampled_from(MAILS))
    def mail(self, how: str) -> None:
        """Let the mail server take mails, or not."""
        self.box.refused = {installation.RECIPIENTS[1]} if how == "refuses one" else set()
        self.box.drops = how == "hangs up after"
        self.box.on_data = (lambda: "451 4.3.0 later") if how == "refuses" else (lambda: None)
        if hasattr(self, "made"):
            self.made.mail_is_down = how == "down"

    @precondition(lambda self: self.polling == self.sending < len(self.keys) - 1)
    @rule(
        first=st.sampled_from(("configured", "used", "used")),
        between=st.lists(GAPS, min_size=1, max_size=12),
        is_polled=st.booleans(),
        kind=KINDS,
        recorded=RECORDED,
    )
    def rotate(
        self, first: str, between: list[int], kind: str, recorded: str, *, is_polled: bool
    ) -> None:
        """Use another key; messages and a poll come between its use and its configuration."""
        is_early = first == "configured"
        self.polling += is_early
        self.sending += not is_early
        self.send(between, kind, recorded)
        if is_polled:
            self.clock.now += HOUR
            self._run("collect", "--force")
        self.polling += not is_early
        self.sending += is_early

    # --- commands -------------------------------------------------------------------------------

    @rule(pause=PAUSES, force=st.booleans(), edge=EDGES)
    def collect(self, pause: timedelta, *, force: bool, edge: int | None) -> None:
        """Poll with the configured key."""
        self.clock.now += pause
        self._run("collect", *(["--force"] if force else []), edge=edge)

    @precondition(lambda self: self.polling > 0)
    @rule(edge=EDGES)
    def collect_with_the_old_key(self, edge: int | None) -> None:
        """Let a forgotten host poll."""
        self._run("collect", "--force", key=self.keys[self.polling - 1], edge=edge)

    @rule(edge=EDGES)
    def begin_coverage_again(self, edge: int | None) -> None:
        """Poll with `--new-coverage`: a person says that the list is right."""
        if self.made.channel.misbehaviour is None:
            self._run("collect", "--new-coverage", edge=edge)

    @rule(
        minutes=st.sampled_from((1, 3)),
        gap=st.sampled_from((2, 20)),
        recorded=RECORDED,
    )
    def follow(self, minutes: int, gap: int, recorded: str) -> None:
        """Poll when that is due, while messages are sent, until the process is killed."""
        end, sent = self.clock.now + minutes * MINUTE, self.clock.now

        def on_sleep() -> None:
            nonlocal sent
            self.checks.note_answers(self.key)
            now = self.clock.now
            while sent + timedelta(seconds=gap) <= now:
                sent += timedelta(seconds=gap)
                self.clock.now = sent
                self._send("plain", recorded)
            self.clock.now = now
            if now >= end:
                self.killer.kill()

        self.made.on_sleep = on_sleep
        self._run("collect", "--follow")
        self.made.on_sleep = lambda: None

    @rule(pause=PAUSES, options=st.sampled_from(RUNS), edge=EDGES)
    def run(self, pause: timedelta, options: tuple[str, ...], edge: int | None) -> None:
        """Run the nightly job, or a part of it."""
        self.clock.now += pause
        yesterday = calendar.yesterday(self.made.now(), self.zone)
        days = {"yesterday": yesterday, "3 days": yesterday - 2 * DAY}
        argv = [days[one].isoformat() if one in days else one for one in options]
        self._run("run", *argv, edge=edge)

    @rule(kind=KINDS, recorded=RECORDED, lost=st.booleans(), edge=EDGES)
    def spend_a_day(self, kind: str, recorded: str, *, lost: bool, edge: int | None) -> None:
        """Send and poll for a day, and run the nightly job the next morning."""
        for _ in range(4):
            self.send([7, 1200, 130], kind, recorded)
            self.send([40, 1], "plain", "with id")
            if lost:
                self.record_what_was_never_sent(with_id=False)
            self.clock.now += 6 * HOUR
            self._run("collect")
        self._run("run", edge=edge)

    @rule(edge=EDGES)
    def send_waiting_mail(self, edge: int | None) -> None:
        """Send what could not be sent before."""
        self._run("report", "--email", edge=edge)

    @rule(data=st.data(), edge=EDGES)
    def acknowledge(self, data: st.DataObject, edge: int | None) -> None:
        """Acknowledge some findings that are open."""
        self._settle(data, self.checks.ids("open", "expected"), edge)

    @rule(data=st.data(), edge=EDGES)
    def reopen(self, data: st.DataObject, edge: int | None) -> None:
        """Take some acknowledgements back."""
        self._settle(data, self.checks.ids("acknowledged"), edge, "--undo")

    def _settle(self, data: st.DataObject, ids: list[str], edge: int | None, *options: str) -> None:
        if ids:
            some = data.draw(st.lists(st.sampled_from(ids), min_size=1, max_size=3, unique=True))
            self._run("ack", *some, "--reason", "a test", *options, edge=edge)

    @rule(edge=EDGES)
    def purge(self, edge: int | None) -> None:
        """Delete what is old."""
        self._run("purge", "--older-than", "10", edge=edge)

    @precondition(lambda self: self.truth.sent)
    @rule(data=st.data(), edge=EDGES)
    def forget(self, data: st.DataObject, edge: int | None) -> None:
        """Forget a person."""
        numbers = sorted({message.phone_number for message, _ in self.truth.sent.values()})
        number = data.draw(st.sampled_from(numbers))
        self._run("purge", "--phone-number", number, edge=edge)

    def _run(self, *argv: str, key: str | None = None, edge: int | None = None) -> None:
        self.checks.before(key or self.key, argv)
        command = self.made.run(*argv, key=key or self.key, edge=edge)
        self.checks.after(command)


def _empty(engine: sa.Engine) -> None:
    """Delete all rows of the store."""
    with engine.begin() as connection:
        if is_postgres(engine):
            names = ", ".join(table.name for table in METADATA.sorted_tables)
            connection.execute(sa.text(f"TRUNCATE {names}"))
            return
        for table in reversed(METADATA.sorted_tables):
            connection.execute(sa.delete(table))


@pytest.fixture(scope="module")
def playing(
    shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[type[Machine]]:
    """The machine with a store, a mail server, and what kills its commands."""
    room = tmp_path_factory.mktemp("machine")
    engine = connect(shared_database_url)
    with kills.installed() as killer, installation.mail_box(room) as box:
        Machine.engine, Machine.killer, Machine.box = engine, killer, box
        Machine.room = room / "recon"
        yield Machine
    engine.dispose()


@pytest.mark.thorough
def test_all_promises_hold_whatever_the_order(playing: type[Machine]) -> None:
    examples = int(os.environ.get("RECON_MODEL_EXAMPLES", "1"))
    run_state_machine_as_test(
        playing, settings=settings(max_examples=examples, stateful_step_count=25)
    )


def test_a_request_that_may_have_arrived_is_repeated_after_the_least_interval(
    playing: type[Machine],
) -> None:
    machine = playing()
    machine.begin(STARTS[0], "UTC", "A", "always", None, RetryForm.NONE, 0)
    machine.send([1, 1], "plain", "with id")
    # The list is answered over a new connection; a kept one is closed at the status call.
    machine.record_what_was_never_sent(with_id=True)
    machine.fail(http_faults.reset(), 1, after=1)
    machine.run(26 * HOUR, (), None)
    assert len(machine.made.requests) > 3
    machine.teardown()
