"""What every command has to keep to when it asks Octopods: pauses, spacing, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from recon.octopods.retry_after import LONGEST_PAUSE
from recon.simulator.server import Received
from recon.simulator.simulated_responses import LIST_PATH
from tests.machine.installation import LOOKUPS, MAX_WAIT, SPACING, Command, Limited

_ROUNDING = timedelta(milliseconds=1)
#: Least pause after a 429 that does not say for how long.
_UNNAMED = timedelta(seconds=2.5)
#: Asked for singly once in a while: messages that the list lacks, and one that it shows.
_REMOVED = 6


def is_listing(request: Received) -> bool:
    """Say whether a request was for the list."""
    return request.path == LIST_PATH


def was_answered(request: Received) -> bool:
    """Say whether a request got its answer, which may be that there is no message."""
    return request.fault is None and request.status in {200, 206, 400, 404}


def check(
    command: Command,
    limited: Sequence[Limited],
    paused_until: datetime | None,
    *,
    follows: bool,
) -> None:
    """Check the requests of a command.

    Args:
        command: which one.
        limited: each 429 that asked for a pause which the command knew or had to know.
        paused_until: when the pause ends that was stored before it, by the true clock.
        follows: whether it stays and polls.
    """
    made = command.requests
    for earlier, later in pairwise(made):
        assert later.at - earlier.at >= timedelta(seconds=SPACING) - _ROUNDING, (earlier, later)
    if made and paused_until is not None:
        assert made[0].at >= paused_until - _ROUNDING, (made[0], paused_until)
    for one in limited:
        later_ones = [request for request in made if request.at > one.at]
        if later_ones:
            assert later_ones[0].at >= _end(one, made) - _ROUNDING, (one, later_ones[0])
    if follows:
        return
    lists = [one for one in made if is_listing(one)]
    singly = [one for one in made if not is_listing(one)]
    assert sum(map(was_answered, lists)) <= 1, lists
    assert sum(map(was_answered, singly)) <= LOOKUPS + _REMOVED, singly
    assert command.slept <= MAX_WAIT + SPACING * len(made), command.slept


def _end(limited: Limited, made: Sequence[Received]) -> datetime:
    if limited.until is None:
        # Nothing is stored of it: only the command that was refused can wait.
        return limited.at + _UNNAMED if made[0].at <= limited.at else limited.at
    return min(limited.until, limited.at + timedelta(seconds=LONGEST_PAUSE))
