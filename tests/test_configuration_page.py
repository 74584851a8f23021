"""The page of the configuration has every key with its true default, and its examples load."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from recon import config
from recon.config import environment, known_keys
from recon.config.known_keys import ANY

PAGE = (Path(__file__).parent.parent / "docs" / "configuration.md").read_text(encoding="utf-8")

_HEADING = re.compile(r"^### (?:`(\[{1,2})([A-Za-z_.]+)\]{1,2}`|At the top of the file)$")
_ROW = re.compile(r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \|$")
_EXAMPLE = re.compile(
    r"^\*\*([^*]+)\*\*((?:(?!```|\*\*).)*?)\n\n```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_VARIABLE_ROW = re.compile(r"^\| .+ \| `(RECON_[A-Z_]+)` \| `([^`]+)`", re.MULTILINE)
_VARIABLE = re.compile(r"\bRECON_[A-Z]+__[A-Z_]+\b")

#: What stands in the place of a name that the user chooses.
_CHOSEN = {"NAME": ANY, "YOUR_STATUS": ANY}
#: Keys whose value is a map with keys of the user's.
_MAPS = frozenset({"rates"})

#: What an example that is added to others needs beside it.
ACCOUNT = """
[accounts.main]
api_key_env = "KEY"
[accounts.main.local]
url = "sqlite:///sends.db"
table = "sends"
"""

#: What the variables of the page need beside them.
ALONE = {
    "RECON_ACCOUNTS__MAIN__API_KEY_ENV": "KEY",
    "RECON_ACCOUNTS__MAIN__LOCAL__URL": "sqlite:///sends.db",
    "RECON_EMAIL__HOST": "smtp.example.com",
    "RECON_EMAIL__SENDER": "recon@example.com",
}


class Row(NamedTuple):
    """A row of a table of keys."""

    location: tuple[str, ...]
    meaning: str
    values: str
    default: str


def rows() -> Iterator[Row]:
    """Yield each key of the page, in the form of `known_keys.all_keys`."""
    section: tuple[str, ...] | None = None
    for line in PAGE.splitlines():
        if found := _HEADING.match(line):
            parts = found[2].split(".") if found[2] else []
            section = tuple(_CHOSEN.get(part, part) for part in parts)
            section += (ANY,) if found[1] == "[[" else ()
        elif section is not None and (found := _ROW.match(line)):
            location = (*section, _CHOSEN.get(found[1], found[1]))
            location += (ANY,) if found[1] in _MAPS else ()
            yield Row(location, found[2], found[3], found[4])


def name_of(row: Row) -> str:
    return ".".join(row.location)


def test_the_page_has_each_key_once_and_no_other() -> None:
    assert sorted(row.location for row in rows()) == sorted(known_keys.all_keys(in_lists=True))


@pytest.mark.parametrize("row", list(rows()), ids=name_of)
def test_the_page_states_the_true_default_of_a_key(row: Row) -> None:
    location = row.location[:-1] if set(row.location[-2:-1]) & _MAPS else row.location
    shape = known_keys.shape_at(location)
    assert shape is not None
    if shape.field is None:  # a status of the user's own
        assert row.default == "none"
    elif shape.field.is_required():
        assert row.default == "required"
    elif shape.field.default is None:
        assert row.default == "none"
    else:
        default = shape.field.default
        if isinstance(default, config.SecretUrl):
            default = default.get_secret_value()
        assert tomllib.loads(f"said = {row.default.strip('`')}")["said"] == default


@pytest.mark.parametrize("row", list(rows()), ids=name_of)
def test_the_page_states_the_bounds_of_a_number(row: Row) -> None:
    shape = known_keys.shape_at(row.location)
    assert shape is not None
    for bound in () if shape.field is None else shape.field.metadata:
        for name in ("ge", "gt", "le"):
            if isinstance(limit := getattr(bound, name, None), int | float):
                assert re.search(rf"\b{limit}\b", row.values), (name, limit)


@pytest.mark.parametrize(("title", "said", "text"), _EXAMPLE.findall(PAGE))
def test_an_example_of_the_page_loads(title: str, said: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "recon.toml"
    path.write_text((ACCOUNT if "added" in said else "") + text, encoding="utf-8")
    assert config.load(path, {}).accounts, title


def test_every_block_of_toml_on_the_page_is_an_example() -> None:
    assert len(_EXAMPLE.findall(PAGE)) == PAGE.count("```toml")


def test_each_variable_of_the_page_sets_a_key() -> None:
    table = dict(_VARIABLE_ROW.findall(PAGE))
    assert len(table) == 7
    settings = config.load(None, ALONE | table)
    assert settings.accounts["main"].local.table == "sends"
    assert settings.accounts["main"].local.statuses == {"accepted": "sent"}
    assert settings.email is not None
    assert settings.email.recipients == ("ops@example.com", "it@example.com")


def test_each_variable_that_the_page_names_is_known() -> None:
    for name in set(_VARIABLE.findall(PAGE)):
        assert environment.overlay({}, {name: "[]"}).errors == []
