"""The lines of a CSV file whose quotes do not fit: which of them are whole records.

A quote that is never closed, or stray, makes one field of all that follows up to the next quote.
Where the rows below it look like rows, they are: then only the line with the quote is broken.
"""

from __future__ import annotations

import bisect
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

#: Lines that show what a row looks like.
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
    """What a record of a file looks like, as regular expressions over its bytes."""

    def __init__(self, delimiter: str, *, escape: bool) -> None:
        """Take a delimiter; with `escape` a backslash makes the next character a plain one."""
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
        """Say whether no quoted field is still open at the end of a line without its line break."""
        return self._complete.fullmatch(line) is not None

    def closing(self, line: bytes) -> int:
        """Return where the quote that closes a field from lines above ends; -1 without one."""
        found = self._close.match(line)
        return -1 if found is None else found.end()

    def complete_rest(self, rest: bytes) -> bool:
        """Say whether no field is open at the end of a line whose first field was just closed."""
        return self._rest.fullmatch(rest) is not None

    def fields(self, record: bytes) -> list[bytes]:
        """Return the fields of one record as the standard reads them."""
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
    """Say whether all cells of a line are blank, or it is the count that a database tool adds."""
    text = line.replace(delimiter, b"").replace(b'"', b"").strip(_BLANKS)
    return not text or _ROW_COUNT.fullmatch(text) is not None


class RowShape:
    """What the rows of a file look like: how many fields, which hold digits, where the time is."""

    def __init__(
        self, lines: Sequence[bytes], dialect: Dialect, count: int, places: Sequence[int], time: int
    ) -> None:
        """Learn from the first of `lines`.

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
        """Say whether a line without its line break has delimiters enough for a whole row."""
        return text.count(self._dialect.delimiter) >= self.count - 1

    def began_as_row(self, line: bytes) -> bool:
        """Say whether a line in which a quote is left open looks like a whole row."""
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
    """Why each of the others is none."""
    left: bytes = b""
    """The beginning of a record that goes on in the next block."""
    count: int = 0
    """How many records there are in all."""
    before: int = 0
    """How many there are before the block."""
    _broken_at: list[int] = field(default_factory=list)
    """How many whole ones stand before each broken one."""

    def number_of(self, place: int) -> int:
        """Return the number of a whole record, as rows are counted; `place` is from 1."""
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
        suspects: the places of lines that may leave a quote open, in order; each other line is a
            record by itself, unless it lies inside of one.
        shape: what rows of the file look like.
        dialect: how they are read.
        before: how many records come before these.
        last: whether nothing follows; else a record that is still open at the end is left.
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
    """Return where the record ends that begins with an open line, and why it is broken, if it is.

    It ends behind the last line where its quote is not closed before that. Where something but a
    delimiter follows the quote that closes it, or a line below looks like a row, only the first
    line is broken. Whether a record has too many or too few fields otherwise is not judged here.
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
