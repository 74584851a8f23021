"""The country of a time zone, from the tz database."""

from __future__ import annotations

from importlib import resources
from typing import Final

#: Zones with all their countries; then those that share another one's clock, with their own.
_TABLES: Final = ("zone1970.tab", "zone.tab")


def of_zone(zone: str) -> str:
    """Return the country of a zone, such as `IE`; empty if it has several.

    Args:
        zone: its name in the tz database, such as `Europe/Dublin`.
    """
    for name in _TABLES:
        table = (resources.files("tzdata") / "zoneinfo" / name).read_text(encoding="utf-8")
        for line in table.splitlines():
            if not line.startswith("#") and line.split("\t")[2] == zone:
                countries = line.split("\t")[0]
                return "" if "," in countries else countries
    return ""
