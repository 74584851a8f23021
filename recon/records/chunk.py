"""A chunk of a file: some of its rows, as raw columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from recon.records import narrow_floats

if TYPE_CHECKING:
    from recon.core.frames import Raw


class Chunk(NamedTuple):
    """Some rows of a file."""

    columns: Mapping[str, Any]
    """Raw values by the name of the column: `frames.Raw`, but by column."""
    broken: Sequence[str] = ()
    """Why each row that does not parse does not: "line 7: no JSON". Never what is in it."""

    def fields(self, mapping: Mapping[str, str]) -> Raw:
        """Return the columns by field, where `mapping` is field to column.

        Raises:
            InputError: a column cannot hold what is in it, see `narrow_floats`.
        """
        for name in mapping.values():
            narrow_floats.require_exact(name, self.columns[name])
        return {field: self.columns[name] for field, name in mapping.items()}
