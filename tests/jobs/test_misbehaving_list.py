"""Any sequence of sends, polls, nights and misbehaviours: nothing that exists is called missing.

The machine plays a provider whose list may be cut, filtered, old, late or out of order, clocks that
are wrong, and keys that change. It knows the truth, and after each poll compares it with the time
that the store holds proven: a message in it that no answer showed would be called missing. What it
excuses is in `tests.machine.list_truth`.

The suite plays the same few hundred steps each time. To play others, for as long as wanted:
`RECON_MACHINE_EXAMPLES=1000 HYPOTHESIS_PROFILE=explore pytest tests/jobs/test_misbehaving_list.py`
plays 1,000 times up to 50 steps.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from recon.core import calendar, listing_evidence, lookup_priority
from recon.core.coverage import covered, microseconds
from recon.core.listing_evidence import Proof
from recon.core.policy import Policy
from recon.errors import RequestRefusedError
from recon.jobs import reconcile
from recon.jobs.status_calls import StatusCalls
from recon.jobs.status_lookups import StatusLookups
from recon.model import Listing, RequestCounts, Status, Verdict
from recon.octopods.client import Client
from recon.octopods.responses import StatusAnswer
from recon.records.reader import RecordsRead
from recon.simulator import list_misbehaviours as misbehaviours
from recon.simulator.channel import Channel
from recon.simulator.list_misbehaviours import Misbehaviour
from recon.simulator.simulated_message import FAILED_LATER, READ, SimulatedMessage
from recon.store import coverage_proof, messages, removed_messages
from recon.store.accounts import id_of
from recon.store.dialects import is_postgres
from recon.store.engine import connect, reading
from recon.store.tables import keys
from tests.factories import NOON, Record, local_side
from tests.machine.list_truth import KeyTruth, ListTruth, lies_before

LIMIT = 6
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NEVER_SENT = 1_000_000
ABSENT = ("missing_at_provider", "unverifiable")
_accounts = count()

PAUSES = st.sampled_from((1, 20, 61, 130, 900, 3600, 5 * 3600, 26 * 3600)).map(
    lambda seconds: timedelta(seconds=seconds)
)
KINDS = st.sampled_from(("plain", "plain", "failed", "late", "very late", "removed"))
RECORDED = st.sampled_from(("with id", "without id", "not"))
GAPS = st.sampled_from((0, 0, 1, 7, 40, 130, 1200))


def _always(misbehaviour: Misbehaviour) -> Callable[[datetime], Misbehaviour]:
    return lambda _now: misbehaviour


#: What the list does from some moment on.
LISTS: Mapping[str, Callable[[datetime], Misbehaviour | None]] = {
    "honest": lambda _now: None,
    "capped": _always(misbehaviours.capped(3)),
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
    "an hour later": _always(misbehaviours.shifted(HOUR)),
    "an hour earlier": _always(misbehaviours.shifted(-HOUR)),
}


class Reader:
    """The records of the machine."""

    can_find = False

    def __init__(self, records: list[Record]) -> None:
        self.records = records

    def read(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        all_rejects: bool = True,  # noqa: ARG002 - it has few
    ) -> RecordsRead:
        """Return the records of a time."""
        side = local_side(self.records)
        times = side.frame["sent_at"]
        frame = side.frame.loc[(times >= start) & (times < end)].reset_index(drop=True)
        return RecordsRead(frame, side.rejects, frozenset({"message_id", "phone_number", "status"}))

    def read_in_parts(
        self,
        start: datetime | None,
        end: datetime | None,
        collect: Callable[[Iterable[RecordsRead]], Any],
        *,
        all_rejects: bool = True,  # noqa: ARG002 - it has few
    ) -> Any:  # noqa: ANN401 - what `collect` makes
        """Return what `collect` makes of the records of a time, in one part."""
        return collect([self.read(start, end)])


class Calls:
    """Answers status calls by what the provider has, or not at all."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.counts = RequestCounts()

    def message_status(self, message_id: int) -> StatusAnswer | None:
        """Return what the provider has."""
        self.counts = replace(self.counts, status=self.counts.status + 1)
        if not self.machine.answers_for_ids:
            raise RequestRefusedError("404 with a page of HTML")
        now = self.machine.now
        found = self.machine.channel.find(message_id, now, key=self.machine.key)
        if found is None:
            return None
        sent_at = found.sent_at.replace(microsecond=0)
        return StatusAnswer(message_id, found.status(now), found.phone_number, sent_at)


class Machine(RuleBasedStateMachine):
    """A provider that may misbehave, and the store that collects from it."""

    engine: ClassVar[sa.Engine]

    @initialize()
    def begin(self) -> None:
        """Open an account with one key; nothing has been sent."""
        self.account = f"account-{next(_accounts)}"
        self.keys = [f"key-{n}" for n in range(4)]
        self.channel = Channel(keys=self.keys, first_id=1)
        self.now = NOON - timedelta(days=1)
        self.own_ahead = timedelta(0)
        self.date_ahead: timedelta | None = timedelta(0)
        self.sending = self.polling = 0
        self.answers_for_ids = True
        self.truth = ListTruth()
        self.records: list[Record] = []
        self.missing: set[str] = set()
        self.recorded: dict[str, int] = {}
        self.last: Listing | None = None
        self.moved_since: dict[str, datetime] = {}
        self.is_deceived = False

    @property
    def key(self) -> str:
        """The key that recon polls with."""
        return self.keys[self.polling]

    # --- what happens ---------------------------------------------------------------------------

    @rule(pause=PAUSES)
    def wait(self, pause: timedelta) -> None:
        """Let time pass."""
        self.now += pause

    @rule(
        gaps=st.lists(GAPS, min_size=1, max_size=8),
        kind=KINDS,
        recorded=RECORDED,
    )
    def send(self, gaps: list[int], kind: str, recorded: str) -> None:
        """Send messages with the key in use."""
        for gap in gaps:
            self.now += timedelta(seconds=gap)
            late = {"late": 15 * MINUTE, "very late": 3 * HOUR}.get(kind)
            message = self.channel.send(
                f"+35387{len(self.truth.sent) % 5:07}"
                if recorded != "not"
                # No record of another send may be taken for it.
                else f"+35385{len(self.truth.sent):07}",
                self.now,
                key=self.keys[self.sending],
                course=FAILED_LATER if kind == "failed" else READ,
                appears_at=None if late is None else self.now + late,
                removed_at=self.now + 2 * HOUR if kind == "removed" else None,
            )
            self.truth.sent[message.message_id] = message, self.keys[self.sending]
            if recorded != "not":
                self._record(message.message_id if recorded == "with id" else None, message)

    @rule(with_id=st.booleans())
    def record_what_was_never_sent(self, *, with_id: bool) -> None:
        """Record a send that Octopods never got."""
        self.now += timedelta(seconds=400)
        number = len(self.records) + 1
        self.missing.add(str(number))
        made = NEVER_SENT + number if with_id else None
        # A number of its own, so that no other message can be meant.
        self.records.append(Record(number, made, self._seconds(self.now), f"+35386{number:07}"))

    @rule(name=st.sampled_from(sorted(LISTS)))
    def list_otherwise(self, name: str) -> None:
        """Let the list misbehave from now on, or no longer."""
        self.channel.misbehaviour = LISTS[name](self.now)

    @rule(own=st.sampled_from((0, -2, 5)), date=st.sampled_from((0, 24 * 365, None)))
    def set_clocks(self, own: int, date: int | None) -> None:
        """Set one of the two clocks wrong: with both ahead, nobody could tell the time."""
        self.own_ahead = timedelta(hours=own)
        self.date_ahead = None if date is None else timedelta(hours=date)
        if own > 0:
            self.date_ahead = timedelta(0)

    @rule()
    def answer_for_ids_or_not(self) -> None:
        """Let all status calls be answered with a page of HTML, or no longer."""
        self.answers_for_ids = not self.answers_for_ids

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
            self.now += HOUR
            self._poll(self.key)
        self.polling += not is_early
        self.sending += is_early

    @precondition(lambda self: self.polling > 0)
    @rule()
    def poll_with_the_old_key(self) -> None:
        """Let a forgotten host poll."""
        self._poll(self.keys[self.polling - 1])

    @rule(pause=PAUSES, times=st.integers(1, 4))
    def poll(self, pause: timedelta, times: int) -> None:
        """Poll with the configured key, maybe several times."""
        for _ in range(times):
            self.now += pause
            self._poll(self.key)

    @rule()
    def begin_coverage_again(self) -> None:
        """Poll with `--new-coverage`: a person says that the list is right."""
        if self.channel.misbehaviour is None:
            self._poll(self.key, new_coverage=True)

    # --- nights ---------------------------------------------------------------------------------

    @rule()
    def judge(self) -> None:
        """Poll, ask for ids, and judge the last days."""
        listing = self._poll(self.key)
        last = calendar.day_at(self.now, "UTC")
        days = calendar.windows(last - timedelta(days=1), last, "UTC")
        policy = Policy(trust_input=True)
        calls = StatusCalls(_as_client(Calls(self)), self.account, most=50, listing=listing)
        lookups = StatusLookups(
            self.engine,
            self.account,
            calls=calls,
            fingerprint=self.key,
            clock=lambda: listing_evidence.clock(listing),
            zone="UTC",
        )
        reader = Reader(self.records)
        if self.is_deceived:
            return
        read = reconcile.read(self.account, days, reader=reader, engine=self.engine, policy=policy)  # type: ignore[arg-type]
        lookups.confirm(*lookup_priority.of_case(read.case, days, policy))
        if lookups.learnt:
            read = reconcile.refreshed(read, self.engine, reader)  # type: ignore[arg-type]
        for verdict in read.judge(self.engine):
            self._check_balance(verdict)
            self._check_findings(verdict.findings)
            self._check_found(verdict)

    def _check_balance(self, verdict: Verdict) -> None:
        start, end = _bounds(verdict)
        times = [NOON + timedelta(seconds=one.sent_at) for one in self.records]
        assert verdict.local.total == sum(start <= time < end for time in times)

    def _check_findings(self, findings: pd.DataFrame) -> None:
        errors = findings.loc[findings["severity"] == "error"]
        for row in errors.to_dict("records"):
            if row["kind"] == "missing_at_provider":
                message_id = self.recorded.get(str(row["local_id"]))
                if str(row["local_id"]) in self.missing:
                    continue
                assert message_id is not None
                is_open = self.truth.may_be_unknown(message_id) and row["confirmed"] != "yes"
                assert is_open or self.truth.is_gone(message_id, self.now), row
            else:
                assert row["kind"] in {"missing_locally", "duplicate_send", "status_mismatch"}
                if row["kind"] != "status_mismatch":
                    assert int(row["message_id"]) not in self.recorded.values(), row

    def _check_found(self, verdict: Verdict) -> None:
        """Check that what was never sent is an error in proven time, and open elsewhere."""
        start, end = _bounds(verdict)
        proof = coverage_proof.read(self.engine, self.account)
        kinds = dict(zip(verdict.findings["local_id"], verdict.findings["kind"], strict=True))
        for one in self.records:
            name, time = str(one.local_id), NOON + timedelta(seconds=one.sent_at)
            if name not in self.missing or not start <= time < end:
                continue
            place = np.array([microseconds(time)], dtype=np.int64)
            is_proven = covered(proof.spans, place)[0] and not lies_before(time, proof)
            expected = {"missing_at_provider"} if is_proven else set(ABSENT)
            assert kinds.get(name) in expected

    # --- what may not be claimed ----------------------------------------------------------------

    @invariant()
    def nothing_that_exists_is_claimed_not_to(self) -> None:
        """Compare what is proven with the truth."""
        if self.is_deceived:
            return
        if self.last is None:
            return
        proof = coverage_proof.read(self.engine, self.account)
        assert not self.truth.wrongly_claimed(proof, self.now), proof.spans

    # --- one poll -------------------------------------------------------------------------------

    def _poll(self, key: str, *, new_coverage: bool = False) -> Listing:
        own = self.now + self.own_ahead
        listing = self.channel.listing(self.now, key=key, limit=LIMIT)
        date = None
        if self.date_ahead is not None:
            date = (self.now + self.date_ahead).replace(microsecond=0)
        listing = replace(listing, answered_at=date or own, date=date, requested_at=own)
        settling = self._settling(key)
        shown = {one.message_id for one in listing.messages}
        kept = messages.keep(
            self.engine, self.account, key, listing, own, new_coverage=new_coverage
        )
        self._check_times(key, listing, kept.proof)
        self.truth.answered(
            key,
            listing,
            self.now,
            settling=settling,
            is_accepted=kept.proof.is_accepted,
            new_coverage=new_coverage,
        )
        if kept.ask_for and self.answers_for_ids:
            gone = [one for one in kept.ask_for if self.truth.is_gone(one, self.now)]
            found = [one for one in kept.ask_for if not self.truth.is_gone(one, self.now)]
            if found:
                gone = []
            is_settled = removed_messages.settle(
                self.engine, self.account, key, denied=gone, found=found, at=own
            )
            if is_settled:
                listed = self.truth.known[key].listed
                self.truth.removed(key, [one for one in listed if one not in shown])
        self.last = listing
        return listing

    def _check_times(self, key: str, listing: Listing, proof: Proof) -> None:
        """Check that the times of an answer are doubted where an earlier one contradicts them.

        Where none does, and after a day, nobody can tell: then nothing is checked any more.
        """
        if self.is_deceived:
            return
        if not self.truth.is_moved(listing):
            if proof.is_accepted:
                self.moved_since.pop(key, None)
            return
        known = self.truth.known.get(key, KeyTruth()).listed
        at = listing_evidence.clock(listing)
        since = self.moved_since.get(key)
        if any(one.message_id in known for one in listing.messages):
            since = self.moved_since.setdefault(key, at)
        if not proof.has_doubtful_times:
            assert since is None or at - since >= 24 * HOUR, listing
            self.is_deceived = True

    def _settling(self, key: str) -> timedelta:
        query = sa.select(keys.c.settling_seconds).where(
            keys.c.account_id == id_of(self.account), keys.c.fingerprint == key
        )
        with reading(self.engine) as connection:
            return timedelta(seconds=connection.execute(query).scalar() or 60)

    def _record(self, message_id: int | None, message: SimulatedMessage) -> None:
        number = len(self.records) + 1
        self.recorded[str(number)] = message.message_id
        time = self._seconds(message.sent_at)
        self.records.append(Record(number, message_id, time, message.phone_number, None))

    @staticmethod
    def _seconds(time: datetime) -> float:
        return (time.replace(microsecond=0) - NOON).total_seconds()


def _bounds(verdict: Verdict) -> tuple[datetime, datetime]:
    start, end = verdict.window.start, verdict.window.end
    assert start is not None
    assert end is not None
    return start, end


def _as_client(calls: Calls) -> Client:
    """Return the calls as the client that they stand in for: no more of it is used."""
    made: Any = calls
    return made  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def store(shared_database_url: str) -> Iterator[sa.Engine]:
    engine = connect(shared_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def machine(store: sa.Engine) -> Machine:
    """A machine to be played by hand, with a message that was listed."""
    Machine.engine = store
    made = Machine()
    made.begin()
    made.send([1], "plain", "without id")
    made.poll(HOUR, 1)
    return made


@pytest.mark.thorough
def test_nothing_that_octopods_has_is_called_missing(store: sa.Engine) -> None:
    Machine.engine = store
    few = 2 if is_postgres(store) else 10
    examples = int(os.environ.get("RECON_MACHINE_EXAMPLES", few))
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=examples, stateful_step_count=50)
    )


def test_a_key_that_is_configured_too_early_hides_nothing(machine: Machine) -> None:
    machine.rotate("configured", [1, 1, 1], "plain", "without id", is_polled=True)
    machine.send([1], "plain", "without id")
    machine.poll(HOUR, 1)
    machine.nothing_that_exists_is_claimed_not_to()


def test_a_key_that_is_polled_too_long_hides_nothing(machine: Machine) -> None:
    machine.rotate("used", [100] * 8, "plain", "without id", is_polled=True)
    machine.poll(HOUR, 1)
    machine.nothing_that_exists_is_claimed_not_to()


@pytest.mark.parametrize("name", ["an hour later", "an hour earlier"])
def test_times_that_change_for_a_while_deceive_nobody(machine: Machine, name: str) -> None:
    for lists in (name, "honest"):
        machine.list_otherwise(lists)
        for _ in range(2):
            machine.send([40, 130, 7], "plain", "without id")
            machine.judge()
            machine.nothing_that_exists_is_claimed_not_to()
    assert not machine.is_deceived


def test_the_keys_may_change_within_a_second(store: sa.Engine) -> None:
    Machine.engine = store
    machine = Machine()
    machine.begin()
    machine.send([0], "plain", "without id")
    machine.rotate("used", [0, 1200, 130], "plain", "not", is_polled=True)
    machine.send([130] * LIMIT, "plain", "without id")
    machine.poll(HOUR, 1)
    machine.nothing_that_exists_is_claimed_not_to()


def test_an_old_key_that_is_polled_after_the_one_in_use_hides_nothing(store: sa.Engine) -> None:
    Machine.engine = store
    machine = Machine()
    machine.begin()
    machine.rotate("configured", [1200] * 8, "plain", "without id", is_polled=True)
    machine.poll_with_the_old_key()
    machine.send([1200, 1200], "plain", "without id")
    machine.poll(HOUR, 1)
    machine.send([1, 130], "plain", "without id")
    machine.wait(HOUR)
    machine.poll_with_the_old_key()
    machine.nothing_that_exists_is_claimed_not_to()


def test_the_first_messages_of_all_may_be_late_too(store: sa.Engine) -> None:
    Machine.engine = store
    machine = Machine()
    machine.begin()
    machine.poll(HOUR, 1)
    machine.send([1], "late", "without id")
    machine.poll(5 * MINUTE, 4)
    assert machine._settling(machine.key) > MINUTE  # noqa: SLF001 - what the store has learnt
