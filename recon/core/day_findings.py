"""The findings of a day as arrays, for grouping them into incidents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recon.core import arrow_text
from recon.core.arrow_text import Texts
from recon.core.link import Mask, Positions, microseconds
from recon.model import Kind

if TYPE_CHECKING:
    import pandas as pd

#: What pandas makes of a null time.
_NULL: Final = np.iinfo(np.int64).min
_NOTHING: Final[Positions] = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class DayFindings:
    """The findings of a day, with each column that is often needed extracted once."""

    frame: pd.DataFrame
    """`FINDING_COLUMNS`."""
    dates: Positions
    """The times of records that have a date and no time of day, in microseconds."""

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def _kinds(self) -> pa.DictionaryArray:
        return self.texts("kind").dictionary_encode()

    @cached_property
    def _positions(self) -> dict[str, Positions]:
        codes = self._kinds.indices.to_numpy(zero_copy_only=False)
        kinds = self._kinds.dictionary.to_pylist()
        return {kind: np.flatnonzero(codes == place) for place, kind in enumerate(kinds)}

    def of(self, kind: Kind) -> Positions:
        """Return the positions of the findings of a kind."""
        return self._positions.get(kind.value, _NOTHING)

    def counts(self, rows: Positions) -> dict[str, int]:
        """Return how many of these findings are of each kind, by name."""
        codes = self._kinds.indices.to_numpy(zero_copy_only=False)[rows]
        numbers = np.bincount(codes, minlength=len(self._kinds.dictionary)).tolist()
        counted = zip(self._kinds.dictionary.to_pylist(), numbers, strict=True)
        return {kind: count for kind, count in sorted(counted) if count}

    def texts(self, column: str, rows: Positions | None = None) -> Texts:
        """Return a column of text, of all findings or only of these `rows`."""
        whole = arrow_text.as_text_array(pa.array(self.frame[column], from_pandas=True))
        return whole if rows is None else whole.take(pa.array(rows))

    def are(self, column: str, word: str, rows: Positions) -> Mask:
        """Say for each of these findings whether a column of text holds this word."""
        same = pc.fill_null(pc.equal(self.texts(column, rows), word), fill_value=False)
        found: Mask = same.to_numpy(zero_copy_only=False)
        return found

    @cached_property
    def recorded(self) -> Positions:
        """When the records were sent, in microseconds; the least int64 without a time."""
        return microseconds(self.frame["local_sent_at"])

    @cached_property
    def sent(self) -> Positions:
        """When the messages were sent, likewise."""
        return microseconds(self.frame["provider_sent_at"])

    @cached_property
    def moments(self) -> Positions:
        """The time of the message, or without one that of the record, likewise."""
        return np.where(self.sent == _NULL, self.recorded, self.sent)

    @cached_property
    def timed(self) -> Mask:
        """Whether a finding has a time of day."""
        dated = (self.sent == _NULL) & np.isin(self.recorded, self.dates)
        timed: Mask = (self.moments != _NULL) & ~dated
        return timed
