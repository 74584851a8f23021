"""The findings of a case as one frame, each with a detail text and a lasting identity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from recon.core import arrow_text, identity, rules
from recon.core.buckets import Case
from recon.core.finding_rows import FindingRows, record_key, rows_of
from recon.core.identity import FindingKeys, Identities
from recon.core.link import Positions, microseconds
from recon.core.policy import Policy
from recon.model import FINDING_COLUMNS, Kind

_TIMES: Final = ("local_sent_at", "provider_sent_at")
_UTC: Final = pd.DatetimeTZDtype("us", "UTC")
#: The place of the kind, the position of the window, and those of rows, see `with_positions`.
_NUMBERS: Final = ("place", "day", "local", "provider", "local_reject", "provider_reject")
_NEVER: Final = np.iinfo(np.int64).max

#: The kinds in the order of findings, by severity and then by name; a kind's `place` is here.
_KINDS: Final = sorted(Kind, key=lambda kind: (kind.severity.value, kind.value))
_KIND_WORDS: Final = pa.array([kind.value for kind in _KINDS], arrow_text.TEXT)
_SEVERITY_WORDS: Final = pa.array([kind.severity.value for kind in _KINDS], arrow_text.TEXT)


def empty() -> pd.DataFrame:
    """Return a findings frame without rows: `FINDING_COLUMNS`, typed."""
    return _typed(pd.DataFrame(columns=list(FINDING_COLUMNS)), FINDING_COLUMNS)


def collect(account: str, case: Case, policy: Policy) -> pd.DataFrame:
    """Return the findings of all windows of a case.

    The columns are `FINDING_COLUMNS` and `day`, the position of the window. Findings are sorted by
    severity, kind, time (of the message, or without one of the record) and identity.
    """
    found = with_positions(account, case, rules.rows_by_kind(case, policy))
    return found[[*FINDING_COLUMNS, "day"]]


def with_positions(account: str, case: Case, kinds: rules.RowsByKind) -> pd.DataFrame:
    """Return the same as `collect`, with the rows of the case that each finding is about.

    The columns `local` and `provider` are positions in the frames of the two sides, `local_reject`
    and `provider_reject` positions in their rejects; -1 without such a row.
    """
    found = _of_rows(account, case, kinds)
    unread = [
        _of_rejects(account, kind, rejects, owner)
        for kind, rejects, owner in (
            (Kind.INVALID_LOCAL, case.local.rejects, case.local_reject_owner),
            (Kind.INVALID_PROVIDER, case.provider.rejects, case.provider_reject_owner),
        )
        if (owner >= 0).any()
    ]
    if unread:
        found = pd.concat([found, *unread], ignore_index=True)
        found = found.sort_values("place", kind="stable", ignore_index=True)
    return found


def _typed(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    frame = frame.reindex(columns=list(columns))
    dtypes = {name: "str" for name in frame.columns if name not in _NUMBERS}
    return frame.astype(dtypes | dict.fromkeys(_TIMES, _UTC))


# --- of rows that were read --------------------------------------------------------------------


def _of_rows(account: str, case: Case, kinds: rules.RowsByKind) -> pd.DataFrame:
    """Return the findings about readable rows. A pair belongs to the day of its message."""
    place, rows, names = _in_order(account, case, kinds)
    records, messages = case.local.frame, case.provider.frame
    texts = {
        "kind": _KIND_WORDS.take(pa.array(place)),
        "severity": _SEVERITY_WORDS.take(pa.array(place)),
        "message_id": rows.message_name,
        "local_id": rows.local_id,
        "phone_number": rows.phone_number,
        "local_phone_number": rows.recorded_for,
        "local_status": arrow_text.take(records["status"], rows.local),
        "provider_status": arrow_text.take(messages["status"], rows.provider),
        "failure_reason": arrow_text.take(messages["failure_reason"], rows.provider),
        "detail": _details(case, place, rows),
        "incident_id": pa.nulls(len(place), arrow_text.TEXT),
        "confirmed": _confirmed(case, place, rows),
    }
    sides = (case.recorded_at, rows.local), (case.provider_time, rows.provider)
    times = {
        name: pd.Series(_timestamps(moments, at))
        for name, (moments, at) in zip(_TIMES, sides, strict=True)
    }
    columns = {name: arrow_text.to_series(each) for name, each in texts.items()} | times
    columns["discrepancy_id"] = identity.hexadecimal(names)
    numbers = {
        "place": place,
        "day": _owners(case, rows),
        "local": rows.local,
        "provider": rows.provider,
        "local_reject": np.broadcast_to(np.int64(-1), len(place)),
        "provider_reject": np.broadcast_to(np.int64(-1), len(place)),
    }
    columns |= {name: pd.Series(numbers[name]) for name in _NUMBERS}
    return pd.DataFrame(columns, copy=False)


def _in_order(
    account: str, case: Case, kinds: rules.RowsByKind
) -> tuple[Positions, FindingRows, Identities]:
    """Return the place, the rows and the identity of each finding, in the order of the frame."""
    none = np.zeros(0, dtype=np.int64)
    parts = [(none, none, none, none)]
    for kind, (local, provider) in kinds.items():
        moment = _moments(case, local, provider)
        order = np.argsort(moment, kind="stable")
        places = np.full(len(order), _KINDS.index(kind))
        parts.append((places, local[order], provider[order], moment[order]))
    parts.sort(key=lambda part: part[0][:1].tolist())
    place, local, provider, moment = map(np.concatenate, zip(*parts, strict=True))
    rows = rows_of(case, local, provider)
    names = _identities(account, case, place, rows)
    tied = (place[1:] == place[:-1]) & (moment[1:] == moment[:-1])
    if tied.any():
        order = np.lexsort((names, moment, place))
        rows, names = rows.take(order), names[order]
    return place, rows, names


def _moments(case: Case, local: Positions, provider: Positions) -> Positions:
    """Return the time by which each finding is sorted: of the message, else of the record."""
    return np.where(
        provider >= 0, _known(case.provider_time, provider), _known(case.local_time, local)
    )


def _timestamps(moments: Positions, at: Positions) -> pd.DatetimeIndex:
    """Return the times at these positions, null if the position is -1."""
    found = np.full(len(at), np.iinfo(np.int64).min)
    held = at >= 0
    found[held] = moments[at[held]]
    return pd.DatetimeIndex(found.view("datetime64[us]")).tz_localize("UTC")


def _known(values: Positions, at: Positions) -> Positions:
    """Return the values at these positions, the greatest number if the position is -1."""
    found = np.full(len(at), _NEVER)
    held = at >= 0
    found[held] = values[at[held]]
    return found


def _identities(account: str, case: Case, place: Positions, rows: FindingRows) -> Identities:
    # A message's being stuck stays the same finding when the records get their record.
    named = (rows.local >= 0) & (place != _KINDS.index(Kind.STUCK))
    names = FindingKeys(
        _KIND_WORDS.take(pa.array(place)), record_key(case, rows, named), rows.message_id
    )

    def content(at: Positions) -> pd.DataFrame:
        few = rows.take(at)
        columns = {
            "local_sent_at": pd.Series(_known(case.recorded_at, few.local)),
            "provider_sent_at": pd.Series(_known(case.provider_time, few.provider)),
            "message_id": arrow_text.to_series(few.message_name),
            "phone_number": arrow_text.to_series(few.phone_number),
            "local_status": arrow_text.to_series(
                arrow_text.take(case.local.frame["status"], few.local)
            ),
        }
        return pd.DataFrame(columns)

    return identity.identify(account, names, content)


def _details(case: Case, place: Positions, rows: FindingRows) -> arrow_text.Texts:
    bounds = np.searchsorted(place, np.arange(len(_KINDS) + 1))
    details = [
        rules.DETAILS[kind](case, rows[slice(start, end)])
        for kind, start, end in zip(_KINDS, bounds[:-1], bounds[1:], strict=True)
        if end > start
    ]
    return pa.concat_arrays([pa.array([], arrow_text.TEXT), *details])


def _confirmed(case: Case, place: Positions, rows: FindingRows) -> arrow_text.Texts:
    """Say for each record that is missing at the provider and holds an id whether it is denied."""
    missing = _KINDS.index(Kind.MISSING_AT_PROVIDER)
    start, end = (int(bound) for bound in np.searchsorted(place, [missing, missing + 1]))
    records = rows.local[start:end]
    said = arrow_text.if_else(case.denied.of(records) > 0, "yes", "no")
    return pa.concat_arrays(
        [
            pa.nulls(start, arrow_text.TEXT),
            arrow_text.where(case.holds_id[records], said),
            pa.nulls(len(place) - end, arrow_text.TEXT),
        ]
    )


def _owners(case: Case, rows: FindingRows) -> Positions:
    return np.where(
        rows.provider >= 0,
        _known(case.provider_owner, rows.provider),
        _known(case.local_owner, rows.local),
    )


# --- of rows that were not ---------------------------------------------------------------------


def _of_rejects(account: str, kind: Kind, rejects: pd.DataFrame, owner: Positions) -> pd.DataFrame:
    inside = owner >= 0
    rows = rejects.loc[inside].reset_index(drop=True)
    side = "local" if kind is Kind.INVALID_LOCAL else "provider"
    found = pd.DataFrame(
        {
            "kind": kind.value,
            "severity": kind.severity.value,
            "place": _KINDS.index(kind),
            "message_id": rows["message_id"].astype("str"),
            "phone_number": rows["phone_number"],
            f"{side}_status": rows["status"],
            f"{side}_sent_at": rows["sent_at"],
            "detail": rows["reason"],
            "day": owner[inside],
            "local": -1,
            "provider": -1,
            "local_reject": -1,
            "provider_reject": -1,
            f"{side}_reject": np.flatnonzero(inside),
        }
    )
    if kind is Kind.INVALID_PROVIDER:
        found = found.assign(failure_reason=rows["failure_reason"])
        names = rows["key"]
    else:
        own = rows["local_id"].astype("str")
        found = found.assign(local_id=own, local_phone_number=rows["phone_number"])
        names = own.where(own.notna(), found["message_id"].fillna("") + "|" + found["detail"])
    named = identity.identify(
        account,
        _reject_names(kind, arrow_text.as_text_array(pa.array(names, from_pandas=True))),
        lambda at: found.loc[at, [f"{side}_sent_at", "message_id", "phone_number"]].assign(
            status=found[f"{side}_status"] if side == "local" else ""
        ),
    )
    order = np.lexsort((named, _times(rows["sent_at"])))
    found = found.take(order).assign(discrepancy_id=identity.hexadecimal(named[order]).array)
    return _typed(found, (*FINDING_COLUMNS, *_NUMBERS))


def _reject_names(kind: Kind, names: arrow_text.Texts) -> FindingKeys:
    none = pa.nulls(len(names), arrow_text.TEXT)
    kinds = pa.array([kind.value] * len(names), arrow_text.TEXT)
    mine = kind is Kind.INVALID_LOCAL
    return FindingKeys(kinds, names if mine else none, none if mine else names)


def _times(times: pd.Series) -> Positions:
    """Return times in microseconds, what has none last."""
    return np.where(times.notna(), microseconds(times), _NEVER)
