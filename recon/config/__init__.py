"""Settings from a TOML file and the environment, all errors reported at once."""

from recon.config.account_settings import Account, Local
from recon.config.credentials import fingerprint
from recon.config.expected_settings import Expected
from recon.config.loading import DEFAULT_PATH, load
from recon.config.settings import Settings
from recon.config.value_types import SecretUrl

__all__ = [
    "DEFAULT_PATH",
    "Account",
    "Expected",
    "Local",
    "SecretUrl",
    "Settings",
    "fingerprint",
    "load",
]
