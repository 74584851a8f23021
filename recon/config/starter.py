"""The text of a first configuration, with comments about what a person must decide."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recon.config.value_types import SecretUrl

_FIELDS: Final[Mapping[str, str]] = {
    "id": "identifies a record",
    "message_id": "the message id that Octopods returned for the send",
    "phone_number": "the recipient",
    "sent_at": "when it was sent",
    "status": "the status, in your words",
}


@dataclass(frozen=True, slots=True)
class Word:
    """A status in the records' spelling."""

    word: str
    count: int
    """How often it occurs in the sample."""
    meaning: str | None
    """Octopods' word or `not_sent`; `None` if that is not known."""


@dataclass(frozen=True, slots=True)
class Starter:
    """The content of a first configuration."""

    account: str
    api_key_env: str
    columns: Mapping[str, str]
    """Field to column, "" if none was recognised."""
    api_key_file: Path | None = None
    """The file of the key, instead of a variable."""
    url: SecretUrl | None = None
    file: Path | None = None
    table: str | None = None
    words: tuple[Word, ...] = ()
    timezone: str = "UTC"
    default_region: str = ""
    zone_region: str = ""
    """The country of the time zone, proposed if nothing else shows the country."""
    region_note: str = ""
    """The observation about the numbers."""
    base_url: str | None = None
    """Only if it is not the default."""
    sampled: int = 0
    """How many rows were read."""


def text(starter: Starter) -> str:
    """Return the configuration as TOML. It contains no secret, not even the password of the URL."""
    return "\n".join([*_general(starter), *_account(starter)]) + "\n"


def url_without_password(url: SecretUrl) -> str:
    """Return a database URL that is safe in a file: without its password and options."""
    scheme, _, rest = url.get_secret_value().partition("://")
    who, at, where = rest.rpartition("@")
    return f"{scheme}://{who.partition(':')[0]}{at}{where.partition('?')[0]}"


def _general(starter: Starter) -> Iterator[str]:
    yield "# The configuration of recon. docs/configuration.md explains every key. `recon check`"
    yield "# says what is left to do. This file holds no API key and no password."
    yield ""
    yield "# The time zone of the calendar days that are compared."
    yield f"timezone = {_toml(starter.timezone)}"
    yield ""
    yield "[database]                      # recon's own, created by the first run"
    yield 'url = "sqlite:///recon.db"'
    if starter.base_url is not None:
        yield ""
        yield "[octopods]"
        yield f"base_url = {_toml(starter.base_url)}"
    yield ""
    yield "[matching]"
    yield '# The country of numbers that your records hold without a country code, such as "IE".'
    if starter.region_note:
        yield f"# {starter.region_note}"
    if starter.zone_region and not starter.default_region:
        proposal = f"default_region = {_toml(starter.zone_region)}"
        yield f"# {proposal}   # the country of {starter.timezone}"
    yield f"default_region = {_toml(starter.default_region)}"
    yield ""
    yield "[report]"
    yield 'directory = "reports"'


def _account(starter: Starter) -> Iterator[str]:
    name = starter.account if starter.account.replace("_", "").isalnum() else None
    section = f"accounts.{name or _toml(starter.account)}"
    variable = f"RECON_ACCOUNTS__{starter.account.upper().replace('-', '_').replace('.', '_')}"
    yield ""
    yield f"[{section}]"
    if starter.api_key_file is not None:
        yield "# The file that holds the API key and nothing else; or api_key_env names a variable."
        yield f"api_key_file = {_toml(str(starter.api_key_file))}"
    else:
        yield "# The environment variable that holds the API key; or api_key_file names its file."
        yield f"api_key_env = {_toml(starter.api_key_env)}"
    yield ""
    yield f"[{section}.local]           # your own records; recon only reads them"
    if starter.file is not None:
        yield f"file = {_toml(str(starter.file))}"
    elif starter.url is not None:
        shown = url_without_password(starter.url)
        if shown != starter.url.get_secret_value():
            yield "# Without its password and options: set the whole URL in the environment as"
            yield f"# {variable}__LOCAL__URL."
        yield f"url = {_toml(shown)}"
    if starter.table is not None:
        yield f"table = {_toml(starter.table)}"
        yield "# Which rows are sends through this API key; without it, all rows of the table."
        yield "# where = \"channel = 'whatsapp'\""
    yield "# The zone of times that are stored without an offset; `recon check` compares them with"
    yield "# Octopods'."
    yield 'timezone = "UTC"'
    yield ""
    yield f'[{section}.local.columns]   # field = your column; "" if your records do not have it'
    for key, meaning in _FIELDS.items():
        column = starter.columns.get(key, "")
        if column:
            yield f"{key} = {_toml(column)}   # {meaning}"
        elif _must_stand(key, starter.columns):
            yield f"# No column was recognised for this one: put its name here ({meaning})."
            yield f"{key} = {_toml(key)}"
        else:
            yield f'{key} = ""   # no column was recognised ({meaning})'
    yield ""
    yield from _statuses(starter, section)


def _must_stand(key: str, columns: Mapping[str, str]) -> bool:
    """Say whether a field must have a column: the time, and a field for linking."""
    nothing = not (columns.get("message_id") or columns.get("phone_number"))
    return key == "sent_at" or (key == "message_id" and nothing)


def _statuses(starter: Starter, section: str) -> Iterator[str]:
    yield "# Your word = sent, delivered, read, failed, deleted, unknown, or not_sent for a record"
    yield "# that was never sent. Octopods' own words need no line."
    yield f"[{section}.local.statuses]"
    for word in starter.words:
        if word.meaning == word.word.strip().casefold():
            continue
        seen = f"{word.count:,} of {starter.sampled:,} records"
        if word.meaning is None:
            yield f'# {_toml(word.word)} = "…"   # {seen}: say what it means'
        else:
            said = f"   # a guess; {seen}" if starter.sampled else ""
            yield f"{_toml(word.word)} = {_toml(word.meaning)}{said}"


def _toml(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
