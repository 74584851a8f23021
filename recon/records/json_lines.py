"""JSON Lines: one object a line, in UTF-8."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from recon.records.chunk import Chunk
from recon.records.suggestions import missing

#: Lines that become one chunk, and objects whose keys are looked at.
_LINES: Final = 16_000
_SAMPLE: Final = 100
_BOM: Final = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line of a file that is not blank."""

    number: int
    """From 1, as an editor counts."""
    item: Any = None
    """What the line holds. Numbers with a point are `Decimal`: nothing of them is lost."""
    broken: str | None = None
    """Why it cannot be read, where it cannot; never what is in it."""


def lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a file, decoded.

    Raises:
        OSError: it cannot be read.
    """
    opened: Any = gzip.open if path.suffix.lower() == ".gz" else Path.open
    decode = json.JSONDecoder(parse_float=Decimal).raw_decode
    with opened(path, "rb") as file:
        for number, raw in enumerate(file, start=1):
            line = raw.removeprefix(_BOM).strip() if number == 1 else raw.strip()
            if not line:
                continue
            try:
                text = line.decode("utf-8")
                item, end = decode(text)
                if end == len(text):
                    yield Line(number, item)
                else:
                    yield Line(number, broken=f"line {number}: no JSON, Extra data")
            except UnicodeDecodeError:
                yield Line(number, broken=f"line {number}: no UTF-8")
            except json.JSONDecodeError as cause:
                yield Line(number, broken=f"line {number}: no JSON, {cause.msg}")
            except (ValueError, RecursionError):
                yield Line(number, broken=f"line {number}: JSON beyond all measure")


def keys(path: Path) -> tuple[str, ...]:
    """Return the keys of the first objects, in their order."""
    items = (line.item for line in islice(lines(path), _SAMPLE))
    return tuple(dict.fromkeys(key for item in items if isinstance(item, dict) for key in item))


def chunks(path: Path, columns: Sequence[str]) -> Iterator[Chunk]:
    """Yield the objects as rows, see `file_formats.chunks`; a key that one lacks is null there."""
    seen: dict[str, None] = {}
    every = lines(path)
    while some := list(islice(every, _LINES)):
        rows = [line.item for line in some if isinstance(line.item, dict)]
        broken = [
            line.broken or f"line {line.number}: no object"
            for line in some
            if not isinstance(line.item, dict)
        ]
        for row in rows:
            if not row.keys() <= seen.keys():
                seen.update(dict.fromkeys(row))
        yield Chunk({name: [row.get(name) for row in rows] for name in columns}, broken)
    absent = [name for name in columns if name not in seen]
    if seen and absent:
        raise missing("column", absent, seen, where=str(path))
