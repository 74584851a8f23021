"""Which stored polls can go: what is stored grows with the time covered, not with the polls.

Of the polls that are older than what is learnt from (`polling_rhythm.LEARN_POLLS`), those go that
stand between two others that say the same. What coverage rests on stays: the first and last poll of
each stretch, each that was refused for another reason, and one for each hour.
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
    """A stored poll, as far as it decides whether it can go."""

    poll_id: int
    kept_at: datetime
    reading: str
    """What its answer was taken for, a `AnswerKind`."""
    coverage_id: int | None
    """The stretch of coverage that it is a part of."""
    item_count: int

    @property
    def is_accepted(self) -> bool:
        """Whether later answers were compared with it."""
        return self.reading in _ACCEPTED

    @property
    def says(self) -> tuple[str, int | None, int | None]:
        """What it says that another one may say as well.

        A whole answer shows how long the listing was: should that turn out to be its cap, the
        latest of each length counts.
        """
        is_whole = self.reading == AnswerKind.WHOLE.value
        return self.reading, self.coverage_id, self.item_count if is_whole else None


def superfluous(polls: Sequence[StoredPoll]) -> list[int]:
    """Return the ids of polls that can go.

    A poll goes if the accepted poll before it and the one after it say the same, and lie no more
    than `ONE_FOR_EACH` apart. So for each one that goes, the accepted poll before it tells which
    stretch of coverage it was a part of. Polls that were not accepted are thinned among themselves.

    Args:
        polls: of one key, the oldest first, with none left out in between.
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
