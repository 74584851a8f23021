"""Each verdict of a run against the truth: no false accusation, the balance, all that is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from recon.core.coverage import covered, microseconds
from recon.model import Status
from recon.simulator.simulated_message import SimulatedMessage
from recon.store.coverage_proof import AccountProof
from recon.store.tables import findings
from tests.machine.installation import Command, Row
from tests.machine.list_truth import ListTruth, lies_before

_LOCAL = ("missing_at_provider", "duplicate_local", "invalid_local")
_PROVIDER = ("missing_locally", "duplicate_send", "invalid_provider")
_PAIRS = ("status_mismatch", "stuck")


@dataclass
class FindingChecks:
    """Knows what was sent and what was recorded."""

    truth: ListTruth
    records: dict[str, Row] = field(default_factory=dict)
    messages: dict[str, SimulatedMessage] = field(default_factory=dict)
    """Of the records that tell of one."""
    unrecorded: set[int] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    first_poll_at: datetime | None = None
    is_purged: bool = False
    about: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The record and message of each finding ever seen, by its id."""
    named: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """The id of each finding, by its kind, record and message."""
    accepted: set[str] = field(default_factory=set)
    """Findings that a person has acknowledged."""

    def record(
        self,
        message_id: int | None,
        phone_number: str,
        at: datetime,
        status: str,
        *,
        sent: SimulatedMessage | None,
    ) -> Row:
        """Note a record, of a message or of none; return its row."""
        number = len(self.records) + 1
        row = (number, message_id, phone_number, at, status)
        self.records[str(number)] = row
        if sent is not None:
            self.messages[str(number)] = sent
        return row

    # --- one run --------------------------------------------------------------------------------

    def check_run(
        self,
        connection: sa.Connection,
        run: Any,  # noqa: ANN401 - a row
        proof: AccountProof,
        stored: Mapping[int, Any],
        now: datetime,
    ) -> None:
        """Check the verdict of a run, as far as it is the store's last word.

        Args:
            connection: to the store.
            run: its row.
            proof: what is proven.
            stored: the messages.
            now: the true time.
        """
        window = (run.window_start, run.window_end)
        recorded = self._records_of(window, stored)
        assert sum(run.local.values()) == recorded, (run.date, run.local, recorded)
        times = [row.sent_at for row in stored.values()]
        mine = sum(window[0] <= time < window[1] for time in times)
        # Items that could not be read, or whose time is doubtful, are no messages yet.
        readable = sum(run.provider.values()) - run.provider["invalid_provider"]
        assert readable == mine, (run.date, run.provider, mine)
        if run.verdict == "suspect":
            return
        query = sa.select(findings).where(findings.c.discrepancy_id.in_(run.found))
        found = connection.execute(query).all()
        assert len(found) == len(run.found), run
        self._check_buckets(run, found)
        for row in found:
            self._check_finding(row, stored, now)
        self._check_found(window, found, proof, stored)

    def _records_of(self, window: tuple[datetime, datetime], stored: Mapping[int, Any]) -> int:
        """Count the records of a window: a pair belongs to the day of its message."""
        times = (
            row[3] if row[1] is None or row[1] not in stored else stored[row[1]].sent_at
            for row in self.records.values()
        )
        return sum(window[0] <= time < window[1] for time in times)

    @staticmethod
    def _check_buckets(run: Any, found: Iterable[Any]) -> None:  # noqa: ANN401 - rows
        """Check that the findings are those of the balance, and no row has two of them."""
        kinds = Counter(row.kind for row in found)
        assert kinds == Counter(run.discrepancies), run
        for side, names, column in (
            (run.local, _LOCAL, "local_id"),
            (run.provider, _PROVIDER, "message_id"),
        ):
            assert all(side.get(name, 0) == kinds[name] for name in names), run
            rows = [getattr(row, column) for row in found if row.kind in names]
            assert len(rows) == len(set(rows)), run
        open_ones = run.local["unverifiable"] + run.provider["unverifiable"]
        assert open_ones == kinds["unverifiable"], run

    # --- one finding ----------------------------------------------------------------------------

    def _check_finding(
        self,
        row: Any,  # noqa: ANN401 - a row
        stored: Mapping[int, Any],
        now: datetime,
    ) -> None:
        """Check that what a finding says is so."""
        match row.kind:
            case "missing_at_provider":
                sent = self.messages.get(row.local_id)
                if sent is None:
                    return
                # Nobody can tell of what was hidden without a contradiction, and whoever is asked
                # denies what another key sent that was replaced before the first poll of all.
                is_open = self.truth.may_be_unknown(sent.message_id) and (
                    row.confirmed != "yes" or self._is_before_all(sent)
                )
                assert is_open or self.truth.is_gone(sent.message_id, now), row
            case "missing_locally" | "duplicate_send":
                assert int(row.message_id) in self.unrecorded, row
            case "status_mismatch":
                sent = self.messages[row.local_id]
                assert stored[sent.message_id].status == Status.FAILED, row
            case "stuck":
                assert stored[int(row.message_id)].status in {Status.SENT, Status.UNKNOWN}, row
            case "invalid_local":
                record = self.records[row.local_id]
                # Without a number it may be any send.
                assert record[1] is None, row
                assert record[2] in self.forgotten, row
            case kind:
                assert kind == "unverifiable", row

    def _is_before_all(self, sent: SimulatedMessage) -> bool:
        """Say whether a message was sent before the first poll, with a key never asked with."""
        _, key = self.truth.sent[sent.message_id]
        is_early = self.first_poll_at is None or sent.sent_at < self.first_poll_at
        return key not in self.truth.known and is_early

    def _check_found(
        self,
        window: tuple[datetime, datetime],
        found: Iterable[Any],
        proof: AccountProof,
        stored: Mapping[int, Any],
    ) -> None:
        """Check that what is wrong was found: in proven time an error, elsewhere it is open."""
        local = {row.local_id: row.kind for row in found if row.kind not in _PAIRS}
        for name, record in self.records.items():
            if name in self.messages or not window[0] <= record[3] < window[1]:
                continue
            place = np.array([microseconds(record[3])], dtype=np.int64)
            is_proven = covered(proof.spans, place)[0] and not lies_before(record[3], proof)
            kinds = {"missing_at_provider"} | (set() if is_proven else {"unverifiable"})
            if record[1] is None and record[2] in self.forgotten:
                kinds.add("invalid_local")
            assert local.get(name) in kinds, (record, local.get(name))
        pairs = {(row.kind, row.local_id) for row in found}
        by_message = {row.message_id: row.kind for row in found if row.kind not in _PAIRS}
        newest = max((record[3] for record in self.records.values()), default=None)
        for one in self.unrecorded & stored.keys():
            if not window[0] <= stored[one].sent_at < window[1]:
                continue
            # After the newest record the records may only be late.
            is_stale = newest is None or newest < stored[one].sent_at
            kinds = {"missing_locally", "duplicate_send"} | (
                {"unverifiable"} if is_stale else set()
            )
            assert by_message.get(str(one)) in kinds, (stored[one], by_message.get(str(one)))
        for name, sent in self.messages.items():
            known = stored.get(sent.message_id)
            if known is None or self.records[name][1] is None or self.records[name][4] == "failed":
                continue
            if known.status == Status.FAILED and window[0] <= known.sent_at < window[1]:
                assert ("status_mismatch", name) in pairs, known

    # --- from run to run ------------------------------------------------------------------------

    def check_lives(self, connection: sa.Connection, command: Command) -> None:
        """Check that findings keep their ids, and what a person said of them."""
        if command.argv[0] == "ack" and command.code is not None:
            assert command.code == 0, command.said
            ids = set(command.argv[1 : command.argv.index("--reason")])
            self.accepted = self.accepted - ids if "--undo" in command.argv else self.accepted | ids
        seen = set()
        for row in connection.execute(sa.select(findings)):
            one, about = row.discrepancy_id, (row.local_id or "", row.message_id or "")
            seen.add(one)
            assert self.about.setdefault(one, about) == about, (row, self.about[one])
            if row.kind != "unverifiable":
                # One that is in doubt later keeps the id of the claim.
                assert self.named.setdefault((row.kind, *about), one) == one, row
            if command.argv[0] == "ack" and command.code is None:
                (self.accepted.add if row.ack_reason else self.accepted.discard)(one)
            is_settled = row.status in {"acknowledged", "resolved"}
            assert (one in self.accepted) <= is_settled, row
        assert self.is_purged or self.about.keys() <= seen, self.about.keys() - seen
