"""The settings of an account: the place of its API key, and the records of its sends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import Field, SecretStr

from recon.config import credentials
from recon.config.expected_settings import Expected
from recon.config.section import Location, Section, is_blank, keys_given
from recon.config.value_types import (
    Frozen,
    OptionalDatabaseUrl,
    OptionalPath,
    OptionalText,
    StatusWord,
    Zone,
)

#: What a query binds the beginning and the end of the wanted time to: native times, epoch
#: seconds, epoch milliseconds.
START_BINDS: Final = ("start", "start_epoch", "start_ms")
END_BINDS: Final = ("end", "end_epoch", "end_ms")

# As `sqlalchemy.text` finds them: no casts (`::text`), no escapes (`\:word`), no `10:30`.
_BIND: Final = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")


class Columns(Section):
    """Field = column in the user's table; "" if the records do not have that field."""

    id: str = Field("id", examples=["id"])
    message_id: str = Field("message_id", examples=["message_id"])
    phone_number: str = Field("phone_number", examples=["phone_number"])
    sent_at: str = Field("sent_at", min_length=1, examples=["sent_at"])
    status: str = Field("status", examples=["status"])
    category: str = Field("", examples=["category"])

    @classmethod
    def rules(cls, raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
        """Records need a column by which they can be linked."""
        if is_blank(raw.get("message_id")) and is_blank(raw.get("phone_number")):
            yield (), "message_id and phone_number are both empty; set one of them"


class Local(Section):
    """The user's own send records: a table or query of a database, or a file."""

    url: OptionalDatabaseUrl = Field(None, examples=["postgresql+psycopg://user@host/shop"])
    file: OptionalPath = Field(None, examples=["sends.csv"])
    table: OptionalText = Field(None, examples=["sends"])
    query: OptionalText = Field(
        None, examples=["SELECT … FROM sends WHERE sent_at >= :start AND sent_at < :end"]
    )
    where: OptionalText = Field(None, examples=["channel = 'whatsapp'"])
    timezone: Zone = Field("UTC", examples=["UTC"])
    columns: Columns = Columns()
    statuses: Frozen[StatusWord] = Field(
        default_factory=dict, validate_default=True, examples=[{"accepted": "sent"}]
    )

    @classmethod
    def rules(cls, raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
        """There must be one source.

        A database needs a table or a query, and `where` needs a table.
        """
        source = keys_given(raw, "url", "file")
        extent = keys_given(raw, "table", "query")
        if len(source) > 1:
            yield (), "url and file are both set; keep one of them"
        if not source:
            yield (), 'does not say where your own records are; write url = "…" or file = "…"'
        if source == ["file"]:
            for key in keys_given(raw, "table", "query", "where"):
                yield (key,), "can be used only with url, not with file; remove it"
            return
        if len(extent) > 1:
            yield (), "table and query are both set; keep one of them"
        if source and not extent:
            yield (), 'url needs table = "…" or query = "…" beside it'
        if keys_given(raw, "where") and "table" not in extent:
            yield ("where",), "can be used only with table; write it into the WHERE of the query"
        if "query" in extent:
            yield from ((("query",), words) for words in _query_errors(str(raw["query"])))


def _query_errors(query: str) -> Iterator[str]:
    found = set(_BIND.findall(query))
    if not found.intersection(START_BINDS) or not found.intersection(END_BINDS):
        yield (
            "must select a time range; write WHERE sent_at >= :start AND sent_at < :end "
            "(or :start_epoch, :end_epoch for seconds, :start_ms, :end_ms for milliseconds)"
        )
    for name in sorted(found.difference(START_BINDS, END_BINDS)):
        yield f"contains :{name}, which recon does not fill in; write \\:{name} for a literal colon"


class Account(Section):
    """One API key, and the records of its sends."""

    api_key_env: OptionalText = Field(None, examples=["OCTOPODS_API_KEY"])
    api_key_file: OptionalPath = Field(None, examples=["/run/secrets/octopods-api-key"])
    local: Local
    expected: tuple[Expected, ...] = ()

    @classmethod
    def rules(cls, raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
        """There must be one place of the key."""
        places = keys_given(raw, "api_key_env", "api_key_file")
        if len(places) > 1:
            yield (), "api_key_env and api_key_file are both set; keep one of them"
        if not places and "api_key" not in raw:
            yield (
                (),
                'does not say where its API key is; write api_key_env = "OCTOPODS_API_KEY"',
            )

    def api_key(self, environ: Mapping[str, str], account: str = "") -> SecretStr:
        """Read the API key from the configured variable or file.

        Args:
            environ: the environment.
            account: the account's name, so that an error names the setting in full.

        Raises:
            ConfigError: it is missing or not valid; the error names the variable or the file.
        """
        what = f"accounts.{account}.api_key" if account else "api_key"
        return credentials.read_secret(
            what, variable=self.api_key_env, file=self.api_key_file, environ=environ
        )
