"""Read `Settings` from a TOML file and the environment, or report all errors in them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from recon.config import environment, error_messages
from recon.config.settings import Settings
from recon.errors import ConfigError

#: The default path of the configuration.
DEFAULT_PATH: Final = Path("recon.toml")

_HOW_TO_START: Final = (
    "Write one with `recon init` (docs/configuration.md explains every key), name a file with "
    "--config, or set RECON_ACCOUNTS__MAIN__API_KEY_ENV, RECON_ACCOUNTS__MAIN__LOCAL__URL etc."
)
_TOO_DEEP: Final = "Tables or lists are nested too deeply"
#: The deepest key is accounts.NAME.local.columns.id.
_DEEPEST: Final = 20
_SHORT_TIME: Final = re.compile(r"=\s*[0-9]{1,2}:[0-9]{2}\s*(?:#.*)?$")
#: What no path and no database can hold: NUL, and halves of a character that UTF-8 does not have.
_UNUSABLE: Final = re.compile(r"[\0\ud800-\udfff]")
_PLACE: Final = re.compile(r" \(at (?:(line \d+), (column \d+)|(end of document))\)$")


def load(
    path: Path | None, environ: Mapping[str, str], *, require_accounts: bool = True
) -> Settings:
    """Read the settings; the environment overrides the file, and both override the defaults.

    Args:
        path: the TOML file; `None` for `recon.toml` of the working directory, which may be missing.
        environ: the environment; only `RECON_…` is read.
        require_accounts: whether the configuration must have an account.

    Raises:
        ConfigError: with every error in it, one a line; no secret is quoted.
    """
    path = path_in_use(path)
    raw = environment.overlay(read_file(path) if path is not None else {}, environ)
    errors = [*raw.errors, *_unusable_texts(raw, has_file=path is not None)]
    settings = None
    try:
        settings = Settings.model_validate(raw.values)
    except ValidationError as error:
        for line in error.errors(include_url=False):
            place = error_messages.Place.of(line["loc"], raw.origins, has_file=path is not None)
            errors.append(f"{place.name}: {error_messages.message(line, place)}")
    # Raised outside of the except clause: the cause holds the values as they were written.
    if settings is None or errors:
        raise _refusal(path, list(dict.fromkeys(errors)))
    if require_accounts and not settings.accounts:
        if path is None:
            raise ConfigError("there is no configuration", hint=_HOW_TO_START)
        raise ConfigError(
            f"{path} has no account",
            hint="Add [accounts.main] with its API key and its records; see docs/configuration.md.",
        )
    return settings


def path_in_use(path: Path | None) -> Path | None:
    """Return the absolute path of the file that `load` reads, `None` if there is none."""
    if path is None and DEFAULT_PATH.exists():
        path = DEFAULT_PATH
    return None if path is None else path.absolute()


def _is_deep(values: object) -> bool:
    """Say whether the values are nested deeper than any setting."""
    level = [values]
    for _ in range(_DEEPEST):
        level = [
            each
            for value in level
            if isinstance(value, dict | list)
            for each in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(level)


def _unusable_texts(raw: environment.Overlay, *, has_file: bool) -> Iterator[str]:
    """Yield an error for each text that is not possible in a path or a database."""
    waiting: list[tuple[tuple[int | str, ...], object]] = [((), raw.values)]
    while waiting:
        location, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [((*location, key), each) for key, each in value.items()]
        elif isinstance(value, list):
            waiting += [((*location, n), each) for n, each in enumerate(value)]
        if any(isinstance(one, str) and _UNUSABLE.search(one) for one in (value, *location[-1:])):
            name = error_messages.Place.of(location, raw.origins, has_file=has_file).name
            name = name.replace("\0", "\\u0000").encode(errors="replace").decode()
            yield f"{name}: contains an invalid character (NUL, or not UTF-8); remove it"


def _refusal(path: Path | None, errors: list[str]) -> ConfigError:
    source = "the environment" if path is None else str(path)
    count = "an error" if len(errors) == 1 else f"{len(errors)} errors"
    return ConfigError("\n  ".join([f"the configuration ({source}) has {count}:", *errors]))


def _line(text: str, place: str) -> str:
    """Return the line that `line 7` means."""
    return text.split("\n")[int(place.removeprefix("line ")) - 1]


def read_file(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file, unchecked.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as cause:
        raise ConfigError(f"there is no configuration file {path}", hint=_HOW_TO_START) from cause
    except OSError as cause:
        hint = (
            f"Name the file in it: --config {path / DEFAULT_PATH}"
            if path.is_dir()
            else "The user that runs recon must be able to read it."
        )
        raise ConfigError(f"{path} cannot be read: {cause.strerror}", hint=hint) from cause
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise ConfigError(f"{path} is not text in UTF-8")
    try:
        values = tomllib.loads(text)
        if not _is_deep(values):
            return values
        message = _TOO_DEEP
    except tomllib.TOMLDecodeError as error:
        message = str(error)
    except RecursionError:
        message = _TOO_DEEP
    except ValueError:
        # Python reads no integer of more than 4300 digits.
        message = "a number has far too many digits"
    place = _PLACE.search(message)
    spot = ", ".join(part for part in place.groups() if part) if place else "somewhere"
    reason = _PLACE.sub("", message)
    if place and place[1] and _SHORT_TIME.search(_line(text, place[1])):
        reason = "a time of day needs seconds, as in 09:00:00"
    raise ConfigError(f"{path}, {spot}: {reason[:1].lower()}{reason[1:]}")
