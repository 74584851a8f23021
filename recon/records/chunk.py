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
    """Raw values by the name of the column, like `frames.Raw`, which is by field."""
    broken: Sequence[str] = ()
    """An error for each row that does not parse: "line 7: no JSON". It never quotes the row."""

    def fields(self, mapping: Mapping[str, str]) -> Raw:
        """Return the columns by field; `mapping` gives the column of each field.

        Raises:
            InputError: a column has lost digits of its values, see `narrow_floats`.
        """
        for name in mapping.values():
            narrow_floats.require_exact(name, self.columns[name])
        return {field: self.columns[name] for field, name in mapping.items()}
