"""Which stored polls can be deleted, so that the store grows with the time, not with the polls.

Polls older than those from which the rhythm is learnt (`polling_rhythm.LEARN_POLLS`) are deleted if
the poll before and the poll after say the same. The polls that coverage needs stay: the first and
last of each stretch, each one that was refused for another reason, and one for each hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from recon.core.listing_evidence import AnswerKind

#: Of polls that show the same, one for each stretch of this length is kept.
ONE_FOR_EACH: Final = timedelta(hours=1)

_ACCEPTED: Final = frozenset({AnswerKind.WHOLE.value, AnswerKind.AFTER_OLDEST.value})


@dataclass(frozen=True, slots=True)
class StoredPoll:
    """The fields of a stored poll that decide whether it can be deleted."""

    poll_id: int
    kept_at: datetime
    reading: str
    """How its answer was judged, an `AnswerKind`."""
    coverage_id: int | None
    """The stretch of coverage to which it belongs."""
    item_count: int

    @property
    def is_accepted(self) -> bool:
        """Whether later answers were compared with it."""
        return self.reading in _ACCEPTED

    @property
    def says(self) -> tuple[str, int | None, int | None]:
        """What this poll says; another one may say the same.

        A complete answer shows how long the listing was. If that length turns out to be a cap, the
        latest answer of each length is needed.
        """
        is_whole = self.reading == AnswerKind.WHOLE.value
        return self.reading, self.coverage_id, self.item_count if is_whole else None


def superfluous(polls: Sequence[StoredPoll]) -> list[int]:
    """Return the ids of polls that can be deleted.

    A poll can be deleted if the accepted polls before and after it say the same, and are at most
    `ONE_FOR_EACH` apart. So the accepted poll before a deleted one still shows to which stretch of
    coverage that one belonged. Polls that were not accepted are thinned separately.

    Args:
        polls: all polls of one key in a stretch of time, the oldest first.
    """
    accepted = [one for one in polls if one.is_accepted]
    others = [one for one in polls if not one.is_accepted]
    return [*_superfluous(accepted), *_superfluous(others)]


def _superfluous(polls: Sequence[StoredPoll]) -> Iterator[int]:
    before = None
    for place, poll in enumerate(polls[:-1]):
        after = polls[place + 1]
        if (
            before is not None
            and before.says == poll.says == after.says
            and after.kept_at - before.kept_at <= ONE_FOR_EACH
        ):
            yield poll.poll_id
        else:
            before = poll
