"""The message of each configuration error: the place, the error, and what to write instead."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic_core import ErrorDetails

from recon.config import environment, known_keys
from recon.config.known_keys import Shape
from recon.config.section import OWN_MESSAGE, Location
from recon.config.value_types import closest, one_of, quoted

#: A name this near to a known key is taken for a misspelling of it.
_CLOSE: Final = 0.7

#: Keys whose value is never quoted.
_SECRET: Final = frozenset({"url", "urls", "api_key", "password", "ping_url"})

#: Keys that people expect and that must not be.
_NEVER: Final = {
    "api_key": "an API key must not be in this file; say where it is with api_key_env or "
    "api_key_file",
    "password": "a password must not be in this file; say where it is with password_env or "
    "password_file",
    "urls": "these URLs hold tokens and must not be in this file; say where they are with "
    "urls_env or urls_file",
}

_TYPES: Final = {
    "string_type": "text in quotes",
    "path_type": "text in quotes",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_LISTS: Final = frozenset({"tuple_type", "list_type"})
_EMPTY: Final = frozenset({"string_too_short", "too_short"})
_TABLES: Final = frozenset({"model_type", "model_attributes_type", "mapping_type", "dict_type"})


class Place(NamedTuple):
    """The place of a value, and how the user writes it there."""

    location: Location
    name: str
    """The dotted key of the file, or the variable's name."""
    is_variable: bool

    @classmethod
    def of(
        cls, location: Location, origins: Mapping[tuple[str, ...], str], *, has_file: bool
    ) -> Place:
        """Find the place of the key at `location`.

        Args:
            location: the way to the key.
            origins: the variables that gave values.
            has_file: whether there is a file; without one, messages name variables only.
        """
        for cut in range(len(location), 0, -1):
            name = origins.get(tuple(str(key) for key in location[:cut]))
            if name is not None:
                rest = "".join(f", {_part(key)}" for key in location[cut:])
                return cls(location, name + rest, is_variable=True)
        if not has_file:
            return cls(location, environment.name_of(location), is_variable=True)
        dotted = ".".join(_part(key) for key in location).replace(".item", ", item")
        return cls(location, dotted, is_variable=False)

    @property
    def shape(self) -> Shape | None:
        """The shape of the value there, `None` if no value is possible."""
        return known_keys.shape_at(self.location)

    @property
    def examples(self) -> list[Any]:
        """Valid values of the key; empty if no examples are needed."""
        field = None if self.shape is None else self.shape.field
        return [] if field is None else field.examples or []

    def remedy(self) -> str:
        """Return what to write there."""
        shape = self.shape
        if shape is not None and (shape.item is not None or isinstance(self.location[-1], int)):
            keys = [key for key in self.location if not isinstance(key, int)]
            return f"write [[{'.'.join(map(str, keys))}]] and its keys below it"
        if shape is not None and shape.is_table:
            if self.is_variable:
                return f"set its keys, as {self.name}__…"
            return f"write [{self.name}] and its keys below it"
        value = self.examples[0] if self.examples else "…"
        if not self.is_variable:
            return f"write for example {self.location[-1]} = {_toml(value)}"
        return f"write for example {','.join(value) if isinstance(value, list) else value}"


def _part(key: int | str) -> str:
    if isinstance(key, int):
        return f"item {key + 1}"
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'


def _toml(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, dict):
        pairs = ", ".join(f"{key} = {_toml(each)}" for key, each in value.items())
        return f"{{ {pairs} }}"
    return json.dumps(value, ensure_ascii=False)


def message(error: ErrorDetails, place: Place) -> str:
    """Return what is wrong with the value, and what to write instead."""
    kind = error["type"]
    context = error.get("ctx", {})
    if kind == OWN_MESSAGE:
        words: str = context["words"]
        return words
    if kind == "extra_forbidden":
        return _unknown(place.location)
    if kind == "missing":
        return f"is missing; {place.remedy()}"
    shown = _shown(place, error["input"])
    if kind in _TYPES:
        more = f"; {place.remedy()}" if place.examples else ""
        return f"{shown}must be {_TYPES[kind]}{more}"
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f"{shown}must be {words} {context[bound]:g}"
    if kind == "literal_error":
        return f"{shown}{_choice(error['input'], context['expected'])}"
    if kind in _TABLES:
        return f"is a section, not a value; {place.remedy()}"
    if kind in _LISTS:
        return f"must be a list; {place.remedy()}"
    if kind in _EMPTY:
        return f"is empty; {place.remedy()}"
    return f"cannot be used; {place.remedy()}"


def _shown(place: Place, value: object) -> str:
    """Return the quoted value for the beginning of a sentence; nothing if it may be a secret."""
    if _SECRET.intersection(place.location) or isinstance(value, dict | list):
        return ""
    return f"is {quoted(value)}, but "


def _choice(value: object, expected: str) -> str:
    choices = [part.strip("'") for part in expected.replace(" or ", ", ").split(", ")]
    found = closest(value, choices) if isinstance(value, str) else []
    meant = f"; did you mean {quoted(found[0])}?" if found else ""
    return f"must be {one_of(choices)}{meant}"


def _unknown(location: Location) -> str:
    *above, last = location
    key = str(last)
    shape = known_keys.shape_at(above)
    siblings = list(shape.fields()) if shape is not None else []
    if key in _NEVER and any(name.startswith(key) for name in siblings):
        return _NEVER[key]
    if key == "api_key":
        return f"{_NEVER[key]} in [accounts.NAME]"
    if found := closest(key, siblings, cutoff=_CLOSE):
        return f"is not a known key; did you mean {found[0]}?"
    homes = [home[:-1] for home in known_keys.all_keys(in_lists=True) if home[-1] == key]
    if () in homes:
        return "is not a key of this section; it belongs at the top, above the first [section]"
    if homes:
        in_list = homes[0][-1] == known_keys.ANY and homes[0][-2] != "accounts"
        home = ".".join(homes[0][:-1] if in_list else homes[0]).replace(known_keys.ANY, "NAME")
        section = f"[[{home}]]" if in_list else f"[{home}]"
        return f"is not a key of this section; it belongs in {section}"
    if found := closest(key, siblings):
        return f"is not a known key; did you mean {found[0]}?"
    return f"is not a known key; known here: {', '.join(siblings)}"
