"""Recognise a binary file by its first bytes, and say what to do with it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Final

#: The bytes by which a file that is no text is recognised.
SIGNATURE_BYTES: Final = 4096

#: The first bytes of files that are not text, the kind of file, and what to do.
_SIGNATURES: Final = (
    (b"\xd0\xcf\x11\xe0", "an old or protected Excel workbook", "Save it as CSV UTF-8."),
    (b"PAR1", "a Parquet file", "Rename it to end with .parquet."),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "Set url = 'sqlite:///…' and table instead of file.",
    ),
    (b"\x1f\x8b", "compressed with gzip", "Rename it to end with .gz, as in .csv.gz."),
    (b"\xfd7zXZ\0", "compressed with xz", "Unpack it."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Unpack it."),
    (b"\x04\x22\x4d\x18", "compressed with lz4", "Unpack it."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it."),
    (b"%PDF", "a PDF file", "Export the data as CSV."),
    (b"ARROW1", "an Arrow (Feather) file", "Save it as Parquet."),
    (b"FEA1", "an Arrow (Feather) file", "Save it as Parquet."),
    (b"\xff\xff\xff\xff", "an Arrow stream", "Save it as Parquet."),
    (b"Obj\x01", "an Avro file", "Save it as Parquet or JSON Lines."),
    (b"\x89HDF", "an HDF5 file", "Save it as Parquet."),
    (b"HTTP/", "an answer with its HTTP headers", "Save only the body: call curl without -i."),
    (b"PGDMP", "a dump of PostgreSQL", "Restore it, or export the table as CSV."),
    (b"{\\rtf", "a text document (RTF)", "Save it as plain text in CSV."),
    (b"\x89PNG", "an image", "Export the data as CSV."),
    (b"\xff\xd8\xff", "an image", "Export the data as CSV."),
)
#: Likewise for bytes elsewhere in the file, with their position.
_SIGNATURES_WITHIN: Final = (
    (4, b"Standard Jet DB", "an Access database", "Export the table as CSV."),
    (4, b"Standard ACE DB", "an Access database", "Export the table as CSV."),
    (8, b"DUCK", "a DuckDB database", "Set url = 'duckdb:///…' and table instead of file."),
    (257, b"ustar", "a tar archive", "Unpack it."),
)
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
#: Likewise for what takes more than a few fixed bytes to tell from the header of a CSV file.
_PATTERNS: Final = (
    (re.compile(rb"BZh[1-9]1AY&SY"), "compressed with bzip2", "Unpack it."),
    (re.compile(rb"ORC[^ -~]"), "an ORC file", "Save it as Parquet."),
    (
        re.compile(
            rb"(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*+"
            rb"<(?:!doctype|html|\?xml|head|body|table|meta|div|script)\b",
            re.IGNORECASE | re.DOTALL,
        ),
        "an HTML or XML page",
        "It may be the login page of the tool that exports the data: log in and export it as CSV.",
    ),
    (
        re.compile(
            rb"-- (?:MySQL|MariaDB|PostgreSQL database) dump"
            rb"|(?:(?:--|/\*)[^\n]*\s+)*+(?:CREATE (?:TABLE|DATABASE|SCHEMA)|INSERT INTO "
            rb"|DROP TABLE|LOCK TABLES|BEGIN;|BEGIN TRANSACTION;|PRAGMA |SET [\w@.]+ *= *)",
            re.IGNORECASE,
        ),
        "an SQL script, such as a dump",
        "Load it into a database, or export the table as CSV.",
    ),
)


def kind_of_binary(head: bytes, path: Path) -> tuple[str, str] | None:
    """Say what kind of binary file this is, and what to do; `None` if it may be text.

    Args:
        head: its first bytes, unpacked.
        path: its path.
    """
    head = head[:SIGNATURE_BYTES]
    if head.startswith(_ZIP):
        return _zipped(path)
    for signature, what, remedy in _SIGNATURES:
        if head.startswith(signature):
            return what, remedy
    for place, signature, what, remedy in _SIGNATURES_WITHIN:
        if head.startswith(signature, place):
            return what, remedy
    for pattern, what, remedy in _PATTERNS:
        if pattern.match(head):
            return what, remedy
    return None


def _zipped(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        names = []
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook", "Save it as CSV UTF-8."
    if "content.xml" in names:
        return "an OpenDocument spreadsheet", "Save it as CSV, in UTF-8."
    if any(name.startswith("Index/") and name.endswith(".iwa") for name in names):
        return "a Numbers spreadsheet", "Export it as CSV, in UTF-8."
    return "a ZIP archive", "Unpack it."
