"""Rows that no number and no id can tell: set aside before anything is linked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from recon.core import link
from recon.core.link import Mask, Positions, Side
from recon.model import NOT_SENT, Status


def set_aside(
    side: Side, region: str | None, *, is_provider: bool = False
) -> tuple[Side, Positions]:
    """Move rows whose number cannot be read to the rejects; give the others' number keys.

    Where the records keep no numbers at all, those rows that hold no id either: nothing could ever
    tell whether Octopods has their message, unless they went nowhere by the records' own words.
    """
    keys = link.number_keys(side, region, is_provider=is_provider)
    if side.has_numbers:
        bad, reasons = keys < 0, _no_number
    elif is_provider:
        return side, keys
    else:
        bad, reasons = _nameless(side), _no_name
    if not bad.any():
        return side, keys
    return _moved(side, bad, reasons), keys[~bad]


def _nameless(side: Side) -> Mask:
    held = side.frame[["message_id", "odd_message_id"]].notna().any(axis=1)
    away = side.frame["status"].isin([NOT_SENT, Status.FAILED.value])
    return np.asarray(~(held | away), dtype=np.bool_)


def _no_name(rows: pd.DataFrame) -> pd.Series:
    reason = "neither a message_id nor a number tells which message it is"
    return pd.Series(reason, rows.index, dtype="str")


def _no_number(rows: pd.DataFrame) -> pd.Series:
    reasons = "phone_number is no such number: '" + rows["phone_number"].astype("str") + "'"
    return reasons.fillna("phone_number is missing")


def _moved(side: Side, bad: Mask, reasons: Callable[[pd.DataFrame], pd.Series]) -> Side:
    """Move rows to the rejects."""
    rows = side.frame.loc[bad]
    moved = rows.assign(
        reason=reasons(rows),
        key=rows["message_id"].astype("str"),
        status=rows["status"].astype("str"),
    )
    rejects = moved.reindex(columns=side.rejects.columns).astype(side.rejects.dtypes.to_dict())
    if len(side.rejects):
        rejects = pd.concat([side.rejects, rejects], ignore_index=True)
    frame = side.frame.loc[~bad].reset_index(drop=True)
    return replace(side, frame=frame, rejects=rejects.reset_index(drop=True))
