"""Text for a terminal: colour, columns and wrapped lines, safe for any data."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

_CODES: Final = {
    "bold": "1",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
    "dim": "2",
}
_LINE_END: Final = re.compile(r"(\r?\n)")
#: Categories of characters that steer a terminal, break its lines or turn the direction of writing.
_STEERING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_COLOURED: Final = re.compile(r"\x1b\[[0-9;]*m")
_WORD: Final = re.compile(r"(\s*)(\S+)")


def paint(text: str, colour: str, *, on: bool) -> str:
    """Return `text` in a colour (ANSI, SGR), bold; unchanged if colours are not `on`."""
    code = _CODES[colour]
    strong = code if colour in {"bold", "dim"} else f"1;{code}"
    return f"\x1b[{strong}m{text}\x1b[0m" if on else text


def plain(text: str) -> str:
    """Return foreign text as one line without control characters.

    Controls, escapes, line breaks and characters that change the writing direction become `?`. The
    dots of a masked number become `*`, which every terminal can show.
    """
    shown = text.replace("•", "*")
    if shown.isprintable():
        return shown
    return "".join(
        "?" if unicodedata.category(character) in _STEERING else character for character in shown
    )


def escaped(content: str) -> str:
    r"""Return CSV or JSON with control characters written as in JSON: `\u009b`.

    The meaning of JSON does not change. Line ends stay.
    """
    parts = _LINE_END.split(content)
    return "".join(part if at % 2 else _escaped(part) for at, part in enumerate(parts))


def _escaped(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        _escape(character) if unicodedata.category(character) in _STEERING else character
        for character in line
    )


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def width_of(text: str) -> int:
    """Return how many columns of a terminal `text` takes; East Asian wide characters take two."""
    if text.isascii() and "\x1b" not in text:
        return len(text)
    return sum(
        0 if unicodedata.combining(character)
        else 2 if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in _COLOURED.sub("", text)
    )  # fmt: skip


def flow(pieces: Sequence[str], width: int, *, indent: str, hanging: str) -> list[str]:
    """Arrange pieces, each in one line, one after another in lines of up to `width`."""
    lines = [indent]
    for piece in pieces:
        empty = lines[-1] in {indent, hanging}
        if not empty and width_of(lines[-1]) + 1 + width_of(piece) > width:
            lines.append(hanging)
            empty = True
        lines[-1] += piece if empty else f" {piece}"
    return lines


def wrapped(text: str, width: int, *, indent: str = "", hanging: str | None = None) -> list[str]:
    """Wrap a sentence into lines of up to `width` columns, later lines after `hanging`.

    Nothing is left out; a word longer than a line is broken.
    """
    later, most = indent if hanging is None else hanging, max(width, 20)
    lines: list[str] = []
    line, is_empty = indent, True
    for blanks, word in _WORD.findall(text):
        if not is_empty and width_of(line + blanks + word) > most:
            lines.append(line)
            line, is_empty = later, True
        line += word if is_empty else blanks + word
        while width_of(line) > most and len(line) > len(later) + 1:
            at = _fitting(line, most)
            lines.append(line[:at])
            line = later + line[at:]
        is_empty = False
    return lines if is_empty else [*lines, line]


def _fitting(line: str, width: int) -> int:
    """Return how many characters of a line fit into `width` columns; at least one."""
    taken = 0
    for at, character in enumerate(line):
        taken += width_of(character)
        if taken > width:
            return max(at, 1)
    return len(line)


def columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, figures: frozenset[str] = frozenset()
) -> list[str]:
    """Format rows as columns under a header; the columns named in `figures` are right-aligned."""
    table = [header, *rows]
    widths = [max(width_of(row[at]) for row in table) for at in range(len(header))]
    lines = []
    for row in table:
        cells = [
            " " * (width - width_of(cell)) + cell
            if name in figures
            else cell + " " * (width - width_of(cell))
            for name, cell, width in zip(header, row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
