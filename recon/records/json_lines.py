"""Read JSON files: one object a line, an array of objects, or an object with such an array."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from recon.errors import InputError
from recon.records import extended_json, json_text, text_files
from recon.records.chunk import Chunk
from recon.records.suggestions import not_found_error

#: Objects that become one chunk, and objects whose keys are read.
_LINES: Final = 16_000
_SAMPLE: Final = 100
_EXTENDED: Final = '"$'
#: What may stand around a line; the last one is the record separator of JSON text sequences
#: (RFC 7464).
_AROUND: Final = b" \t\r\n\x1e"
#: Under this name the list call answers with its items; an item itself has one of the others.
_ENVELOPE: Final = "messages"
_OF_A_RECORD: Final = ("message_id", "phone_number", "sent_at")


#: Called with each object that holds a list of items, and its line, from 1.
Envelope: TypeAlias = Callable[[Mapping[str, Any], int], None]


class Line(NamedTuple):
    """One object of a file, or another value in its place."""

    number: int
    """Its line number, from 1; in an array of many lines its position, from 1."""
    item: Any = None
    """Its value. Numbers with a point are `Decimal`, without any loss."""
    broken: str | None = None
    """The error if it cannot be read; it never quotes the value."""


def _ignore(_envelope: Mapping[str, Any], _line: int) -> None:
    """Take any envelope for a good one."""


def lines(path: Path, envelope: Envelope = _ignore) -> Iterator[Line]:
    """Yield the decoded objects of a file; MongoDB's Extended JSON becomes plain values.

    A line may hold an array of objects, or an answer of the list call, in either shape.

    Args:
        path: the file.
        envelope: called with objects that contain a list of objects; it may raise.

    Raises:
        InputError: it is not text, or an array that is not valid JSON.
        OSError: it cannot be read.
    """
    every = enumerate(text_files.lines(path), start=1)
    filled = ((number, line) for number, raw in every if (line := raw.strip(_AROUND)))
    start = list(islice(filled, 2))
    if _is_one_document([line for _, line in start]):
        yield from _of_document(path, start, filled, envelope)
        return
    if len(start) == 1:
        yield from _of_line(*start[0], envelope, alone=True)
        return
    for number, line in chain(start, filled):
        yield from _of_line(number, line, envelope)


def _is_one_document(start: Sequence[bytes]) -> bool:
    """Say whether the file is not JSON Lines, but an array or an object of many lines."""
    if not start:
        return False
    first, *second = start
    try:
        text = first.decode()
        _, end = json_text.decode(text)
    except json.JSONDecodeError as cause:
        return first.startswith(b"[") or (bool(second) and cause.pos >= len(cause.doc))
    except (ValueError, RecursionError):
        return first.startswith(b"[")
    return first.startswith(b"[") and end == len(text) and not second


def _of_document(
    path: Path,
    start: Sequence[tuple[int, bytes]],
    rest: Iterator[tuple[int, bytes]],
    envelope: Envelope,
) -> Iterator[Line]:
    lines = [*start, *rest]
    if start[0][1].startswith(b"["):
        yield from _of_array(path, b"\n".join(line for _, line in lines), envelope)
        return
    try:
        text = b"\n".join(line for _, line in lines).decode()
        values = list(json_text.values(text))
    except (ValueError, RecursionError) as cause:
        if not any(json_text.begins_with_object(line) for _, line in lines):
            raise _no_json(path, "an object", cause) from cause
        for number, line in lines:
            yield from _of_line(number, line, envelope)
        return
    extended = _EXTENDED in text
    number = 0
    for value in values:
        for item in _items(value, number + 1, envelope, alone=len(values) == 1):
            number += 1
            yield _line(number, item, "object", extended=extended)


def _of_array(path: Path, raw: bytes, envelope: Envelope) -> Iterator[Line]:
    text = raw.decode("utf-8", "replace")
    extended = _EXTENDED in text
    number = 0
    try:
        for value in json_text.values(text):
            for item in _items(value, number + 1, envelope, alone=False):
                number += 1
                yield _line(number, item, "item", extended=extended)
    except (ValueError, RecursionError) as cause:
        raise _no_json(path, "an array", cause) from cause


def _no_json(path: Path, what: str, cause: Exception) -> InputError:
    return InputError(
        f"{path} is {what} that is not valid JSON: {json_text.reason(cause)}",
        hint="It may be cut off: export it again, or write one object per line (JSON Lines).",
    )


def _of_line(
    number: int, line: bytes, envelope: Envelope, *, alone: bool = False
) -> Iterator[Line]:
    try:
        text = line.decode("utf-8")
        value, end = json_text.decode(text)
    except UnicodeDecodeError:
        yield Line(number, broken=f"line {number}: not UTF-8")
    except json.JSONDecodeError as cause:
        yield Line(number, broken=f"line {number}: not JSON, {json_text.reason(cause)}")
    except (ValueError, RecursionError):
        yield Line(number, broken=f"line {number}: JSON that is too large or too deep")
    else:
        extended = _EXTENDED in text
        if end != len(text):
            items = _of_several(text, number, envelope)
            if not items:
                yield Line(number, broken=f"line {number}: not JSON, Extra data")
        elif not extended and isinstance(value, dict) and not alone and _ENVELOPE not in value:
            yield Line(number, value)
            return
        else:
            items = _items(value, number, envelope, alone=alone)
        for item in items:
            yield _line(number, item, "line", extended=extended)


def _of_several(text: str, number: int, envelope: Envelope) -> Sequence[Any]:
    """Return the objects of a line with several objects, else nothing."""
    every = json_text.one_after_another(text)
    return [item for one in every for item in _items(one, number, envelope, alone=False)]


def _line(number: int, item: object, what: str, *, extended: bool) -> Line:
    if not isinstance(item, dict):
        return Line(number, item, f"{what} {number}: not an object")
    return Line(number, extended_json.plain(item) if extended else item)


def _items(
    value: Any,  # noqa: ANN401 - whatever JSON holds
    number: int,
    envelope: Envelope,
    *,
    alone: bool,
) -> Sequence[Any]:
    """Return the objects in a value, or the value itself.

    Args:
        value: decoded JSON.
        number: its line.
        envelope: called with the value if it is an object that contains a list of objects.
        alone: whether the file contains nothing else: then any list of objects in it counts.
    """
    if isinstance(value, list):
        return value if not value or any(isinstance(one, dict) for one in value) else [value]
    if not isinstance(value, dict):
        return [value]
    listed = value.get(_ENVELOPE)
    if isinstance(listed, list) and not any(key in value for key in _OF_A_RECORD):
        envelope(value, number)
        return listed
    lists = [one for one in value.values() if isinstance(one, list) and one]
    if alone and len(lists) == 1 and all(isinstance(one, dict) for one in lists[0]):
        scalars = all(not isinstance(one, dict) for one in value.values())
        if scalars and not any(key in value for key in _OF_A_RECORD):
            envelope(value, number)
            return lists[0]
    return [value]


def keys(path: Path) -> tuple[str, ...]:
    """Return the keys of the first objects, in their order."""
    items = (line.item for line in islice(lines(path), _SAMPLE))
    return tuple(dict.fromkeys(key for item in items if isinstance(item, dict) for key in item))


def chunks(path: Path, columns: Sequence[str], *, time: str | None = None) -> Iterator[Chunk]:
    """Yield the objects as rows; see `file_formats.chunks`.

    A missing key is null. `outer.inner` is the key of a nested object, unless a key itself has this
    name. An object whose values are all blank is not a row.
    """
    seen: dict[str, None] = {}
    every = lines(path)
    while some := list(islice(every, _LINES)):
        rows = [line.item for line in some if isinstance(line.item, dict)]
        broken = [
            line.broken or f"line {line.number}: not an object"
            for line in some
            if not isinstance(line.item, dict)
        ]
        for row in rows:
            if not row.keys() <= seen.keys():
                seen.update(dict.fromkeys(row))
        if time is not None and not all(row.get(time) for row in rows):
            rows = [row for row in rows if not _is_blank(row)]
        yield Chunk({name: _column(name, rows, seen) for name in columns}, broken)
    absent = [name for name in columns if name not in seen]
    if seen and absent:
        raise not_found_error("column", absent, seen, where=str(path), mapped=columns)


def _column(name: str, rows: Sequence[dict[str, Any]], seen: dict[str, None]) -> list[Any]:
    outer, point, inner = name.partition(".")
    if not point or name in seen or outer not in seen:
        return [row.get(name) for row in rows]
    nested = [within if isinstance(within := row.get(outer), dict) else {} for row in rows]
    below = dict.fromkeys(key for one in nested for key in one)
    values = _column(inner, nested, below)
    if inner in below:
        seen[name] = None
    return values


def _is_blank(row: dict[str, Any]) -> bool:
    return bool(row) and all(
        value is None or (isinstance(value, str) and not value.strip()) for value in row.values()
    )
