"""JSON files: one object a line, one array of objects, or an object that holds such an array."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from recon.errors import InputError
from recon.records import extended_json, text_files
from recon.records.chunk import Chunk
from recon.records.suggestions import not_found_error

#: Objects that become one chunk, and objects whose keys are read.
_LINES: Final = 16_000
_SAMPLE: Final = 100
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_EXTENDED: Final = '"$'
#: Under this name the list call answers with its items; an item itself has one of the others.
_ENVELOPE: Final = "messages"
_OF_A_RECORD: Final = ("message_id", "phone_number", "sent_at")
_decode: Final = json.JSONDecoder(parse_float=Decimal).raw_decode


#: Called with each object that holds a list of items, and its line, from 1.
Envelope: TypeAlias = Callable[[Mapping[str, Any], int], None]


class Line(NamedTuple):
    """One object of a file, or what stands in its place."""

    number: int
    """Its line, from 1, as an editor counts; in an array of many lines its place, from 1."""
    item: Any = None
    """What it holds. Numbers with a point are `Decimal`: nothing of them is lost."""
    broken: str | None = None
    """Why it cannot be read, where it cannot; never what is in it."""


def _ignore(_envelope: Mapping[str, Any], _line: int) -> None:
    """Take any envelope for a good one."""


def lines(path: Path, envelope: Envelope = _ignore) -> Iterator[Line]:
    """Yield the objects of a file, decoded; MongoDB's Extended JSON as plain values.

    A line may hold an array of objects, or an answer of the list call, in either shape.

    Args:
        path: the file.
        envelope: sees what stands beside a list of objects; it may raise.

    Raises:
        InputError: it is no text, or an array that is not valid JSON.
        OSError: it cannot be read.
    """
    every = enumerate(text_files.lines(path), start=1)
    filled = ((number, line) for number, raw in every if (line := raw.strip()))
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
    """Say whether the file is no JSON Lines: an array, or an object of many lines."""
    if not start:
        return False
    first, *second = start
    try:
        text = first.decode()
        _, end = _decode(text)
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
        yield from _of_array(path, b"\n".join(line for _, line in lines))
        return
    try:
        text = b"\n".join(line for _, line in lines).decode()
        values = list(_values(text))
    except (ValueError, RecursionError):
        for number, line in lines:
            yield from _of_line(number, line, envelope)
        return
    extended = _EXTENDED in text
    number = 0
    for value in values:
        for item in _items(value, number + 1, envelope, alone=len(values) == 1):
            number += 1
            yield _line(number, item, "object", extended=extended)


def _of_array(path: Path, raw: bytes) -> Iterator[Line]:
    text = raw.decode("utf-8", "replace")
    extended = _EXTENDED in text
    try:
        for number, value in enumerate(_values(text), start=1):
            yield _line(number, value, "item", extended=extended)
    except (ValueError, RecursionError) as cause:
        why = cause.msg if isinstance(cause, json.JSONDecodeError) else "nested too deeply"
        raise InputError(
            f"{path} is an array that is not valid JSON: {why}",
            hint="was it cut off? Export it again, or write one object a line (JSON Lines)",
        ) from cause


def _values(text: str) -> Iterator[Any]:
    """Yield the values that stand one after another, and those of an array one by one.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    at = _skip(text, 0)
    while at < len(text):
        if text[at] != "[":
            value, at = _decode(text, at)
            yield value
        else:
            at = _skip(text, at + 1)
            closed = text[at : at + 1] == "]"
            while not closed:
                value, at = _decode(text, at)
                yield value
                at = _skip(text, at)
                closed = text[at : at + 1] == "]"
                if not closed:
                    if text[at : at + 1] != ",":
                        raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
                    at = _skip(text, at + 1)
            at += 1
        at = _skip(text, at)


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return at if found is None else found.end()


def _of_line(
    number: int, line: bytes, envelope: Envelope, *, alone: bool = False
) -> Iterator[Line]:
    try:
        text = line.decode("utf-8")
        value, end = _decode(text)
    except UnicodeDecodeError:
        yield Line(number, broken=f"line {number}: no UTF-8")
    except json.JSONDecodeError as cause:
        yield Line(number, broken=f"line {number}: no JSON, {cause.msg}")
    except (ValueError, RecursionError):
        yield Line(number, broken=f"line {number}: JSON beyond all measure")
    else:
        if end != len(text):
            yield Line(number, broken=f"line {number}: no JSON, Extra data")
            return
        extended = _EXTENDED in text
        if not extended and isinstance(value, dict) and not alone and _ENVELOPE not in value:
            yield Line(number, value)
            return
        for item in _items(value, number, envelope, alone=alone):
            yield _line(number, item, "line", extended=extended)


def _line(number: int, item: object, what: str, *, extended: bool) -> Line:
    if not isinstance(item, dict):
        return Line(number, item, f"{what} {number}: no object")
    return Line(number, extended_json.plain(item) if extended else item)


def _items(
    value: Any,  # noqa: ANN401 - whatever JSON holds
    number: int,
    envelope: Envelope,
    *,
    alone: bool,
) -> Sequence[Any]:
    """Return the objects that a value holds, or the value itself.

    Args:
        value: decoded JSON.
        number: its line.
        envelope: called with it where it is an object that holds a list of objects.
        alone: whether the file holds nothing else: then any list of objects in it is meant.
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

    A key that an object lacks is null there. `outer.inner` is the key of an object in an object,
    where no key is called so itself. An object of which all values are blank is no row.
    """
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
