"""From a TOML file and the environment to `Settings`, or to all that is wrong with them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from recon.config import environment, error_messages
from recon.config.settings import Settings
from recon.errors import ConfigError

#: Where the configuration is looked for when nobody says where it is.
DEFAULT_PATH: Final = Path("recon.toml")

_HOW_TO_START: Final = (
    "Copy config.example.toml to recon.toml and adapt it, name a file with --config, or set "
    "RECON_ACCOUNTS__MAIN__API_KEY_ENV, RECON_ACCOUNTS__MAIN__LOCAL__URL and so on."
)
_PLACE: Final = re.compile(r" \(at (?:(line \d+), (column \d+)|(end of document))\)$")


def load(
    path: Path | None, environ: Mapping[str, str], *, require_accounts: bool = True
) -> Settings:
    """Read the settings; the environment wins over the file, and both over the defaults.

    Args:
        path: the TOML file; `None` for `recon.toml` of the working directory, which may be missing.
        environ: the environment; of it only `RECON_…` is read.
        require_accounts: whether a configuration without an account is of any use.

    Raises:
        ConfigError: with every error in it, one a line; no secret is quoted.
    """
    if path is None and DEFAULT_PATH.exists():
        path = DEFAULT_PATH
    raw = environment.overlay(_read(path) if path is not None else {}, environ)
    errors = list(raw.errors)
    settings = None
    try:
        settings = Settings.model_validate(raw.values)
    except ValidationError as error:
        for line in error.errors(include_url=False):
            place = error_messages.Place.of(line["loc"], raw.origins, has_file=path is not None)
            errors.append(f"{place.name}: {error_messages.sentence(line, place)}")
    # Raised outside of the except clause: the cause holds the values as they were written.
    if settings is None or errors:
        raise _refusal(path, list(dict.fromkeys(errors)))
    if require_accounts and not settings.accounts:
        if path is None:
            raise ConfigError("there is no configuration", hint=_HOW_TO_START)
        raise ConfigError(
            f"{path} names no account",
            hint="Add [accounts.main] with its API key and its records; see config.example.toml.",
        )
    return settings


def _refusal(path: Path | None, errors: list[str]) -> ConfigError:
    source = "the environment" if path is None else str(path)
    count = "an error" if len(errors) == 1 else f"{len(errors)} errors"
    return ConfigError("\n  ".join([f"the configuration ({source}) has {count}:", *errors]))


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as trouble:
        raise ConfigError(f"there is no configuration file {path}", hint=_HOW_TO_START) from trouble
    except OSError as trouble:
        raise ConfigError(f"{path} cannot be read: {trouble.strerror}") from trouble
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise ConfigError(f"{path} is not text in UTF-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
    place = _PLACE.search(message)
    spot = ", ".join(part for part in place.groups() if part) if place else "somewhere"
    reason = _PLACE.sub("", message)
    raise ConfigError(f"{path}, {spot}: {reason[:1].lower()}{reason[1:]}")
