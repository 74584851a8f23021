"""The columns and dtypes of the canonical frames; making empty frames and concatenating frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import pandas as pd
from pandas.api.types import union_categoricals

from recon.model import NOT_SENT

_UTC: Final = pd.DatetimeTZDtype("us", "UTC")
#: More minutes than any clock was ever changed by.
DATE_ALONE: Final = 10_000

#: The user's records. `local_id` is `int64` where every id is a whole number, else `str`;
#: `odd_message_id` is the text of an id that is no whole number; `status` is Octopods' word,
#: `not_sent`, or the user's own word if it is not mapped. `other_minutes` says how much later the
#: second reading of `sent_at` is, negative for earlier; 0 if it has only one reading. For a date
#: without a time of day, `sent_at` is the beginning of the day, and `other_minutes` is `DATE_ALONE`
#: plus the length of the day.
LOCAL: Final[Mapping[str, Any]] = {
    "local_id": "str",
    "message_id": "Int64",
    "odd_message_id": "str",
    "phone_number": "str",
    "sent_at": _UTC,
    "other_minutes": "int16",
    "status": "category",
}

#: Records that cannot be read, each with its reason in words for ops.
LOCAL_REJECTS: Final[Mapping[str, Any]] = {
    "local_id": "str",
    "message_id": "Int64",
    "odd_message_id": "str",
    "phone_number": "str",
    "sent_at": _UTC,
    "status": "str",
    "reason": "str",
}

#: Messages as Octopods reports them, one row an id. `observed_at` is the provider's clock at the
#: latest answer that showed the message, not when it took its status.
PROVIDER: Final[Mapping[str, Any]] = {
    "message_id": "int64",
    "phone_number": "str",
    "sent_at": _UTC,
    "status": "category",
    "failure_reason": "str",
    "observed_at": _UTC,
}

#: Items of the provider that cannot be read. `key` is the identity of the item. A time that cannot
#: be read lies between `earliest` and `latest`; null is without bound.
PROVIDER_REJECTS: Final[Mapping[str, Any]] = {
    "key": "str",
    "message_id": "Int64",
    "phone_number": "str",
    "sent_at": _UTC,
    "status": "str",
    "failure_reason": "str",
    "reason": "str",
    "earliest": _UTC,
    "latest": _UTC,
}

#: Why a record without a time is rejected.
MISSING_TIME: Final = "sent_at is missing"
#: The values without a time in columns that cannot be null: MySQL's zero date, or the epoch.
_PLACEHOLDER: Final = (
    r"sent_at cannot be read: '(?:0+(?:\.0+)?|0000-00-00.*|1970-01-01(?:[ T]00:00.*)?)'.*"
)


def unsent(rejects: pd.DataFrame) -> pd.Series[bool]:
    """Say which local rejects are not errors: their status is `not_sent`, so they have no time yet.

    An application that keeps its outbox in the same table sets the time when it sends. Until then
    it is null, or zero where the column cannot be null. A record with a message id was sent.
    """
    if rejects.empty:  # as on most nights; to compare nothing takes milliseconds
        return rejects["reason"].notna()
    reasons = rejects["reason"].astype("str")
    timeless = (reasons == MISSING_TIME) | reasons.str.fullmatch(_PLACEHOLDER)
    found: pd.Series[bool] = (
        (rejects["status"] == NOT_SENT)
        & timeless
        & rejects["message_id"].isna()
        & rejects["odd_message_id"].isna()
    )
    return found.fillna(False).astype("bool")


def empty_local() -> pd.DataFrame:
    """Return a local frame without rows."""
    return _empty("local").copy()


def empty_local_rejects() -> pd.DataFrame:
    """Return a frame of local rejects without rows."""
    return _empty("local rejects").copy()


def empty_provider() -> pd.DataFrame:
    """Return a provider frame without rows."""
    return _empty("provider").copy()


def empty_provider_rejects() -> pd.DataFrame:
    """Return a frame of provider rejects without rows."""
    return _empty("provider rejects").copy()


@cache
def _empty(name: str) -> pd.DataFrame:
    # A quiet night needs a dozen of these. Making one takes milliseconds, copying hardly any time.
    layout = {
        "local": LOCAL,
        "local rejects": LOCAL_REJECTS,
        "provider": PROVIDER,
        "provider rejects": PROVIDER_REJECTS,
    }[name]
    frame = pd.DataFrame({column: pd.Series([], dtype=dtype) for column, dtype in layout.items()})
    if isinstance(frame["status"].dtype, pd.CategoricalDtype):
        none = pd.Categorical.from_codes([], categories=pd.Index([], dtype="str"))
        frame = frame.assign(status=none)
    return frame


def rejected_lines(reasons: Sequence[str]) -> pd.DataFrame:
    """Return local rejects for lines that do not parse: only the reason is known."""
    rows = pd.DataFrame({"reason": list(reasons)})
    return rows.reindex(columns=list(LOCAL_REJECTS)).astype(dict(LOCAL_REJECTS))


def concat(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all `frames`, which have one layout, without changing their dtypes.

    Whole-number ids become text if another frame has text; categories are united.

    Raises:
        ValueError: there is no frame at all.
    """
    if not frames:
        raise ValueError("no frames to put together")
    kept = [frame for frame in frames if len(frame)] or [frames[0]]
    if len(kept) == 1:
        return kept[0].reset_index(drop=True)
    if len({str(frame["local_id"].dtype) for frame in kept if "local_id" in frame}) > 1:
        kept = [frame.astype({"local_id": "str"}) for frame in kept]
    if isinstance(kept[0]["status"].dtype, pd.CategoricalDtype):
        united = union_categoricals([frame["status"] for frame in kept], sort_categories=True)
        rest = pd.concat([frame.drop(columns="status") for frame in kept], ignore_index=True)
        return rest.assign(status=united)[kept[0].columns]
    return pd.concat(kept, ignore_index=True)
