"""Sort the lines of a CSV file whose quotes do not match into records.

A quote that is stray or never closed makes one field of everything up to the next quote. If lines
below it look like rows, they are rows, and only the line with the quote is broken.
"""

from __future__ import annotations

import bisect
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

#: How many lines show the form of a row.
_SAMPLE: Final = 300
#: The share of rows that hold a digit in a column, from which on every row is expected to.
_USUAL: Final = 0.9
_LEAST_DIGITS: Final = 4
_MOST_LETTERS: Final = 12
_LONGEST_TIME: Final = 45
_DIGIT: Final = re.compile(rb"[0-9]")
_LETTER: Final = re.compile(rb"[A-Za-z]")
_EMPTY: Final = frozenset({b"\n", b"\r\n", b"\r"})
#: Blanks, and what fills up or ends a file: NUL, and the end of file of DOS.
_BLANKS: Final = b" \t\r\n\v\f\0\x1a"
_BLANK: Final = frozenset({b"", b"null", b"\\n", b"none", b"nan", b"(null)", b"-"})
#: `(3 rows)` of psql, `(3 rows affected)` of sqlcmd, `3 rows selected.` of SQL*Plus.
_ROW_COUNT: Final = re.compile(
    rb"\(?[0-9]+ row(?:s|\(s\))?(?: (?:selected|affected|returned|produced))?\.?\)?", re.IGNORECASE
)
_UNCLOSED: Final = "a quote is never closed"


class Dialect:
    """The syntax of a file's records, as regular expressions on bytes."""

    def __init__(self, delimiter: str, *, escape: bool) -> None:
        """Build the expressions for a delimiter; with `escape` a backslash escapes a character."""
        self.delimiter = delimiter.encode()
        self.escape = escape
        mark = re.escape(self.delimiter)
        plain = rb"(?:[^%s\\]|\\.)" % mark if escape else b"[^%s]" % mark
        first = rb"(?:[^%s\"\\]|\\.)" % mark if escape else b'[^%s"]' % mark
        inside = rb'(?:[^"\\]|\\.|"")*+' if escape else b'(?:[^"]|"")*+'
        either = b'(?:"%s"(?!")%s*+|%s%s*+|)' % (inside, plain, first, plain)
        self._complete = re.compile(b"%s(?:%s%s)*+" % (either, mark, either), re.DOTALL)
        self._rest = re.compile(b"%s*+(?:%s%s)*+" % (plain, mark, either), re.DOTALL)
        self._close = re.compile(b'%s"(?!")' % inside, re.DOTALL)

    def complete(self, line: bytes) -> bool:
        """Say whether no quoted field is open at the end of a line without its line break."""
        return self._complete.fullmatch(line) is not None

    def closing(self, line: bytes) -> int:
        """Return the end of the quote that closes a field from earlier lines; -1 without one."""
        found = self._close.match(line)
        return -1 if found is None else found.end()

    def complete_rest(self, rest: bytes) -> bool:
        """Say whether no field is open at the end of a line whose first field was just closed."""
        return self._rest.fullmatch(rest) is not None

    def fields(self, record: bytes) -> list[bytes]:
        """Return the fields of one record by the standard."""
        text = io.StringIO(record.decode("utf-8", "surrogateescape"), newline="")
        escape = "\\" if self.escape else None
        mark = self.delimiter.decode()
        try:
            found = next(csv.reader(text, delimiter=mark, escapechar=escape), [])
        except csv.Error:
            return []
        return [one.encode("utf-8", "surrogateescape") for one in found]


def without_line_break(line: bytes) -> bytes:
    """Return a line without its line break."""
    return line.rstrip(b"\r\n")


def is_no_record(line: bytes, delimiter: bytes) -> bool:
    """Say whether all cells of a line are blank, or it is a count that a database tool added."""
    text = line.replace(delimiter, b"").replace(b'"', b"").strip(_BLANKS)
    return not text or _ROW_COUNT.fullmatch(text) is not None


class RowShape:
    """The form of a file's rows: the number of fields, those with digits, that with the time."""

    def __init__(
        self, lines: Sequence[bytes], dialect: Dialect, count: int, places: Sequence[int], time: int
    ) -> None:
        """Derive the form from the first of `lines`.

        Args:
            lines: of the file.
            dialect: how they are read.
            count: how many fields a row has.
            places: those that are wanted.
            time: the one with the time, -1 without one.
        """
        self.count = count
        self._dialect = dialect
        self._time = -1
        rows = [
            row
            for line in lines[:_SAMPLE]
            if len(row := self._split(without_line_break(line))) == count
        ]
        self._numeric = [
            place
            for place in places
            if place != time
            and rows
            and sum(map(_has_digit, (row[place] for row in rows))) >= _USUAL * len(rows)
        ]
        if time >= 0 and 2 * sum(_is_time(row[time]) for row in rows) >= len(rows):
            self._time = time

    def is_row(self, line: bytes) -> bool:
        """Say whether a line by itself looks like a whole row."""
        text = without_line_break(line)
        if not self.could_be_row(text):
            return False
        spare = 0 if b'"' in text else 1
        return any(
            len(fields) == self.count and self._fits(fields, spare)
            for fields in (text.split(self._dialect.delimiter), self._split(text))
        )

    def could_be_row(self, text: bytes) -> bool:
        """Say whether a line without its line break has enough delimiters for a whole row."""
        return text.count(self._dialect.delimiter) >= self.count - 1

    def began_as_row(self, line: bytes) -> bool:
        """Say whether a line with an open quote looks like a whole row."""
        fields = without_line_break(line).split(self._dialect.delimiter)
        if len(fields) < self.count:
            return False
        return self._fits(fields[: self.count], 0) or self._fits(fields[-self.count :], 0)

    def _split(self, text: bytes) -> list[bytes]:
        whole = b'"' in text and self._dialect.complete(text)
        return self._dialect.fields(text) if whole else text.split(self._dialect.delimiter)

    def _fits(self, fields: Sequence[bytes], spare: int) -> bool:
        if not self._numeric:
            return False
        lacking = sum(not _has_digit(fields[place]) for place in self._numeric)
        if self._time < 0 or _is_time(fields[self._time]):
            return lacking <= spare
        return lacking == 0 and _is_blank(fields[self._time])


def _is_blank(cell: bytes) -> bool:
    return cell.strip(b' "').lower() in _BLANK


def _has_digit(cell: bytes) -> bool:
    return _DIGIT.search(cell) is not None


def _is_time(cell: bytes) -> bool:
    return (
        len(cell) <= _LONGEST_TIME
        and len(_DIGIT.findall(cell)) >= _LEAST_DIGITS
        and len(_LETTER.findall(cell)) <= _MOST_LETTERS
    )


@dataclass(slots=True)
class SortedLines:
    """The lines of a block, sorted into whole records and broken ones."""

    whole: list[bytes] = field(default_factory=list)
    """Records, each of one or more lines."""
    broken: list[str] = field(default_factory=list)
    """The error of each other record."""
    left: bytes = b""
    """The beginning of a record that continues in the next block."""
    count: int = 0
    """The number of all records."""
    before: int = 0
    """The number of records before the block."""
    _broken_at: list[int] = field(default_factory=list)
    """The number of whole records before each broken one."""

    def number_of(self, place: int) -> int:
        """Return the row number of a whole record; `place` counts from 1."""
        return self.before + place + bisect.bisect_left(self._broken_at, place)

    def keep(self, records: Sequence[bytes]) -> None:
        """Add whole records."""
        self.whole += records
        self.count += len(records)

    def reject(self, why: str) -> None:
        """Add a broken record."""
        self.count += 1
        self.broken.append(f"row {self.before + self.count}: {why}")
        self._broken_at.append(len(self.whole))


def sort_lines(
    lines: Sequence[bytes],
    suspects: Sequence[int],
    shape: RowShape,
    dialect: Dialect,
    *,
    before: int,
    last: bool,
) -> SortedLines:
    """Sort lines, each with its line break, into records.

    Args:
        lines: of a block.
        suspects: the positions of lines that may leave a quote open, in order; each other line is a
            record by itself, unless it is inside one.
        shape: the form of the file's rows.
        dialect: how they are read.
        before: how many records are before these.
        last: whether this is the end of the file; otherwise a record that is open at the end is
            left over.
    """
    found = SortedLines(before=before)
    at = 0
    while at < len(lines):
        place = bisect.bisect_left(suspects, at)
        suspect = suspects[place] if place < len(suspects) else len(lines)
        found.keep([line for line in lines[at:suspect] if line not in _EMPTY])
        at = suspect
        if at == len(lines):
            break
        text = without_line_break(lines[at])
        if dialect.complete(text):
            until, why = at + 1, ""
        else:
            until, why = _record(lines, at, shape, dialect)
            if until > len(lines):
                if not last:
                    found.left = b"".join(lines[at:])
                    break
                until, why = at + 1, _UNCLOSED
        record = b"".join(lines[at:until])
        at = until
        if why:
            found.reject(why)
        elif without_line_break(record):
            found.keep([record])
    return found


def _record(
    lines: Sequence[bytes], start: int, shape: RowShape, dialect: Dialect
) -> tuple[int, str]:
    """Return where a record that begins with an open line ends, and its error, if it is broken.

    If its quote is never closed, it ends after the last line. If the closing quote is followed by
    something other than a delimiter, or a line below looks like a row, only the first line is
    broken. The number of fields is not checked here.
    """
    could_be_rows = False
    for at in range(start + 1, len(lines)):
        text = without_line_break(lines[at])
        end = dialect.closing(text)
        could_be_rows |= shape.could_be_row(text)
        if end < 0:
            if shape.is_row(text):
                return start + 1, _UNCLOSED
            continue
        rest = text[end:]
        if rest and not rest.startswith(dialect.delimiter):
            return start + 1, _UNCLOSED
        if shape.is_row(text) and shape.began_as_row(lines[start]):
            return start + 1, _UNCLOSED
        if dialect.complete_rest(rest):
            record = b"".join(lines[start : at + 1])
            if could_be_rows and len(dialect.fields(record)) != shape.count:
                return start + 1, _UNCLOSED
            return at + 1, ""
    return len(lines) + 1, ""
