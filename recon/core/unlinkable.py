"""Rows that cannot be linked; they become unreadable rows before linking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from recon.core import link, user_ids
from recon.core.frames import layout
from recon.core.link import Mask, Positions, Side
from recon.core.number_readings import UNREADABLE
from recon.model import NOT_SENT, Status

_NO_LINK: Final = "neither a message_id nor a number tells which message it is"
_REGION_MISSING: Final = " If it is a national number, set `matching.default_region`"


def separate_unlinkable(
    side: Side, region: str | None, *, is_provider: bool = False
) -> tuple[Side, Positions]:
    """Move rows that cannot be linked to the rejects; return the number keys of the others.

    A row is unreadable if its number is neither a phone number nor a WhatsApp user id. A record
    without a phone number needs a message id, or its message could not be found; a record that is
    `not_sent` needs none. Records that are `not_sent` and have no time are removed from the
    rejects, see `Side.unsent`.
    """
    keys = link.number_keys(side, region, is_provider=is_provider)
    if not is_provider:
        side = _unsent_apart(side)
    if user_ids.are_phone_numbers(keys):
        return side, keys
    unreadable = keys == UNREADABLE
    nameless = np.zeros(len(keys), dtype=np.bool_) if is_provider else _nameless(side, keys)
    if not (unreadable.any() or nameless.any()):
        return side, keys
    for bad, reasons in (
        (nameless & ~unreadable, _no_name),
        (unreadable[~(nameless & ~unreadable)], _no_number(region)),
    ):
        if bad.any():
            side, keys = _moved(side, bad, reasons), keys[~bad]
    return side, keys


def _unsent_apart(side: Side) -> Side:
    """Separate the records that wait to be sent; they are no longer unreadable."""
    waiting, others = layout.unsent(side.rejects), side.other_rejects
    if others is not None:
        side = replace(side, other_rejects=others.loc[~layout.unsent(others)])
    if not waiting.any():
        return side
    rejects = side.rejects.loc[~waiting].reset_index(drop=True)
    return replace(side, rejects=rejects, unsent=int(waiting.sum()))


def _nameless(side: Side, keys: Positions) -> Mask:
    """Say which records hold neither an id of Octopods nor a phone number."""
    nameless: Mask = user_ids.key_sorts(keys) != 0
    if nameless.any():
        rows = side.frame.loc[nameless]
        away = rows["status"].isin([NOT_SENT, Status.FAILED.value])
        nameless[nameless] = (rows["message_id"].isna() & ~away).to_numpy(dtype=np.bool_)
    return nameless


def _no_name(rows: pd.DataFrame) -> pd.Series:
    return pd.Series(_NO_LINK, rows.index, dtype="str")


def _no_number(region: str | None) -> Callable[[pd.DataFrame], pd.Series]:
    def reasons(rows: pd.DataFrame) -> pd.Series:
        spelled = rows["phone_number"].astype("str")
        said = "not a valid phone number: '" + spelled + "'"
        if region is None:
            digits = spelled.str.fullmatch(r"[0-9 ()./-]{5,}")
            said = said.where(~digits, said + "." + _REGION_MISSING)
        return said

    return reasons


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
