"""Types of columns that SQLite and PostgreSQL store differently: times, JSON and text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from recon.core.coverage import microseconds

_EPOCH: Final = datetime.fromtimestamp(0, tz=UTC)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware time, UTC, to the microsecond.

    PostgreSQL stores `timestamp with time zone`. SQLite has no such type and stores whole
    microseconds since the epoch, which compare as numbers. Reading returns aware times in UTC.

    Raises:
        ValueError: for a naive time, which would be stored in a guessed zone.
    """

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the backend's own type."""
        native = dialect.name == "postgresql"
        return dialect.type_descriptor(sa.TIMESTAMP(timezone=True) if native else sa.BigInteger())

    def process_bind_param(
        self, value: datetime | None, dialect: sa.Dialect
    ) -> datetime | int | None:
        """Convert a time to the value that the backend stores."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone is not stored: {value.isoformat()}")
        return value if dialect.name == "postgresql" else microseconds(value)

    def process_result_value(
        self, value: datetime | int | None, dialect: sa.Dialect
    ) -> datetime | None:
        """Convert the stored value to a time."""
        del dialect  # the value shows it
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class SafeText(sa.types.TypeDecorator[str]):
    """Text of any origin, converted by `storable`."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Convert a text to one that both backends accept."""
        del dialect  # the rule is the same for both
        return None if value is None else storable(value)


class Json(sa.types.TypeDecorator[Any]):
    """A JSON value: `jsonb` in PostgreSQL, text in SQLite."""

    impl = sa.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the backend's own type."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(sa.JSON())
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB())


def storable(text: str) -> str:
    """Return `text` with U+FFFD for characters that a database refuses (NUL, lone surrogates)."""
    if text.isascii() and "\0" not in text:
        return text
    units = text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass")
    return units.decode("utf-16", "replace")
