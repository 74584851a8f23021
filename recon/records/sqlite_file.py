"""Open an SQLite file without writing to it or creating files beside it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

import sqlalchemy as sa

from recon.errors import ConfigError
from recon.records.suggestions import no_such_file

#: Bytes 18 and 19 of the file are 2 in WAL mode (sqlite.org/fileformat2.html, 1.3.3).
_VERSIONS: Final = slice(18, 20)
_WAL: Final = b"\x02\x02"

_State = tuple[int, int, bool]


@dataclass(slots=True)
class SqliteFile:
    """The user's database file, and its state when it was last opened."""

    path: Path
    patience_seconds: float
    """How many seconds to wait for a lock of the application that owns the file."""
    setting: str = ""
    """The section of the configuration with its URL, for errors; "" for none."""
    lenient: bool = False
    """Whether texts that are not UTF-8 are read with replacement characters, which is slower."""
    _frozen_at: _State | None = field(default=None, init=False)

    def connect(self) -> sqlite3.Connection:
        """Open the file for reading.

        A database in WAL mode that no process has open has no `-wal` and `-shm` files, and a reader
        would create them. So it is read without locks, and `disturbed` says afterwards whether an
        application has opened it in the meantime.

        Raises:
            InputError: the file does not exist.
        """
        if not self.path.is_file():
            raise no_such_file(self.path, f"{self.setting}.url" if self.setting else "")
        asleep = self._is_asleep()
        self._frozen_at = self._state() if asleep else None
        mode = "mode=ro&immutable=1" if asleep else "mode=ro"
        uri = f"file:{quote(str(self.path.absolute()))}?{mode}"
        # One thread at a time uses it, not always the same one, see `recon.sqlread.read_ahead`.
        connection = sqlite3.connect(
            uri, uri=True, timeout=self.patience_seconds, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA query_only = ON")
        except sqlite3.Error:
            connection.close()
            raise
        if self.lenient:
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
        return connection

    @property
    def disturbed(self) -> bool:
        """Whether rows that were read without locks may have changed meanwhile."""
        return self._frozen_at is not None and self._frozen_at != self._state()

    def _is_asleep(self) -> bool:
        with self.path.open("rb") as file:
            in_wal_mode = file.read(_VERSIONS.stop)[_VERSIONS] == _WAL
        return in_wal_mode and not self._wal.exists()

    @property
    def _wal(self) -> Path:
        return self.path.with_name(self.path.name + "-wal")

    def _state(self) -> _State:
        found = self.path.stat()
        return found.st_mtime_ns, found.st_size, self._wal.exists()


def file_of(url: sa.URL, *, patience_seconds: float, setting: str = "") -> SqliteFile:
    """Return the file of an SQLite URL, also in SQLite's own `file:` form.

    Args:
        url: SQLAlchemy's.
        patience_seconds: how many seconds to wait for a lock of the application that owns the file.
        setting: the section of the configuration with its URL, for errors; "" for none.

    Raises:
        ConfigError: it names no file; a database in memory contains no records.
    """
    name = url.database or ""
    if name.startswith("file:"):
        name = unquote(name.removeprefix("file:").split("?")[0])
        if name.startswith("//"):
            name = "/" + name[2:].partition("/")[2]
    if not name or name == ":memory:" or url.query.get("mode") == "memory":
        raise ConfigError(
            "the url of the records names no file",
            hint='Write for example "sqlite:///path/to/records.db".',
        )
    return SqliteFile(Path(name), patience_seconds, setting)
