"""What happens on the demo's day: one case for each kind of finding, and one for each trap.

A discrepancy expects exactly the findings that it names; a trap looks like one and expects none.
Every case has contacts of its own, so that none can be mistaken for another's. The statuses of the
records are `STATES` and, where they agree with Octopods, its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from recon.model import NOT_SENT, Kind, Status
from recon.simulator import contacts
from recon.simulator.day_plan import DayPlan, PlannedRecord
from recon.simulator.simulated_message import (
    DELETED,
    DELIVERED,
    FAILED_AT_ONCE,
    FAILED_LATER,
    ONLY_SENT,
    ONLY_UNKNOWN,
    READ,
    Junk,
    Reason,
    ReasonForm,
    course,
)

#: The records' words, and what they mean at Octopods.
STATES: Final[Mapping[str, str]] = {
    "accepted": Status.SENT.value,
    "seen": Status.READ.value,
    "rejected": Status.FAILED.value,
    "queued": NOT_SENT,
    "cancelled": NOT_SENT,
}

NOT_A_USER: Final = Reason("Recipient is not a WhatsApp user.")
WINDOW_CLOSED: Final = Reason("Re-engagement window expired", 470, ReasonForm.OBJECT)

_SECOND: Final = timedelta(seconds=1)
_HOUR: Final = timedelta(hours=1)

DemoCase = Callable[[DayPlan], None]


# --- discrepancies -----------------------------------------------------------------------------


def lost_at_the_provider(day: DayPlan) -> None:
    """Recorded as sent, one with an id and one without, and Octopods has neither."""
    for with_id in (True, False):
        at = day.moment()
        ghost = day.ghost(at) if with_id else None
        entry = day.note(PlannedRecord(at + day.lag(), day.contacts.anyone(), "accepted", ghost))
        day.expect(Kind.MISSING_AT_PROVIDER, entry)


def sent_without_a_record(day: DayPlan) -> None:
    """Sent by a script that records nothing."""
    for way in (READ, FAILED_AT_ONCE):
        reason = NOT_A_USER if way is FAILED_AT_ONCE else None
        day.expect(Kind.MISSING_LOCALLY, None, day.send(day.moment(), None, way, reason=reason))


def sent_twice(day: DayPlan) -> None:
    """Sent again after a time-out; the records know the first of them, or the second."""
    for recorded in (0, 1):
        first = day.send(day.moment())
        again = timedelta(seconds=day.rng.randint(5, 55))
        second = day.send(first.at + again, first.number)
        known, unknown = (first, second) if recorded == 0 else (second, first)
        day.record(known, "delivered")
        day.expect(Kind.DUPLICATE_SEND, None, unknown)


def recorded_twice(day: DayPlan) -> None:
    """One message, two records: the farther one is too many, else the one with the higher id."""
    plan = day.send(day.moment())
    day.record(plan, "seen", after=_SECOND)
    later = timedelta(seconds=day.rng.randint(20, 110))
    day.expect(Kind.DUPLICATE_LOCAL, day.record(plan, "accepted", after=later), plan)
    plan = day.send(day.moment())
    day.record(plan, "delivered", after=_SECOND)
    day.expect(Kind.DUPLICATE_LOCAL, day.record(plan, "delivered", after=_SECOND), plan)


def recorded_under_another_id(day: DayPlan) -> None:
    """The record holds an id that leads nowhere: a mistyped one, or WhatsApp's own."""
    plan = day.send(day.moment(), None, DELIVERED)
    mistyped = day.record(plan, "accepted", holds=day.ghost(plan.at))
    day.expect(Kind.MESSAGE_ID_MISMATCH, mistyped, plan)
    plan = day.send(day.moment(), None, DELIVERED)
    wamid = f"wamid.HBgM{day.rng.getrandbits(64):016X}"
    foreign = day.record(plan, "delivered", holds=wamid)
    day.expect(Kind.MESSAGE_ID_MISMATCH, foreign, plan)


def sent_to_somebody_else(day: DayPlan) -> None:
    """The records name another recipient than Octopods."""
    plan = day.send(day.moment())
    day.expect(
        Kind.RECIPIENT_MISMATCH,
        day.record(plan, "delivered", recipient=day.contacts.anyone()),
        plan,
    )


def statuses_that_contradict(day: DayPlan) -> None:
    """Either side says failed, the records are ahead, or a word means nothing to the other."""
    for way, state in (
        (ONLY_SENT, "delivered"),
        (DELIVERED, "seen"),
        (DELIVERED, "rejected"),
        (FAILED_LATER, "delivered"),
        (READ, "bounced"),
        (course((0, Status.SENT), (9, "held")), "accepted"),
    ):
        reason = WINDOW_CLOSED if way is FAILED_LATER else None
        plan = day.send(day.moment(), None, way, reason=reason)
        day.expect(Kind.STATUS_MISMATCH, day.record(plan, state), plan)
    plan = day.send(day.moment(), None, READ)
    day.expect(Kind.STATUS_MISMATCH, day.record(plan, "queued", with_id=False), plan)


def recorded_far_from_its_time(day: DayPlan) -> None:
    """The right record at the wrong time: too late, and too early."""
    for sign in (1, -1):
        plan = day.send(day.moment(clear=_HOUR))
        after = sign * timedelta(seconds=day.rng.randint(320, 2900))
        day.expect(Kind.SENT_AT_DRIFT, day.record(plan, "seen", after=after), plan)


def never_arrived(day: DayPlan) -> None:
    """Sent more than a day ago, and nothing was heard of it since."""
    for way in (ONLY_SENT, ONLY_UNKNOWN):
        plan = day.send(day.long_ago(), None, way)
        day.expect(Kind.STUCK, day.record(plan, "accepted"), plan)


def out_of_the_listings_reach(day: DayPlan) -> None:
    """Sent in the night without keeping the ids: too old to be listed when the run asks.

    One of them was never sent at all, which cannot be known; another one shares its second with
    the oldest message that is listed.
    """
    for _ in range(day.rng.randint(3, 5)):
        day.expect(Kind.UNVERIFIABLE, day.record(day.send(day.unseen()), "accepted", with_id=False))
    nowhere = PlannedRecord(day.unseen(), day.contacts.anyone(), "accepted")
    day.expect(Kind.UNVERIFIABLE, day.note(nowhere))
    cut_off, oldest = (day.send(day.first_listed) for _ in range(2))
    split = timedelta(milliseconds=300)
    day.expect(Kind.UNVERIFIABLE, day.record(cut_off, "accepted", after=split, with_id=False))
    day.record(oldest, "delivered", after=split)


def records_nobody_can_read(day: DayPlan) -> None:
    """A record without a time, one whose time is prose, and one without a number."""
    for spelled in ("", "as soon as possible"):
        number = day.contacts.anyone()
        unread = PlannedRecord(day.moment(), number, "accepted", spelled_at=spelled)
        day.expect(Kind.INVALID_LOCAL, day.note(unread))
    day.expect(Kind.INVALID_LOCAL, day.note(PlannedRecord(day.moment(), "unknown", "accepted")))


def items_nobody_can_read(day: DayPlan) -> None:
    """Items of the listing without a time, and without a number."""
    for junk in (Junk.NO_TIME, Junk.BAD_NUMBER):
        day.expect(Kind.INVALID_PROVIDER, None, day.send(day.moment(), junk=junk))


# --- traps -------------------------------------------------------------------------------------


def astride_midnight(day: DayPlan) -> None:
    """Sent on one side of midnight and recorded on the other, both ways, with and without id."""
    for with_id in (True, False):
        last = day.send(day.end - _SECOND, None, DELIVERED)
        day.record(last, "delivered", after=2 * _SECOND, with_id=with_id)
        first = day.send(day.end + _SECOND, None, DELIVERED)
        day.record(first, "delivered", after=-3 * _SECOND, with_id=with_id)


def numbers_spelled_otherwise(day: DayPlan) -> None:
    """The same user in other spellings, linked by id and by number."""
    people = day.contacts
    for draw, spell, with_id in (
        (people.british, contacts.spaced, True),
        (people.british, contacts.spaced, False),
        (people.irish, contacts.with_zeros, False),
        (people.irish, contacts.irish_national, True),
        (people.irish, contacts.irish_national, False),
        (people.american, contacts.american_style, False),
        (people.british, contacts.whatsapp, False),
        (people.brazilian, contacts.without_ninth, True),
        (people.brazilian, contacts.without_ninth, False),
        (people.mexican, contacts.without_mobile_digit, True),
        (people.argentine, contacts.without_mobile_digit, False),
    ):
        plan = day.send(day.moment(), draw(), DELIVERED)
        day.record(plan, "delivered", recipient=spell(plan.number), with_id=with_id)


def records_that_lag(day: DayPlan) -> None:
    """The records stopped listening at some point of the happy path, or never heard anything."""
    for way, state in (
        (DELIVERED, "accepted"),
        (READ, "accepted"),
        (DELETED, "accepted"),
        (READ, "delivered"),
        (DELETED, "seen"),
        (ONLY_UNKNOWN, "accepted"),
        (ONLY_SENT, "accepted"),
        (READ, None),
    ):
        day.record(day.send(day.moment(), None, way), state)


def failures_both_know(day: DayPlan) -> None:
    """Failed, and recorded so, with the reason in each of its forms."""
    for form in ReasonForm:
        code = 470 if form is ReasonForm.OBJECT else None
        reason = Reason(WINDOW_CLOSED.title, code, form)
        day.record(day.send(day.moment(), None, FAILED_LATER, reason=reason), "rejected")


def never_sent(day: DayPlan) -> None:
    """Not sent, or refused before it got an id, and Octopods indeed has none of them."""
    for state in ("queued", "cancelled", "rejected", "rejected"):
        day.note(PlannedRecord(day.moment(), day.contacts.anyone(), state))


def recorded_without_id(day: DayPlan) -> None:
    """A pair only by number and time, one of them recorded a good while later."""
    for seconds in (1, 100):
        plan = day.send(day.moment(), None, DELIVERED)
        day.record(plan, "delivered", after=seconds * _SECOND, with_id=False)


def recorded_late(day: DayPlan) -> None:
    """Linked by id, and just near enough not to drift."""
    plan = day.send(day.moment(), None, DELIVERED)
    day.record(plan, "delivered", after=280 * _SECOND)


def in_one_second(day: DayPlan) -> None:
    """Several messages of one second, two of them to one number; with and without id."""
    for with_id in (True, False):
        first = day.send(day.moment(), None, DELIVERED)
        for plan in (first, day.send(first.at, first.number, DELIVERED)):
            day.record(plan, "delivered", with_id=with_id)
    day.record(day.send(first.at, None, DELIVERED), "delivered")


def through_another_channel(day: DayPlan) -> None:
    """Text messages stand in the same table; their ids are another provider's."""
    for _ in range(3):
        number = day.contacts.anyone()
        stray = str(day.rng.randint(1_000, 9_999))
        day.note(PlannedRecord(day.moment(), number, "delivered", stray, channel="sms"))
    same_id = day.record(day.send(day.moment()), "delivered")
    other = PlannedRecord(same_id.at, same_id.recipient, "rejected", same_id.message, channel="sms")
    day.note(other)


DISCREPANCIES: Final[tuple[DemoCase, ...]] = (
    lost_at_the_provider,
    sent_without_a_record,
    sent_twice,
    recorded_twice,
    recorded_under_another_id,
    sent_to_somebody_else,
    statuses_that_contradict,
    recorded_far_from_its_time,
    never_arrived,
    out_of_the_listings_reach,
    records_nobody_can_read,
    items_nobody_can_read,
)

TRAPS: Final[tuple[DemoCase, ...]] = (
    astride_midnight,
    numbers_spelled_otherwise,
    records_that_lag,
    failures_both_know,
    never_sent,
    recorded_without_id,
    recorded_late,
    in_one_second,
    through_another_channel,
)


# --- the ordinary day --------------------------------------------------------------------------


def ordinary(day: DayPlan, morning: int) -> None:
    """Fill the day with sends that are all in order, until the listing is full.

    `morning` of the listed ones come after the day. Some are older than anything listed, on the
    day before. A customer may get several.
    """
    customers = [day.contacts.anyone() for _ in range(25)]
    for _ in range(30):
        _one(day, day.day_before(), customers)
    for _ in range(morning):
        _one(day, day.morning(), customers)
    while day.room:
        _one(day, day.moment(), customers)


def _one(day: DayPlan, at: datetime, customers: list[str]) -> None:
    way = day.rng.choices((READ, DELIVERED, DELETED), (60, 35, 5))[0]
    states = ("accepted", "delivered", "seen") if way is READ else ("accepted", "delivered")
    plan = day.send(at, day.rng.choice(customers), way)
    day.record(plan, day.rng.choice(states))
