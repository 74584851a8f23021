"""Why rows cannot be read: each reason with a count and one example."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

import pandas as pd

from recon.core import phones
from recon.core.link import Positions
from recon.core.phones import mask
from recon.model import Unreadable

#: The quoted value in a reason, and the text that may follow it.
_QUOTED: Final = r": '(.*?)'(?=$|; |\. )"
#: The reason of a line that does not parse begins with its position.
_LINE: Final = r"^(?:line|row|item|object) [0-9,]+: "
_ABOUT_A_NUMBER: Final = "phone"
#: What may be a phone number in the wrong column, and is no date.
_MAY_BE_A_NUMBER: Final = re.compile(r"(?![0-9]{4}-[0-9]{2}-)\+?[0-9][0-9 ()-]{5,}[0-9]")


def of_day(side: str, rejects: pd.DataFrame, owner: Positions, day: int) -> list[Unreadable]:
    """Return why the rows of a day cannot be read, the most frequent reason first.

    Args:
        side: `local` or `provider`.
        rejects: unreadable rows.
        owner: the position of the day that each belongs to.
        day: which day.
    """
    mine = owner == day
    if not mine.any():
        return []
    said = rejects.loc[mine, "reason"].astype("str")
    reasons = said.str.replace(_QUOTED, "", regex=True).str.replace(_LINE, "", regex=True)
    counted = reasons.value_counts().rename_axis("reason").reset_index(name="count")
    counted = counted.sort_values(["count", "reason"], ascending=[False, True])
    # The first in the alphabet, so that the example does not depend on the order of the rows.
    firsts = said.groupby(reasons).min()
    return [
        Unreadable(side, _masked(str(firsts[reason])), int(count))
        for reason, count in counted.itertuples(index=False, name=None)
    ]


def without_known(items: pd.DataFrame, known: pd.DataFrame, tolerance: timedelta) -> pd.DataFrame:
    """Return unreadable items without those whose message is known from a status call.

    If the list shows a message without a readable id, and a status call finds it, it counts once:
    the item has the same number, and a time within the tolerance. One message corresponds to one
    item.

    Args:
        items: provider rejects.
        known: messages found only by status calls.
        tolerance: how far apart both times may lie.
    """
    candidates = items.loc[items["message_id"].isna() & items["sent_at"].notna()]
    if candidates.empty or known.empty:
        return items

    def keyed(rows: pd.DataFrame) -> pd.DataFrame:
        wanted = rows[["sent_at"]].assign(number=phones.keys(rows["phone_number"], None))
        return wanted.assign(row=rows.index).loc[wanted["number"] >= 0].sort_values("sent_at")

    pairs = pd.merge_asof(
        keyed(candidates),
        keyed(known.reset_index(drop=True)),
        on="sent_at",
        by="number",
        direction="nearest",
        tolerance=pd.Timedelta(tolerance),
        suffixes=("", "_known"),
    ).dropna(subset="row_known")
    same = pairs.drop_duplicates("row_known")["row"]
    return items.loc[~items.index.isin(same)].reset_index(drop=True)


def _masked(reason: str) -> str:
    """Mask a quoted value in a reason if it is a phone number, even in the wrong column."""

    def quoted(found: re.Match[str]) -> str:
        text = found[1]
        about_a_number = _ABOUT_A_NUMBER in reason[: found.start()].rpartition(";")[2]
        is_number = about_a_number or _MAY_BE_A_NUMBER.fullmatch(text)
        return f": '{mask(text) if is_number else text}'"

    return re.sub(_QUOTED, quoted, reason)
