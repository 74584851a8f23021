"""The options that an SQLite URL may have after its `?`; SQLite silently ignores others."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from recon.errors import ConfigError

#: What Python's `sqlite3.connect` takes, and SQLAlchemy in its place.
DRIVER: Final = frozenset(
    {
        "cached_statements",
        "check_same_thread",
        "detect_types",
        "isolation_level",
        "timeout",
        "uri",
    }
)
#: What SQLite takes after `?` in a name that begins with `file:` (https://www.sqlite.org/uri.html).
URI: Final = frozenset({"cache", "immutable", "mode", "modeof", "nolock", "psow", "vfs"})


def refuse_unknown(options: Collection[str], known: Collection[str], setting: str) -> None:
    """Refuse options that would be ignored, since they are mistakes.

    Args:
        options: their names.
        known: the names that are allowed.
        setting: the setting with the URL, for the error.

    Raises:
        ConfigError: an option is not known.
    """
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigError(
            f"{setting} has an option that SQLite does not know: {unknown[0]}",
            hint=f"The known options are {', '.join(sorted(known))}.",
        )
