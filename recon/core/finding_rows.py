"""The rows that findings are about, with their ids and numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recon.core import arrow_text
from recon.core.arrow_text import Texts
from recon.core.buckets import Case
from recon.core.link import Mask, Positions, microseconds


@dataclass(frozen=True, slots=True, eq=False)
class FindingRows:
    """The record and message of each finding; a text is null if there is none."""

    local: Positions
    """The record of each finding, -1 without one."""
    provider: Positions
    """The message of each finding, -1 without one."""
    local_id: Texts
    message_id: Texts
    recorded_id: Texts
    """The message id that the records hold, even if it cannot be an id of Octopods."""
    recorded_for: Texts
    """The number in the records."""
    sent_to: Texts
    """The number of the message."""

    def __getitem__(self, rows: slice) -> FindingRows:
        return FindingRows(*(getattr(self, field.name)[rows] for field in fields(self)))

    def take(self, at: Positions) -> FindingRows:
        """Return the rows at these positions."""
        return FindingRows(*(getattr(self, field.name).take(at) for field in fields(self)))

    @property
    def message_name(self) -> Texts:
        """The message's id, or without a message the id that the records hold."""
        return arrow_text.coalesce(self.message_id, self.recorded_id)

    @property
    def phone_number(self) -> Texts:
        """The message's number, or without a message the number in the records."""
        return arrow_text.if_else(self.provider >= 0, self.sent_to, self.recorded_for)


def rows_of(case: Case, local: Positions, provider: Positions) -> FindingRows:
    """Look up the ids and numbers of these records and messages."""
    records, messages = case.local.frame, case.provider.frame
    return FindingRows(
        local,
        provider,
        local_id=arrow_text.take(records["local_id"], local),
        message_id=arrow_text.take(messages["message_id"], provider),
        recorded_id=_recorded_id(records, local),
        recorded_for=arrow_text.take(records["phone_number"], local),
        sent_to=arrow_text.take(messages["phone_number"], provider),
    )


def _recorded_id(records: pd.DataFrame, at: Positions) -> Texts:
    """Return the message ids that the records hold, even if they cannot be ids of Octopods."""
    found = arrow_text.take(records["message_id"], at)
    if found.null_count == np.count_nonzero(at < 0):
        return found
    return arrow_text.coalesce(found, arrow_text.take(records["odd_message_id"], at))


def record_key(case: Case, rows: FindingRows, named: Mask) -> Texts:
    """Return what identifies each record: its id, or without one its content.

    Null for a record that is not to be `named`.
    """
    name = arrow_text.where(named, rows.local_id)
    nameless = named & name.is_null().to_numpy(zero_copy_only=False)
    if not nameless.any():
        return name
    few = rows.take(np.flatnonzero(nameless))
    content = (
        few.recorded_id,
        few.recorded_for,
        # As text, a time is spelled by pandas as the fractions of all the others ask for.
        arrow_text.as_text_array(
            pa.array(microseconds(case.local.frame["sent_at"].take(few.local)))
        ),
        arrow_text.take(case.local.frame["status"], few.local),
    )
    held = arrow_text.join(*(arrow_text.coalesce(each, "") for each in content), between="|")
    return pc.replace_with_mask(name, pa.array(nameless), held)
