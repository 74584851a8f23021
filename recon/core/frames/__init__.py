"""The canonical frames: what the records and the provider's messages look like inside.

Raw columns (`Raw`) are turned into typed frames and a list of unreadable rows. A bad row does not
affect the good ones, no id is converted to a float, and every time is `datetime64[us, UTC]`. The
order of rows has no meaning; the index is a `RangeIndex`.
"""

from recon.core.frames.columns import Raw
from recon.core.frames.layout import (
    LOCAL,
    LOCAL_REJECTS,
    PROVIDER,
    PROVIDER_REJECTS,
    concat,
    empty_local,
    empty_local_rejects,
    empty_provider,
    empty_provider_rejects,
    rejected_lines,
)
from recon.core.frames.message_frame import (
    PROVIDER_FIELDS,
    MessageChunk,
    message_chunk,
    message_rejects,
    one_per_id,
    provider_frames,
)
from recon.core.frames.record_frame import local_frame

__all__ = [
    "LOCAL",
    "LOCAL_REJECTS",
    "PROVIDER",
    "PROVIDER_FIELDS",
    "PROVIDER_REJECTS",
    "MessageChunk",
    "Raw",
    "concat",
    "empty_local",
    "empty_local_rejects",
    "empty_provider",
    "empty_provider_rejects",
    "local_frame",
    "message_chunk",
    "message_rejects",
    "one_per_id",
    "provider_frames",
    "rejected_lines",
]
