"""Where the user's records are, and which column holds which field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from recon.errors import ConfigError
from recon.records.suggestions import nearest

#: The fields of a record; by default in columns of the same names.
FIELDS: Final = ("id", "message_id", "phone_number", "sent_at", "status")


@dataclass(frozen=True, slots=True)
class Source:
    """The records of one account, as configured.

    Raises:
        ConfigError: it is contradictory or incomplete; the message says what is wrong.
    """

    url: str | None = field(default=None, repr=False)
    """Any SQLAlchemy URL; it may contain a password, so it is never shown."""
    file: Path | None = None
    """Instead of a URL: a CSV, Parquet or JSON file, or a directory of Parquet files."""
    table: str | None = None
    """With a URL: the table or view, `schema.table` if it is not in the default schema."""
    query: str | None = None
    """Instead of a table: a SELECT with `:start` and `:end`."""
    where: str | None = None
    """With a table: an SQL condition that selects the sends made with this key."""
    timezone: str = "UTC"
    """The zone of times stored without an offset."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Field to column; a field that is left out has its own name, one mapped to `""` does not
    exist."""
    setting: str = ""
    """The section of the configuration with these settings, such as `accounts.main.local`; "" for
    none."""
    statuses: Mapping[str, str] = field(default_factory=dict)
    """The user's word to Octopods' word, or to `not_sent`."""

    def __post_init__(self) -> None:
        if (self.url is None) == (self.file is None):
            raise ConfigError("the records need either url or file: set one of the two")
        if self.file is not None and (self.table or self.query or self.where):
            raise ConfigError("table, query and where are only for url, not for file")
        if self.url is not None and bool(self.table) == bool(self.query):
            raise ConfigError("url needs either table or query: set one of the two")
        if self.where and not self.table:
            raise ConfigError("where is only for table; write the condition into the query itself")
        for name in self.columns:
            if name not in FIELDS:
                raise ConfigError(
                    f"columns: there is no field '{name}'{nearest(name, FIELDS)}",
                    hint=f"The fields are {', '.join(FIELDS)}.",
                )
        if "sent_at" not in self.fields:
            raise ConfigError("columns: sent_at is missing; every record needs a time")
        if not self.fields & {"message_id", "phone_number"}:
            raise ConfigError(
                "columns: message_id and phone_number are missing; records need one of them"
            )
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
            raise ConfigError(
                f"timezone: '{self.timezone}' is not known",
                hint='Write for example "Europe/Dublin".',
            ) from cause

    @property
    def fields(self) -> frozenset[str]:
        """The fields that the records have."""
        return frozenset(self.mapping)

    @property
    def mapping(self) -> dict[str, str]:
        """The column of each field that the records have, in the order of `FIELDS`."""
        named = {name: self.columns.get(name, name) for name in FIELDS}
        return {name: column for name, column in named.items() if column}
