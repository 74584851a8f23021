"""Endless sends of a simulated business: when, to whom, and with which statuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from recon.model import Status
from recon.simulator.contacts import Contacts
from recon.simulator.simulated_message import (
    DELETED,
    DELIVERED,
    FAILED_AT_ONCE,
    FAILED_LATER,
    ONLY_SENT,
    Junk,
    Reason,
    ReasonForm,
    SimulatedMessage,
    StatusCourse,
    course,
)

#: The share of a day's sends in each hour of UTC: nearly silent at night, two humps by day.
OFFICE_RHYTHM: Final = (
    *(0.001, 0.001, 0.001, 0.001, 0.001, 0.005),
    *(0.02, 0.05, 0.09, 0.1, 0.095, 0.085),
    *(0.06, 0.065, 0.085, 0.09, 0.085, 0.06),
    *(0.04, 0.03, 0.02, 0.01, 0.003, 0.002),
)
STEADY: Final = (1 / 24,) * 24

_HOUR: Final = timedelta(hours=1)
_SLOWLY: Final = tuple(
    course((0, Status.SENT), (5 * n, Status.DELIVERED), (70 * n, Status.READ)) for n in range(1, 9)
)
_WAYS: Final[tuple[StatusCourse, ...]] = (
    *_SLOWLY,
    DELIVERED,
    DELETED,
    FAILED_AT_ONCE,
    FAILED_LATER,
    ONLY_SENT,
    course((0, Status.UNKNOWN), (20, Status.SENT), (45, Status.DELIVERED)),
)
_WEIGHTS: Final = (*(7,) * len(_SLOWLY), 30, 2, 3, 3, 1, 5)
_REASONS: Final = (
    Reason("Recipient is not a WhatsApp user."),
    Reason("Re-engagement window expired", 470, ReasonForm.OBJECT),
    Reason("Template not approved for the recipient's country."),
    Reason("Channel error", None, ReasonForm.NULL),
)


def times(
    rng: Random, start: datetime, per_day: float, rhythm: Sequence[float] = STEADY
) -> Iterator[datetime]:
    """Yield from `start` on, without end, when a business sends.

    Sends come independently of each other (a Poisson process), `per_day` on average, spread over
    the hours of UTC as `rhythm` says: 24 shares that sum to 1.
    """
    at = start.astimezone(UTC)
    while True:
        next_hour = at.replace(minute=0, second=0, microsecond=0) + _HOUR
        per_second = per_day * rhythm[at.hour] / 3600
        wait = timedelta(seconds=rng.expovariate(per_second)) if per_second else _HOUR
        # What is beyond the hour is drawn anew: such a process does not remember.
        if at + wait >= next_hour:
            at = next_hour
        else:
            at += wait
            yield at


def campaigns(
    start: datetime, hours: Sequence[int], size: int, lasting: timedelta
) -> Iterator[datetime]:
    """Yield from `start` on, without end, the times of daily campaigns.

    Each begins at one of `hours` (of UTC, rising) and sends `size` messages evenly.
    """
    start = start.astimezone(UTC)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        for hour in hours:
            begins = midnight + hour * _HOUR
            sends = (begins + n * lasting / size for n in range(size))
            yield from (at for at in sends if at >= start)
        midnight += timedelta(days=1)


def messages(
    rng: Random,
    moments: Iterable[datetime],
    *,
    first_id: int = 3_851_001,
    late: float = 0.0,
    latest: float = 50.0,
    junk: float = 0.0,
    removed: float = 0.0,
) -> Iterator[SimulatedMessage]:
    """Yield a message for each of `moments`, in ascending order; `rng` draws number and statuses.

    Args:
        rng: the source of all that is drawn.
        moments: when the messages are sent.
        first_id: no id is lower; they rise, with gaps.
        late: the share of messages that the listing shows late.
        latest: how late at most, in seconds; 5 at least.
        junk: the share of messages whose item is unreadable, or whose status is a new word.
        removed: the share of messages that the provider forgets an hour after they were sent.
    """
    contacts = Contacts(rng)
    customers = [contacts.anyone() for _ in range(200)]
    spoiled: tuple[Junk | None, ...] = (*Junk, None)
    message_id = first_id
    for at in moments:
        way = rng.choices(_WAYS, _WEIGHTS)[0]
        failed = way in {FAILED_AT_ONCE, FAILED_LATER}
        ruin = rng.choice(spoiled) if rng.random() < junk else None
        if junk and ruin is None and rng.random() < junk:
            way = course((0, Status.SENT), (3, "held"))
        shown = at + timedelta(seconds=rng.uniform(5, latest)) if rng.random() < late else None
        yield SimulatedMessage(
            message_id=message_id,
            phone_number=rng.choice(customers),
            sent_at=at,
            course=way,
            reason=rng.choice(_REASONS) if failed else None,
            appears_at=shown,
            junk=ruin,
            removed_at=at + _HOUR if removed and rng.random() < removed else None,
        )
        message_id += rng.randint(1, 4)
