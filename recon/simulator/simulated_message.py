"""A message at the simulated Octopods, with all its later statuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from recon.model import Status

#: What a customer reads. Only shape B shows it; it must turn up in no store, log or report.
CUSTOMER_TEXT: Final = "Hi Alex, your parcel waits behind the blue door."


@dataclass(frozen=True, slots=True)
class StatusCourse:
    """The statuses a message goes through, each with the time it takes to get there.

    One course may be shared by any number of messages. The first step takes no time.
    """

    steps: tuple[tuple[timedelta, str], ...]

    def __post_init__(self) -> None:
        waits = [wait for wait, _ in self.steps]
        if not waits or waits[0] or waits != sorted(waits):
            raise ValueError(
                "the first step must take no time, and the steps must be in the order of time"
            )

    def step(self, age: timedelta) -> tuple[timedelta, str]:
        """Return the last step reached at `age`: when it was taken, and the status since then."""
        reached = [step for step in self.steps if step[0] <= age]
        return reached[-1] if reached else self.steps[0]

    def status(self, age: timedelta) -> str:
        """Return the status of a message that was sent `age` ago."""
        return self.step(age)[1]

    def reached(self, status: str, age: timedelta) -> timedelta | None:
        """Return how long after sending `status` was reached, `None` if not by `age`."""
        waits = (wait for wait, word in self.steps if word == status and wait <= age)
        return next(waits, None)


def course(*steps: tuple[float, str]) -> StatusCourse:
    """Return the course of these steps; waits are seconds since the message was sent."""
    return StatusCourse(tuple((timedelta(seconds=wait), status) for wait, status in steps))


ONLY_SENT: Final = course((0, Status.SENT))
DELIVERED: Final = course((0, Status.SENT), (4, Status.DELIVERED))
READ: Final = course((0, Status.SENT), (4, Status.DELIVERED), (95, Status.READ))
DELETED: Final = course((0, Status.SENT), (6, Status.DELIVERED), (400, Status.DELETED))
FAILED_AT_ONCE: Final = course((0, Status.FAILED))
FAILED_LATER: Final = course((0, Status.SENT), (30, Status.FAILED))
ONLY_UNKNOWN: Final = course((0, Status.UNKNOWN))


class ReasonForm(StrEnum):
    """The forms in which the provider gives a failure reason."""

    TEXT = "text"
    OBJECT = "object"
    EMPTY = "empty"
    NULL = "null"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a message failed. Both shapes show it in the same form."""

    title: str
    code: int | None = None
    form: ReasonForm = ReasonForm.TEXT


class Junk(StrEnum):
    """What makes an item of the listing unreadable."""

    NO_TIME = "no time"
    BAD_TIME = "no such time"
    NO_NUMBER = "no number"
    BAD_NUMBER = "no such number"
    NO_ID = "no id"
    NO_OBJECT = "not an object"


@dataclass(frozen=True, slots=True)
class SimulatedMessage:
    """One message sent through a key, with all its later statuses."""

    message_id: int
    phone_number: str
    sent_at: datetime
    course: StatusCourse = READ
    reason: Reason | None = None
    """Shown from the moment the status is `failed`."""
    appears_at: datetime | None = None
    """When the listing first shows it, where that is not at once."""
    junk: Junk | None = None
    """How the listing spoils its item; the status call answers nevertheless."""
    content: str = CUSTOMER_TEXT
    removed_at: datetime | None = None
    """From when on neither the listing nor the status call knows of it any more."""

    def status(self, now: datetime) -> str:
        """Return the status as it is at `now`."""
        return self.course.status(now - self.sent_at)

    def is_listed(self, now: datetime) -> bool:
        """Say whether the listing knows of it at `now`."""
        return (self.appears_at or self.sent_at) <= now and not self.is_removed(now)

    def is_removed(self, now: datetime) -> bool:
        """Say whether the provider has forgotten it at `now`."""
        return self.removed_at is not None and self.removed_at <= now
