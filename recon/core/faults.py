"""What can be wrong with a pair, and how it is put in words for ops."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from recon.core import statuses
from recon.core.buckets import Case
from recon.core.pairing import Mask, Positions, microseconds
from recon.core.policy import Policy


def ids_differ(case: Case, local: Positions, provider: Positions) -> Mask:  # noqa: ARG001 - a check
    """Say of each pair whether the record holds an id, yet was not found by it."""
    differ: Mask = case.holds_id[local] & ~case.links.by_id[local]
    return differ


def ids_in_words(case: Case, local: Positions, provider: Positions) -> pd.Series:
    """Tell the id that the books hold, and why the pair is one all the same."""
    rows = case.local.frame.take(local).reset_index(drop=True)
    booked = rows["message_id"].astype("str").fillna(rows["odd_message_id"])
    distance = apart(case.local_time[local] - case.provider_time[provider], "after", "before")
    return (
        "the books hold id "
        + booked
        + ", which Octopods does not list; booked "
        + distance
        + " this message to the same number"
    )


def recipients_differ(case: Case, local: Positions, provider: Positions) -> Mask:
    """Say of each pair whether both sides have a number, and not the same one."""
    mine, theirs = case.local_keys[local], case.provider_keys[provider]
    differ: Mask = (mine != theirs) & (mine >= 0) & (theirs >= 0)
    return differ


def recipients_in_words(case: Case, local: Positions, provider: Positions) -> pd.Series:
    """Tell both numbers, as either side spells them."""
    booked = case.local.frame["phone_number"].take(local).reset_index(drop=True)
    sent = case.provider.frame["phone_number"].take(provider).reset_index(drop=True)
    return "booked for " + booked + ", sent to " + sent


def statuses_contradict(case: Case, local: Positions, provider: Positions, policy: Policy) -> Mask:
    """Judge each pair of words once, then look the rows up by their codes."""
    mine, theirs = case.local.frame["status"], case.provider.frame["status"]
    if not case.local.has_statuses or not len(local):
        return np.zeros(len(local), dtype=np.bool_)
    booked = [*map(str, mine.cat.categories), None]
    table = np.array(
        [
            [
                statuses.contradict(word, str(other), policy.status_policy)
                for other in theirs.cat.categories
            ]
            for word in booked
        ],
        dtype=np.bool_,
    )
    # The code of a null is -1, which is the place of `None` at the end of `booked`.
    found: Mask = table[mine.cat.codes.to_numpy()[local], theirs.cat.codes.to_numpy()[provider]]
    return found


def statuses_in_words(case: Case, local: Positions, provider: Positions) -> pd.Series:
    """Tell what each contradiction means for ops."""
    mine, theirs = case.local.frame["status"].cat, case.provider.frame["status"].cat
    booked, sent = [*map(str, mine.categories), None], list(map(str, theirs.categories))
    # The code of a null is -1, which is the place of `None` at the end of `booked`.
    words = mine.codes.to_numpy()[local].astype(np.int64) % len(booked)
    others = theirs.codes.to_numpy()[provider]
    distinct, place = np.unique(words * len(sent) + others, return_inverse=True)
    said = [statuses.explain(booked[n // len(sent)], sent[n % len(sent)]) for n in distinct]
    return pd.Series(pd.array(said, dtype="str").take(place))


def drifted(case: Case, local: Positions, provider: Positions, policy: Policy) -> Mask:
    """Say of each pair whether its times lie further apart than the policy allows."""
    distance = case.local_time[local]
    distance -= case.provider_time[provider]
    too_far: Mask = np.abs(distance, out=distance) > policy.drift // timedelta(microseconds=1)
    return too_far


def drift_in_words(case: Case, local: Positions, provider: Positions) -> pd.Series:
    """Tell how far apart the times of each pair lie."""
    distance = apart(case.local_time[local] - case.provider_time[provider], "after", "before")
    return "booked " + distance + " Octopods' time"


def stuck(case: Case, policy: Policy) -> Positions:
    """Return the windows' messages that were seen waiting for as long as the policy allows."""
    frame = case.provider.frame
    waiting = frame["status"].isin([word.value for word in statuses.NOT_TERMINAL]).to_numpy()
    age = microseconds(frame["observed_at"]) - case.provider_time
    too_long = age >= policy.stuck_after // timedelta(microseconds=1)
    return np.flatnonzero(waiting & too_long & (case.provider_owner >= 0))


def stuck_in_words(case: Case, provider: Positions) -> pd.Series:
    """Tell how long each message had been waiting when it was last seen."""
    rows = case.provider.frame.take(provider).reset_index(drop=True)
    age = microseconds(rows["observed_at"]) - case.provider_time[provider]
    return "still " + rows["status"].astype("str") + " " + apart(age, "after it was sent", "")


def apart(distance: Positions, after: str, before: str) -> pd.Series:
    """Put signed distances (microseconds) in words: '2 min 5 s after', '0 s after'."""
    seconds, place = np.unique(np.round(distance / 1e6).astype(np.int64), return_inverse=True)
    words = [f"{_length(abs(n))} {after if n >= 0 else before}" for n in seconds.tolist()]
    return pd.Series(pd.array(words, dtype="str").take(place))


def _length(seconds: int) -> str:
    """Put a length of time in words with its two largest units."""
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
