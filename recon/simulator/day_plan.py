"""A day being planned: sends, the records of them, and what is to be found.

Ids are given at the very end, in the order of time; until then records and expectations point at
the plans themselves. All times are aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from recon.model import LISTING_LIMIT, Kind, Window
from recon.simulator.channel import Channel
from recon.simulator.contacts import Contacts
from recon.simulator.simulated_message import READ, Junk, Reason, SimulatedMessage, StatusCourse

#: A message that has not come further than `sent` after this long is stuck.
STUCK_AFTER: Final = timedelta(hours=24)

_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)


class ExpectedFinding(NamedTuple):
    """One finding that a run has to make. Ids are text, as the reports show them."""

    kind: str
    local_id: str | None
    message_id: str | None


@dataclass(slots=True, eq=False)
class PlannedSend:
    """A message that will be sent, or, as a ghost, only has an id that was never sent."""

    at: datetime
    number: str
    course: StatusCourse = READ
    reason: Reason | None = None
    junk: Junk | None = None
    is_ghost: bool = False
    message_id: int = 0


@dataclass(slots=True, eq=False)
class PlannedRecord:
    """A record of the records. `message` is whose id it holds, or the text that stands there."""

    at: datetime
    recipient: str | None
    state: str | None
    message: PlannedSend | str | None = None
    channel: str = "whatsapp"
    spelled_at: str | None = None
    """What stands in `sent_at`, where that is not `at`."""
    local_id: int = 0


@dataclass(slots=True, eq=False)
class DayPlan:
    """One day at the business, and the hours around it that the listing shows as well.

    From `first_listed` on the listing shows everything, earlier sends are out of its reach.
    """

    rng: Random
    window: Window
    start: datetime
    end: datetime
    now: datetime
    """When the provider is asked: in the morning after the day."""
    contacts: Contacts = field(init=False)
    first_listed: datetime = field(init=False)
    plans: list[PlannedSend] = field(default_factory=list)
    entries: list[PlannedRecord] = field(default_factory=list)
    awaited: list[tuple[Kind, PlannedRecord | None, PlannedSend | None]] = field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        self.contacts = Contacts(self.rng)
        before = timedelta(minutes=self.rng.randint(70, 100))
        self.first_listed = self.now - STUCK_AFTER - before

    # --- moments --------------------------------------------------------------------------------

    def moment(self, clear: timedelta = 20 * _MINUTE) -> datetime:
        """Return a second of the day in what is covered, too young to be stuck.

        It is at least `clear` away from the day's end and from what is not covered.
        """
        return self._between(self.now - STUCK_AFTER + clear, self.end - clear)

    def long_ago(self) -> datetime:
        """Return a second of the day in what is covered, old enough to be stuck."""
        return self._between(self.first_listed + 5 * _MINUTE, self.now - STUCK_AFTER - 5 * _MINUTE)

    def unseen(self) -> datetime:
        """Return a second of the day that the listing does not reach."""
        return self._between(self.start + 5 * _MINUTE, self.first_listed - 5 * _MINUTE)

    def day_before(self) -> datetime:
        """Return a second of the day before, away from midnight."""
        return self._between(self.start - 20 * _HOUR, self.start - 15 * _MINUTE)

    def morning(self) -> datetime:
        """Return a second after the day and before the question."""
        return self._between(self.end + 10 * _MINUTE, self.now - 10 * _MINUTE)

    def _between(self, first: datetime, last: datetime) -> datetime:
        seconds = (last - first) // timedelta(seconds=1)
        second = first + timedelta(seconds=self.rng.randint(0, seconds))
        return second.replace(microsecond=0)

    def lag(self) -> timedelta:
        """Return how long after sending the records usually note it: up to three seconds."""
        return timedelta(milliseconds=self.rng.randint(50, 3000))

    # --- what happens ---------------------------------------------------------------------------

    def send(
        self,
        at: datetime,
        number: str | None = None,
        course: StatusCourse = READ,
        *,
        reason: Reason | None = None,
        junk: Junk | None = None,
    ) -> PlannedSend:
        """Plan a message; to a new contact by default."""
        plan = PlannedSend(at, number or self.contacts.anyone(), course, reason, junk)
        self.plans.append(plan)
        return plan

    def ghost(self, at: datetime) -> PlannedSend:
        """Plan an id that looks like one given at `at`, but that no message has."""
        plan = PlannedSend(at, "", is_ghost=True)
        self.plans.append(plan)
        return plan

    def record(
        self,
        plan: PlannedSend,
        state: str | None,
        *,
        after: timedelta | None = None,
        recipient: str | None = None,
        with_id: bool = True,
        holds: PlannedSend | str | None = None,
    ) -> PlannedRecord:
        """Note a message in the records.

        Args:
            plan: the message.
            state: the records' own word for its status.
            after: how long after it was sent; negative is earlier. By default a usual lag.
            recipient: the number as the records spell it, where not as Octopods does.
            with_id: whether the record holds the message's id.
            holds: what it holds instead.
        """
        lag = self.lag() if after is None else after
        holds = holds or (plan if with_id else None)
        return self.note(PlannedRecord(plan.at + lag, recipient or plan.number, state, holds))

    def note(self, entry: PlannedRecord) -> PlannedRecord:
        """Put a record into the records."""
        self.entries.append(entry)
        return entry

    def expect(
        self, kind: Kind, entry: PlannedRecord | None, plan: PlannedSend | None = None
    ) -> None:
        """Await a finding about a record, a message, or a pair of them."""
        self.awaited.append((kind, entry, plan))

    # --- the outcome ----------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many messages more the listing shows before it reaches what is not covered."""
        # The first plan of the oldest second is the one that the listing cuts off.
        shown = [plan for plan in self.plans if not plan.is_ghost and plan.at >= self.first_listed]
        return LISTING_LIMIT - len(shown) + 1

    def number_everything(self) -> None:
        """Give ids in the order of time: rising, with the gaps that other customers leave."""
        self.plans.sort(key=lambda plan: plan.at)
        message_id = self.rng.randint(3_000_000, 4_000_000)
        for plan in self.plans:
            message_id += self.rng.randint(1, 6)
            plan.message_id = message_id
        self.entries.sort(key=lambda entry: entry.at)
        local_id = self.rng.randint(40_000, 60_000)
        for entry in self.entries:
            local_id += self.rng.randint(1, 3)
            entry.local_id = local_id

    def fill(self, channel: Channel) -> None:
        """Send what was planned through the channel's key."""
        for plan in self.plans:
            if not plan.is_ghost:
                sent = SimulatedMessage(
                    message_id=plan.message_id,
                    phone_number=plan.number,
                    sent_at=plan.at,
                    course=plan.course,
                    reason=plan.reason,
                    junk=plan.junk,
                )
                channel.add(sent)

    def rows(self) -> list[Mapping[str, object]]:
        """Return the records' table, in the order of its ids."""
        zone = ZoneInfo(self.window.zone)
        return [
            {
                "id": entry.local_id,
                "octopods_message_id": _held(entry),
                "recipient": entry.recipient,
                "sent_at": self._spell(entry.at, zone)
                if entry.spelled_at is None
                else entry.spelled_at,
                "state": entry.state,
                "channel": entry.channel,
            }
            for entry in self.entries
        ]

    def expectations(self) -> frozenset[ExpectedFinding]:
        """Return the awaited findings, by id."""
        return frozenset(
            ExpectedFinding(
                kind.value, None if entry is None else str(entry.local_id), _found_id(entry, plan)
            )
            for kind, entry, plan in self.awaited
        )

    def _spell(self, at: datetime, zone: ZoneInfo) -> str:
        """Spell a time as one of the application's parts does; mostly without an offset.

        Never so that it could be read as another time: an hour that comes twice, or not at all,
        gets its offset.
        """
        local = at.astimezone(zone).replace(tzinfo=None)
        readings = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
        way = self.rng.choices(
            ("plain", "T", "milliseconds", "microseconds", "offset", "Z"), (40, 15, 15, 10, 10, 10)
        )[0]
        if readings != {at.astimezone(UTC)}:
            way = "Z"
        match way:
            case "T":
                return local.isoformat("T", "seconds")
            case "milliseconds":
                return local.isoformat(" ", "milliseconds")
            case "microseconds":
                return local.isoformat("T", "microseconds")
            case "offset":
                return at.astimezone(zone).isoformat(" ", "seconds")
            case "Z":
                return at.astimezone(UTC).isoformat("T", "seconds").replace("+00:00", "Z")
            case _:
                return local.isoformat(" ", "seconds")


def _held(entry: PlannedRecord) -> str | None:
    """Return what stands in the id column, which is a column of text."""
    return (
        str(entry.message.message_id) if isinstance(entry.message, PlannedSend) else entry.message
    )


def _found_id(entry: PlannedRecord | None, plan: PlannedSend | None) -> str | None:
    """Return a finding's message id: the message's, else the one that the record holds."""
    if plan is not None:
        return str(plan.message_id)
    return _held(entry) if entry is not None else None
