"""Text files as UTF-8, in whatever encoding they are written; what is no text is named."""

from __future__ import annotations

import codecs
import gzip
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from recon.errors import InputError

#: The bytes that decide the encoding, and in which the header of a CSV file lies.
HEAD_BYTES: Final = 1 << 20

_GZIP: Final = b"\x1f\x8b"
#: The first bytes of files that are no text, what they are, and what to do.
_SIGNATURES: Final = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", "save it as CSV UTF-8"),
    (b"PAR1", "a Parquet file", "let its name end with .parquet"),
    (b"SQLite format 3\0", "an SQLite database", "name it as url = 'sqlite:///…' with a table"),
    (_GZIP, "compressed with gzip", "let its name end with .gz, as in .csv.gz"),
    (b"BZh", "compressed with bzip2", "unpack it"),
    (b"\xfd7zXZ\0", "compressed with xz", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it"),
    (b"%PDF", "a PDF file", "export the data as CSV"),
    (b"ARROW1", "an Arrow (Feather) file", "save it as Parquet"),
    (b"Obj\x01", "an Avro file", "save it as Parquet or JSON Lines"),
    (b"ORC", "an ORC file", "save it as Parquet"),
)
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_MARKUP: Final = re.compile(rb"\s*<(?:!doctype\s+html|html|\?xml|head|body|table)\b", re.IGNORECASE)
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
    """Open a file for reading, unpacked where its name ends with `.gz`.

    Raises:
        InputError: its name says that it is compressed with gzip, and it is not.
        OSError: it cannot be opened.
    """
    if path.suffix.lower() != ".gz":
        return path.open("rb")
    with path.open("rb") as packed:
        start = packed.read(len(_GZIP))
    if start not in (_GZIP, b""):
        raise InputError(
            f"{path} is not compressed with gzip, though its name ends with .gz",
            hint="take .gz off its name, or export it again",
        )
    opened: Any = gzip.open(path, "rb")  # noqa: SIM115 - the caller closes it
    return opened  # type: ignore[no-any-return]


def encoding_of(head: bytes, path: Path) -> str:
    """Return the name of the codec for a text that begins with `head`.

    UTF-8 unless a byte order mark, or NUL bytes beside plain letters, show UTF-16 or UTF-32; or
    unless every byte beyond ASCII is a letter or sign of Windows-1252 and none of them UTF-8.

    Raises:
        InputError: it is no text; the message says what it is.
    """
    other = kind_of_binary(head, path)
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


def kind_of_binary(head: bytes, path: Path) -> tuple[str, str] | None:
    """Say what a file is whose first bytes are no text, and what to do; `None` if it may be text.

    Args:
        head: its first bytes, unpacked.
        path: where it lies.
    """
    if head.startswith(_ZIP):
        return _zipped(path)
    if _MARKUP.match(head):
        return (
            "a page of HTML or XML",
            "is it the login page of the tool that exports it? Export it as CSV",
        )
    for signature, what, remedy in _SIGNATURES:
        if head.startswith(signature):
            return what, remedy
    return None


def _zipped(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        names = []
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook", "save it as CSV UTF-8"
    if "content.xml" in names:
        return "an OpenDocument spreadsheet", "save it as CSV, in UTF-8"
    return "a ZIP archive", "unpack it"


def _without_mark(start: bytes, path: Path) -> str:
    """Detect the encoding by where the NUL bytes of plain letters lie."""
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
    raise InputError(f"{path} holds NUL bytes: it is no text", hint="export it as CSV, in UTF-8")


def _single_bytes(head: bytes) -> str:
    text = head.decode("utf-8", "surrogateescape")
    odd = {ord(char) for char in text if ord(char) >= _FIRST_HIGH}
    damaged = {code - 0xDC00 for code in odd if code in _SURROGATES}
    if len(damaged) < len(odd) or damaged & _NOT_WINDOWS_1252:
        return "utf-8"
    return "cp1252"


def blocks(path: Path, size: int = 1 << 24) -> Iterator[bytes]:
    """Yield a text file in pieces of about `size` bytes, as UTF-8 without a byte order mark.

    In UTF-8 every piece but the last ends with a line. What cannot be decoded becomes replacement
    characters.

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
    """Return bytes as they are where they are UTF-8, which is far faster than to decode them."""
    if raw.isascii():
        return raw
    try:
        codecs.utf_8_decode(raw, "strict", True)
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace").encode()
    return raw


def lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a text file, each with its end; see `blocks`.

    Other than there, bytes of a UTF-8 file are as they stand: a line can be judged by itself.
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
