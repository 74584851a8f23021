"""Read text files of any encoding as UTF-8; for other files, the error says what they are."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from recon.errors import InputError
from recon.records import file_signatures

#: The bytes that decide the encoding, and in which the header of a CSV file lies.
HEAD_BYTES: Final = 1 << 20

_GZIP: Final = b"\x1f\x8b"
_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Bytes that a text in Windows-1252 does not hold: unassigned ones, and `ÿ`, which no language
#: needs and which is what damage looks like.
_NOT_WINDOWS_1252: Final = frozenset(b"\x81\x8d\x8f\x90\x9d\xff")
_FIRST_HIGH: Final = 0x80
_SURROGATES: Final = range(0xDC80, 0xDD00)


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading, unpacked if its name ends with `.gz`.

    Raises:
        InputError: its name ends with `.gz`, but it is not compressed with gzip.
        OSError: it cannot be opened.
    """
    if path.suffix.lower() != ".gz":
        return path.open("rb")
    with path.open("rb") as packed:
        start = packed.read(len(_GZIP))
    if start not in (_GZIP, b""):
        raise InputError(
            f"{path} is not compressed with gzip, though its name ends with .gz",
            hint="Remove .gz from its name, or export it again.",
        )
    opened: Any = gzip.open(path, "rb")  # noqa: SIM115 - the caller closes it
    return opened  # type: ignore[no-any-return]


def encoding_of(head: bytes, path: Path) -> str:
    """Return the name of the codec for a text that begins with `head`.

    It is UTF-8, unless a byte order mark or NUL bytes beside plain letters show UTF-16 or UTF-32,
    or all bytes beyond ASCII are letters or signs of Windows-1252 and none are UTF-8.

    Raises:
        InputError: it is not text; the message says what it is.
    """
    other = file_signatures.kind_of_binary(head, path)
    if other is not None:
        raise InputError(f"{path} is {other[0]}", hint=other[1])
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if b"\0" in head[:64]:
        return _without_mark(head[:64], path)
    try:
        codecs.utf_8_decode(head, "strict", False)
    except UnicodeDecodeError:
        return _single_bytes(head)
    return "utf-8"


def _without_mark(start: bytes, path: Path) -> str:
    """Detect the encoding by the positions of NUL bytes beside plain letters."""
    for name, width, letter in (
        ("utf-32-le", 4, 0),
        ("utf-32-be", 4, 3),
        ("utf-16-le", 2, 0),
        ("utf-16-be", 2, 1),
    ):
        whole = start[: len(start) // width * width]
        letters = whole[letter::width]
        others = [whole[at::width] for at in range(width) if at != letter]
        if 0 not in letters and letters and all(not any(other) for other in others):
            return name
    raise InputError(f"{path} has NUL bytes: it is not text", hint="Export it as CSV, in UTF-8.")


def _single_bytes(head: bytes) -> str:
    text = head.decode("utf-8", "surrogateescape")
    odd = {ord(char) for char in text if ord(char) >= _FIRST_HIGH}
    damaged = {code - 0xDC00 for code in odd if code in _SURROGATES}
    if len(damaged) < len(odd) or damaged & _NOT_WINDOWS_1252:
        return "utf-8"
    return "cp1252"


def blocks(path: Path, size: int = 1 << 24) -> Iterator[bytes]:
    """Yield a text file in pieces of about `size` bytes, as UTF-8 without a byte order mark.

    Of a UTF-8 file, all pieces but the last end with a line. Bytes that cannot be decoded become
    replacement characters.

    Raises:
        InputError: it is no text.
        OSError: it cannot be read.
    """
    with open_binary(path) as file:
        raw = file.read(max(size, HEAD_BYTES))
        encoding = encoding_of(raw[:HEAD_BYTES], path)
        if encoding == "utf-8":
            raw = raw.removeprefix(codecs.BOM_UTF8)
            while raw:
                yield _utf8(raw + file.readline())
                raw = file.read(size)
            return
        decode = codecs.getincrementaldecoder(encoding)("replace").decode
        while raw:
            yield decode(raw).encode("utf-8", "replace")
            raw = file.read(size)
        yield decode(b"", final=True).encode("utf-8", "replace")


def _utf8(raw: bytes) -> bytes:
    """Return valid UTF-8 unchanged, which is much faster than decoding it."""
    if raw.isascii():
        return raw
    try:
        codecs.utf_8_decode(raw, "strict", True)
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace").encode()
    return raw


def lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a text file, each with its end; see `blocks`.

    Unlike there, the bytes of a UTF-8 file are unchanged, so that each line can be checked by
    itself.
    """
    with open_binary(path) as file:
        head = file.read(HEAD_BYTES)
        encoding = encoding_of(head, path)
    if encoding != "utf-8":
        rest = b""
        for block in blocks(path):
            *whole, rest = (rest + block).split(b"\n")
            yield from (line + b"\n" for line in whole)
        if rest:
            yield rest
        return
    with open_binary(path) as file:
        for number, line in enumerate(file):
            yield line if number else line.removeprefix(codecs.BOM_UTF8)
