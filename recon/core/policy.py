"""How strict a comparison is: the `[matching]` section of the configuration as one value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from recon.core import statuses

#: How many days before a run's own are judged again.
LOOK_BACK_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Policy:
    """How strict to be; the defaults are the configuration's."""

    tolerance: timedelta = timedelta(seconds=120)
    """A pair without a common id: same number, at most this far apart."""
    drift: timedelta = timedelta(seconds=300)
    """A linked pair further apart than this is `sent_at_drift`."""
    duplicate: timedelta = timedelta(seconds=60)
    """A message without a record to the same number within this time is a `duplicate_send`."""
    stuck_after: timedelta = timedelta(hours=24)
    """Not terminal after this long: `stuck`."""
    region: str | None = None
    """For numbers stored without a country code; an ISO 3166 code."""
    status_policy: statuses.Policy = "compatible"
    guard_rows: int = 10
    """A side of at least this many rows without any counterpart is suspect input."""
    min_overlap: int = 5
    """Messages that two polls should share, for the advice on how often to poll."""
    trust_input: bool = False
    """Report findings even if the input looks wrong."""
