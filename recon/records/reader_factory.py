"""Open the reader that fits a source: a database or a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recon.records.reader import RecordsReader
    from recon.records.source import Source


def open_reader(source: Source) -> RecordsReader:
    """Return the reader of a source; it opens nothing before it reads.

    Raises:
        ConfigError: the URL is wrong, or its driver is not installed.
    """
    if source.url is not None:
        from recon.records.connections import read_only_engine
        from recon.records.sql_source import SqlReader

        return SqlReader(
            source, read_only_engine(source.url, source.timezone, setting=source.setting)
        )
    from recon.records.file_source import FileReader

    return FileReader(source)
