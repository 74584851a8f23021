"""Read a file of Octopods' messages for `recon diff`: columns, or items in the form of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pandas as pd

from recon.core import frames
from recon.core.link import Side
from recon.errors import InputError
from recon.octopods import api_errors, responses
from recon.records import file_formats, json_lines, suggestions

#: A field, and its name in the API's second shape.
_NAMES: Final = {
    "message_id": "channel_message_id",
    "phone_number": "user_phone_number",
    "sent_at": "created_at",
    "status": "message_status",
    "failure_reason": "failure_reason",
}
_OPTIONAL: Final = "failure_reason"
#: An object with none of these is not a message.
_NAMES_IN_ITEMS: Final = {"message_id", *_NAMES.values(), "phone_number", "sent_at"}

#: Lines of JSON that become one chunk.
_LINES: Final = 16_000

#: Fields whose texts come again and again.
_REPEATED: Final = ("status", "failure_reason")


def columns_of_answer(path: Path) -> dict[str, str] | None:
    """Return the columns of a saved answer to the list call, to read it as records.

    A file is such an answer if it is JSON and has the keys of one of the two shapes but no `id`;
    else return `None`.

    Raises:
        InputError: the file cannot be read, or is an answer that reports an error.
    """
    if not path.exists() or file_formats.format_of(path) != "jsonl":
        return None
    there = {*file_formats.column_names(path)}
    if "id" in there:
        return None
    if there >= {"message_id", "phone_number", "sent_at", "status"}:
        _refuse_errors(path)
        return {"id": ""}
    if there >= {"user_phone_number", "created_at", "message_status"}:
        _refuse_errors(path)
        return {
            "id": "",
            "message_id": "message_status.channel_message_id",
            "phone_number": "user_phone_number",
            "sent_at": "created_at",
            "status": "message_status.message_status",
        }
    return None


def provider_side(path: Path, seen_at: datetime) -> Side:
    """Read a file of provider messages.

    CSV and Parquet have the columns `message_id`, `phone_number`, `sent_at`, `status` and
    optionally `failure_reason`, or the API's other names for them. JSON may also contain items or
    whole answers of the list call, in either shape.

    Args:
        path: the file.
        seen_at: the time that counts as the time of the statuses, aware.

    Raises:
        InputError: the file cannot be read, lacks a column, or is an answer that reports an error.
    """
    broken: list[str] = []
    frame, rejects = frames.provider_frames(raw_chunks(path, broken), observed_at=seen_at)
    return Side(frame, with_unparsed(rejects, broken))


def raw_chunks(path: Path, broken: list[str]) -> Iterator[frames.Raw]:
    """Yield the rows of a file chunk by chunk, see `provider_side`.

    Args:
        path: the file.
        broken: collects an error for each line that does not parse.

    Raises:
        InputError: as `provider_side` does.
    """
    rows = _items if file_formats.format_of(path) == "jsonl" else _columns
    return rows(path, broken)


def with_unparsed(rejects: pd.DataFrame, broken: Sequence[str]) -> pd.DataFrame:
    """Return the rejects of a file together with its lines that do not parse."""
    return frames.concat([rejects, _unparsed(broken)]) if broken else rejects


def _columns(path: Path, broken: list[str]) -> Iterator[frames.Raw]:
    """Yield the rows in chunks; `broken` collects errors of parsing."""
    there = file_formats.column_names(path, [*_NAMES, *_NAMES.values()])
    mapping = _mapping(there, path)
    repeated = [mapping[field] for field in _REPEATED if field in mapping]
    for chunk in file_formats.chunks(
        path, list(mapping.values()), time=mapping["sent_at"], repeated=repeated
    ):
        broken += chunk.broken
        yield chunk.fields(mapping)


def _mapping(there: Sequence[str], path: Path) -> dict[str, str]:
    """Return the column of each field, by either name."""
    mapping = {
        field: next((name for name in (field, other) if name in there), "")
        for field, other in _NAMES.items()
    }
    lost = [field for field, name in mapping.items() if not name and field != _OPTIONAL]
    if lost:
        raise file_formats.missing_columns_error(path, lost, there, list(mapping.values()))
    return {field: name for field, name in mapping.items() if name}


def _items(path: Path, broken: list[str]) -> Iterator[frames.Raw]:
    """Yield the items in chunks; `broken` collects errors of parsing."""
    if not path.is_file():
        raise suggestions.no_such_file(path)
    keys = dict[str, None]()
    with file_formats.translate_errors(path):
        lines = _answered(path)
        while some := list(islice(lines, _LINES)):
            columns: dict[str, list[Any]] = {field: [] for field in _NAMES}
            for line in some:
                if not isinstance(line.item, dict):
                    broken.append(line.broken or f"line {line.number}: not an object")
                    continue
                if not line.item.keys() <= keys.keys():
                    keys.update(dict.fromkeys(line.item))
                for field, value in responses.flatten_item(line.item).items():
                    columns[field].append(value)
            yield columns
    nested = "message_status" in keys
    if keys and not nested:
        _mapping(list(keys), path)


def _answered(path: Path) -> Iterator[json_lines.Line]:
    """Yield the objects of a file of answers, without answers that only report an error.

    Raises:
        InputError: an answer reports an error, beside a list or without one. It proves nothing.
    """

    def refuse(answer: Mapping[str, Any], number: int) -> None:
        said = responses.error_beside_list(answer)
        if said is None or (not any(map(_is_list, answer.values())) and _says_nothing_sent(answer)):
            return
        code = api_errors.read_api_error(answer).code
        what = api_errors.code_name(code) if code else said
        raise InputError(
            f"{path} holds an answer of Octopods with {what} (line {number}): "
            "such an answer does not prove which messages were sent",
            hint="Save an answer without an error_code and without an error. If other answers in "
            "the file cover the same time, remove this one.",
        )

    for line in json_lines.lines(path, refuse):
        item = line.item
        if isinstance(item, dict) and not _NAMES_IN_ITEMS & item.keys():
            refuse(item, line.number)
            if _says_nothing_sent(item):
                continue
        yield line


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _says_nothing_sent(answer: Mapping[str, Any]) -> bool:
    """Say whether this is the error that an account without any sends gets."""
    return api_errors.read_api_error(answer).says_nothing_sent


def _refuse_errors(path: Path) -> None:
    with file_formats.translate_errors(path):
        for _ in _answered(path):
            pass


def _unparsed(reasons: Sequence[str]) -> pd.DataFrame:
    rows = pd.DataFrame({"key": list(reasons), "reason": list(reasons)})
    return rows.reindex(columns=list(frames.PROVIDER_REJECTS)).astype(dict(frames.PROVIDER_REJECTS))
