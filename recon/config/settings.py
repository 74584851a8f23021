"""The settings: a frozen class for each section, with the defaults and bounds of its keys.

Durations carry their unit in the name. Paths are relative to the working directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from recon.config import credentials
from recon.config.account_settings import Account
from recon.config.cost_settings import Cost
from recon.config.retry_settings import Retries
from recon.config.section import Location, Section, keys_given
from recon.config.value_types import (
    BaseUrl,
    Count,
    DatabaseUrl,
    FilePath,
    Frozen,
    Mailbox,
    Number,
    OptionalPath,
    OptionalText,
    OptionalWebAddress,
    Region,
    SecretUrl,
    Zone,
    quoted,
)
from recon.core.hosts import is_loopback
from recon.model import DIFF_ACCOUNT

#: When people are notified. With any but `never` they are notified of a night that failed, was
#: suspect or lost coverage.
When: TypeAlias = Literal["always", "changes", "discrepancies", "never"]

#: How true is written, in the file or a variable.
_TRUE: Final = frozenset({"true", "t", "yes", "y", "on", "1"})
_ACCOUNT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Database(Section):
    """recon's own database."""

    url: DatabaseUrl = Field(SecretUrl("sqlite:///recon.db"), examples=["sqlite:///recon.db"])


class Octopods(Section):
    """Requests to Octopods, which share the limit with the business's own sends."""

    base_url: BaseUrl = Field("https://app.octopods.io", examples=["https://app.octopods.io"])
    timeout_seconds: Number = Field(30, gt=0, le=600)
    min_interval_seconds: Number = Field(1, ge=0, le=3600)
    max_wait_seconds: Number = Field(900, ge=0, le=86_400)
    status_lookups_per_run: Count = Field(200, ge=0, le=10_000)
    allow_http: bool = False

    @classmethod
    def rules(cls, raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
        """Without TLS, anybody on the network can read the API key and the phone numbers."""
        url = raw.get("base_url")
        allowed = str(raw.get("allow_http")).strip().lower() in _TRUE
        if not isinstance(url, str) or allowed:
            return
        try:
            parts = urlsplit(url.strip())
            plain = parts.scheme == "http" and not is_loopback(parts.hostname or "localhost")
        except ValueError:
            return  # reported as an invalid address
        if plain:
            yield (
                ("base_url",),
                (
                    "would send the API key and phone numbers unencrypted; write https://, or set "
                    "octopods.allow_http = true if you trust the whole network in between"
                ),
            )


class Matching(Section):
    """How records and messages are paired, and what is reported."""

    tolerance_seconds: Number = Field(120, ge=0, le=86_400)
    drift_seconds: Number = Field(300, ge=0, le=604_800)
    duplicate_seconds: Number = Field(60, ge=0, le=86_400)
    stuck_after_hours: Number = Field(24, gt=0, le=8760)
    default_region: Region = Field("", examples=["IE"])
    status_policy: Literal["compatible", "strict"] = "compatible"
    guard_rows: Count = Field(10, ge=1, le=1_000_000)


class Collect(Section):
    """When a poll is due."""

    max_interval_minutes: Number = Field(360, ge=1, le=10_080)
    min_overlap: Count = Field(5, ge=1, le=99)  # an answer holds 100 messages at most


class Report(Section):
    """The directory of reports, and whether they show numbers."""

    directory: FilePath = Field("reports", validate_default=True, examples=["reports"])
    mask_phone_numbers: bool = True


class Email(Section):
    """How reports are mailed."""

    host: str = Field(min_length=1, examples=["smtp.example.com"])
    port: Count = Field(587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: OptionalText = Field(None, examples=["recon"])
    password_env: OptionalText = Field(None, examples=["SMTP_PASSWORD"])
    password_file: OptionalPath = Field(None, examples=["/run/secrets/smtp-password"])
    sender: Mailbox = Field(examples=["recon@example.com"])
    recipients: tuple[Mailbox, ...] = Field(min_length=1, examples=[["ops@example.com"]])
    one_per: Literal["run", "account"] = "run"
    when: When = "always"
    remind_after_days: Count = Field(3, ge=0, le=365)

    @classmethod
    def rules(cls, raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
        """A user name needs one place of a password, and the reverse."""
        places = keys_given(raw, "password_env", "password_file")
        if len(places) > 1:
            yield (), "password_env and password_file are both set; keep one of them"
        if keys_given(raw, "username") and not places and "password" not in raw:
            yield (), "username needs password_env or password_file too"
        if places and not keys_given(raw, "username"):
            yield (), f"{places[0]} needs username too"

    def password(self, environ: Mapping[str, str]) -> SecretStr | None:
        """Read the password; `None` if the server needs no login.

        Raises:
            ConfigError: it is not there or cannot be one.
        """
        if self.username is None:
            return None
        return credentials.read_secret(
            "email.password",
            variable=self.password_env,
            file=self.password_file,
            environ=environ,
            may_hold_blanks=True,
        )


class Notify(Section):
    """Chat and paging services that Apprise supports."""

    urls_env: OptionalText = Field(None, examples=["RECON_NOTIFY_URLS"])
    urls_file: OptionalPath = Field(None, examples=["/run/secrets/notify-urls"])
    when: When = "changes"

    @classmethod
    def rules(cls, raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
        """There must be one place of the URLs.

        They contain tokens, so they cannot be in this file.
        """
        places = keys_given(raw, "urls_env", "urls_file")
        if len(places) > 1:
            yield (), "urls_env and urls_file are both set; keep one of them"
        if not places and not keys_given(raw, "urls", "url"):
            yield (), 'does not say where its URLs are; write urls_env = "RECON_NOTIFY_URLS"'

    def urls(self, environ: Mapping[str, str]) -> tuple[SecretStr, ...]:
        """Read the URLs: one a line, or separated by blanks; lines that begin with # are comments.

        Raises:
            ConfigError: they are missing, or none of them is a URL.
        """
        return credentials.read_urls(
            "notify.urls", variable=self.urls_env, file=self.urls_file, environ=environ
        )


class Monitoring(Section):
    """Services that monitor the job."""

    # A ping URL is a secret: anyone who has it can send pings.
    ping_url: OptionalWebAddress = Field(None, repr=False, examples=["https://hc-ping.com/…"])
    fail_on: Literal["trouble", "discrepancies"] = "trouble"
    metrics_file: OptionalPath = Field(None, examples=["/var/lib/node_exporter/recon.prom"])


class Retention(Section):
    """How long phone numbers are kept."""

    # Each night judges the last 7 days again, and of 2 days after purged time nothing is proven.
    days: Count = Field(400, ge=10, le=36_500)
    automatic: bool = False


def _name_errors(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for name in names:
        if not _ACCOUNT_NAME.fullmatch(name):
            yield (
                name,
                'is not a valid account name; use letters, digits, "_", "-" and ".", at most 64',
            )
        if name.casefold() == DIFF_ACCOUNT:
            yield name, "is reserved for the reports of recon diff; use another name"
        if (twin := seen.setdefault(name.casefold(), name)) != name:
            yield name, f"differs from {quoted(twin)} in case only; rename one of them"


class Settings(Section):
    """Everything that can be configured."""

    timezone: Zone = Field("UTC", examples=["Europe/Dublin"])
    database: Database = Database()
    octopods: Octopods = Octopods()
    matching: Matching = Matching()
    collect: Collect = Collect()
    report: Report = Report()
    email: Email | None = None
    notify: Notify | None = None
    monitoring: Monitoring = Monitoring()
    retention: Retention = Retention()
    retries: Retries = Retries()
    cost: Cost | None = None
    accounts: Frozen[Account] = Field(default_factory=dict, validate_default=True)

    @classmethod
    def rules(cls, raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
        """Names of accounts become names of directories."""
        if isinstance(accounts := raw.get("accounts"), dict):
            yield from ((("accounts", name), words) for name, words in _name_errors(accounts))

    @property
    def passwords(self) -> tuple[str, ...]:
        """The passwords in URLs, which logs must not show."""
        urls = [self.database.url, *(account.local.url for account in self.accounts.values())]
        return tuple(password for url in urls if url is not None for password in url.passwords)
