"""Settings from a TOML file and the environment, all errors reported at once."""

from recon.config.account_settings import END_BINDS, START_BINDS, Account, Columns, Local
from recon.config.credentials import fingerprint
from recon.config.expected_settings import Expected
from recon.config.loading import DEFAULT_PATH, load
from recon.config.settings import (
    DIFF_ACCOUNT,
    Collect,
    Database,
    Email,
    Matching,
    Monitoring,
    Octopods,
    Report,
    Retention,
    Settings,
)
from recon.config.value_types import SecretUrl

__all__ = [
    "DEFAULT_PATH",
    "DIFF_ACCOUNT",
    "END_BINDS",
    "START_BINDS",
    "Account",
    "Collect",
    "Columns",
    "Database",
    "Email",
    "Expected",
    "Local",
    "Matching",
    "Monitoring",
    "Octopods",
    "Report",
    "Retention",
    "SecretUrl",
    "Settings",
    "fingerprint",
    "load",
]
