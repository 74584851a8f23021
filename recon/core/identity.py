"""The lasting identity of findings: 64 bits, the same in every run that finds the same thing.

It is made of the account, the kind and the rows that a finding is about, never of a run.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Identities: TypeAlias = npt.NDArray[np.uint64]

#: What names the rows that a finding is about, in a frame of findings.
NAMES: Final = ("kind", "local_key", "provider_key")
_BETWEEN: Final = "\x1f"
_DIGITS: Final = 16


def identify(account: str, found: pd.DataFrame) -> Identities:
    """Give each finding its identity.

    Rows that are alike in all that names them (a table without an id) are told apart by their
    place in time, so that each has an identity and the set of them does not depend on row order.

    Args:
        account: whose findings they are.
        found: `NAMES`, both times, and what else tells rows apart; its index counts from 0.
    """
    identity = _hashed(account, found, np.zeros(len(found), dtype=np.int64))
    ascending = np.sort(identity)
    repeated = ascending[1:][ascending[1:] == ascending[:-1]]
    if repeated.size:
        alike = found.loc[np.isin(identity, repeated)]
        content = ["local_sent_at", "provider_sent_at", "message_id", "phone_number"]
        alike = alike.sort_values([*NAMES, *content, "local_status"])
        place = alike.groupby(list(NAMES), dropna=False).cumcount()
        identity[alike.index.to_numpy()] = _hashed(account, alike, np.asarray(place))
    return identity


def hexadecimal(identity: Identities) -> pd.Series[str]:
    """Write each identity with 16 digits, which sort as the identities do."""
    digits = identity.astype(">u8").tobytes().hex().encode()
    bounds = np.arange(0, len(digits) + 1, _DIGITS, dtype=np.int64)
    words = pa.LargeStringArray.from_buffers(
        len(identity), pa.py_buffer(bounds), pa.py_buffer(digits)
    )
    return pd.Series(pd.array(words, dtype="str"))


def _hashed(account: str, found: pd.DataFrame, place: npt.NDArray[np.int64]) -> Identities:
    content = pc.binary_join_element_wise(
        pa.scalar(account, pa.large_string()),
        *(_arrow(found[name]) for name in NAMES),
        pa.array(place).cast(pa.large_string()),
        pa.scalar(_BETWEEN, pa.large_string()),
        null_handling="replace",
    )
    rows = content.cast(pa.large_binary()).to_pylist()
    digests = b"".join([blake2b(row, digest_size=8).digest() for row in rows])
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


def _arrow(column: pd.Series) -> pa.Array:
    texts = pa.array(column, from_pandas=True)
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return whole.cast(pa.large_string())
