"""The configuration in effect: each value and its origin. Secrets are hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from recon.config import environment, loading
from recon.config.section import Section

#: Shown in place of a secret.
BLOT: Final = "***"

_SECTION: Final = re.compile(r"\s*(\[{1,2})\s*([^\[\]]+?)\s*\]")
_KEY: Final = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART: Final = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")

Location = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One value in effect."""

    location: Location
    value: Any
    """A JSON value: a text, a number, a list …; `None` if it is not set."""
    origin: str
    """Its origin: a file with the line, an environment variable, or `default`."""

    @property
    def key(self) -> str:
        """The dotted key of the file."""
        return dotted(self.location)


def entries(path: Path | None, environ: Mapping[str, str]) -> list[Entry]:
    """Return every value in effect, in the order of the documentation.

    Args:
        path: as `loading.load` takes it.
        environ: the environment.

    Raises:
        ConfigError: with every error in it, as `loading.load`.
    """
    settings = loading.load(path, environ, require_accounts=False)
    path = loading.path_in_use(path)
    written = {} if path is None else loading.read_file(path)
    lines = {} if path is None else _lines(path.read_text(encoding="utf-8-sig"))
    origins = environment.overlay(written, environ).origins
    return [
        Entry(location, value, _origin(location, path, written, lines, origins))
        for location, value in _values(settings, ())
    ]


def _values(section: Section, above: Location) -> Iterator[tuple[Location, Any]]:
    plain = section.model_dump(mode="json", by_alias=True)
    for name, field in type(section).model_fields.items():
        key, value = field.alias or name, getattr(section, name)
        here = (*above, key)
        if isinstance(value, Section):
            yield from _values(value, here)
        elif isinstance(value, Mapping):
            for chosen, each in value.items():
                if isinstance(each, Section):
                    yield from _values(each, (*here, chosen))
                else:
                    yield (*here, chosen), _as_written(plain[key][chosen])
        else:
            # What shows itself to nobody is a secret; a URL shows itself without its password.
            yield here, _as_written(plain[key]) if field.repr or value is None else BLOT


def _as_written(value: Any) -> Any:  # noqa: ANN401 - what JSON knows
    """Return a value as people write it: a whole number of seconds without a fraction."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_as_written(one) for one in value]
    if isinstance(value, dict):
        return {key: _as_written(one) for key, one in value.items()}
    return value


def _origin(
    location: Location,
    path: Path | None,
    written: Mapping[str, Any],
    lines: Mapping[Location, int],
    origins: Mapping[Location, str],
) -> str:
    for cut in range(len(location), 0, -1):
        if (variable := origins.get(location[:cut])) is not None:
            return f"environment variable {variable}"
    here: object = written
    for key in location:
        if not isinstance(here, Mapping) or key not in here:
            return "default"
        here = here[key]
    line = next(
        (lines[location[:n]] for n in range(len(location), 0, -1) if location[:n] in lines), None
    )
    return f"{path}" if line is None else f"{path}, line {line}"


def _lines(text: str) -> dict[Location, int]:
    """Return the line of each key, as far as single lines show it."""
    found: dict[Location, int] = {}
    section: Location = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _SECTION.match(line):
            section = _parts(header[2])
            if header[1] == "[[":
                found.setdefault(section, number)
        elif key := _KEY.match(line):
            found.setdefault((*section, *_parts(key[1])), number)
    return found


def _parts(dotted: str) -> Location:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def dotted(location: Location) -> str:
    """Return the path of a key in TOML's form."""
    return ".".join(
        one if re.fullmatch(r"[A-Za-z0-9_-]+", one) else json.dumps(one, ensure_ascii=False)
        for one in location
    )
