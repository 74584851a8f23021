"""The lasting identity of findings: 64 bits, the same in each run that reports the same finding.

It is made of the account, the kind and the rows that a finding is about, never of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from recon.core import arrow_text
from recon.core.arrow_text import Positions, Texts

Identities: TypeAlias = npt.NDArray[np.uint64]

_BETWEEN: Final = "\x1f"
_DIGITS: Final = 16
_BYTES: Final = _DIGITS // 2
#: So many texts are made Python objects at a time, since these take several times the memory.
_AT_ONCE: Final = 65_536


class FindingKeys(NamedTuple):
    """The ids of the rows that each finding is about."""

    kind: Texts
    local: Texts
    """Null without a record."""
    provider: Texts
    """Null without a message."""


def identify(
    account: str, names: FindingKeys, content: Callable[[Positions], pd.DataFrame]
) -> Identities:
    """Give each finding its identity.

    Rows with equal ids, or without ids, are distinguished by their place when sorted by content. So
    each has an identity, and the set of identities does not depend on row order.

    Args:
        account: whose findings they are.
        names: the ids of their rows.
        content: returns, for positions of findings, other columns that distinguish their rows, the
            most specific first.
    """
    identity = _hashed(account, names, np.zeros(len(names.kind), dtype=np.int64))
    ascending = np.sort(identity)
    repeated = ascending[1:][ascending[1:] == ascending[:-1]]
    if repeated.size:
        rows = np.flatnonzero(np.isin(identity, repeated))
        named = {
            name: arrow_text.to_series(texts.take(pa.array(rows)))
            for name, texts in names._asdict().items()
        }
        alike = pd.DataFrame(named).join(content(rows).reset_index(drop=True).add_prefix("its "))
        alike = alike.sort_values(list(alike.columns))
        place = alike.groupby(list(named), dropna=False).cumcount()
        at = rows[alike.index.to_numpy()]
        some = FindingKeys(*(texts.take(pa.array(at)) for texts in names))
        identity[at] = _hashed(account, some, np.asarray(place))
    return identity


def hexadecimal(identity: Identities) -> pd.Series[str]:
    """Write each identity with 16 digits, which sort as the identities do."""
    digits = identity.astype(">u8").tobytes().hex().encode()
    bounds = np.arange(0, len(digits) + 1, _DIGITS, dtype=np.int64)
    words = pa.LargeStringArray.from_buffers(
        len(identity), pa.py_buffer(bounds), pa.py_buffer(digits)
    )
    return arrow_text.to_series(words)


def _hashed(account: str, names: FindingKeys, place: npt.NDArray[np.int64]) -> Identities:
    pieces = (
        *(arrow_text.coalesce(texts, "") for texts in names),
        arrow_text.as_text_array(pa.array(place)),
    )
    rows = arrow_text.join(account, *pieces, between=_BETWEEN).cast(pa.large_binary())
    # To copy a hash takes half as long as to make one.
    fresh = blake2b(digest_size=_BYTES)

    def digest(row: bytes) -> bytes:
        hashed = fresh.copy()
        hashed.update(row)
        return hashed.digest()

    made = bytearray()
    for start in range(0, len(rows), _AT_ONCE):
        made += b"".join(map(digest, rows.slice(start, _AT_ONCE).to_pylist()))
    return np.frombuffer(made, dtype=">u8").astype(np.uint64)
