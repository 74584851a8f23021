"""Secrets, read from the environment or a file when they are needed, never from the settings."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from recon.errors import ConfigError

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S")

_SET_IT: Final = (
    "Set it for the process that runs recon: cron, systemd and containers do not read the profile "
    "of your shell. Or name a file that holds it with …_file."
)


def fingerprint(key: SecretStr) -> str:
    """Return 16 hex digits that distinguish API keys and do not reveal them."""
    value = key.get_secret_value().encode()
    return hashlib.blake2b(value, digest_size=8, person=b"octopods-recon").hexdigest()


def read_secret(
    what: str,
    *,
    variable: str | None,
    file: Path | None,
    environ: Mapping[str, str],
    may_hold_blanks: bool = False,
) -> SecretStr:
    """Read a secret from the variable, else from the file; blanks around it do not count.

    Args:
        what: its name in the configuration, such as `accounts.main.api_key`: the settings `…_env`
            and `…_file` say where it is.
        variable: name of an environment variable.
        file: path of a file that holds nothing else.
        environ: the environment.
        may_hold_blanks: whether it may contain blanks, as a password of four groups of letters
            does; an API key has none.

    Raises:
        ConfigError: it is missing, empty, unreadable, or clearly not a secret.
    """
    place, value = _found(what, variable=variable, file=file, environ=environ)
    # What goes into a header field: RFC 9110, section 5.5, less the blank.
    least = " " if may_hold_blanks else "!"
    if not all(least <= char <= "\xff" and char.isprintable() for char in value):
        words = "more than one line" if may_hold_blanks else "more than one word"
        raise ConfigError(
            f"{place} holds {words}, or a character that is not valid in a key: it must contain "
            "the secret and nothing else"
        )
    return SecretStr(value)


def read_urls(
    what: str, *, variable: str | None, file: Path | None, environ: Mapping[str, str]
) -> tuple[SecretStr, ...]:
    """Read secret URLs from the variable, else from the file.

    They are separated by blanks or line breaks. A line that begins with `#` is a note.

    Raises:
        ConfigError: they are missing or unreadable, or one of them is not a URL.
    """
    place, value = _found(what, variable=variable, file=file, environ=environ)
    lines = (line for line in value.splitlines() if not line.lstrip().startswith("#"))
    urls = [url for line in lines for url in line.split()]
    for number, url in enumerate(urls, start=1):
        if not _URL.match(url):
            raise ConfigError(f"{place}: item {number} is not a URL; write one such as slack://…")
    if not urls:
        raise ConfigError(f"{place} holds no URL")
    return tuple(SecretStr(url) for url in urls)


def _found(
    what: str, *, variable: str | None, file: Path | None, environ: Mapping[str, str]
) -> tuple[str, str]:
    """Return the name of the variable or file for messages, and its content."""
    if variable is not None:
        place = _variable(what, variable)
        value = environ.get(variable)
        if value is None:
            raise ConfigError(f"{place} is not set", hint=_SET_IT)
    else:
        assert file is not None
        place = _file(what, file)
        value = _text(place, file)
    value = value.strip()
    if not value:
        raise ConfigError(f"{place} is empty")
    return place, value


def _text(place: str, file: Path) -> str:
    # The cause of a decoding error would carry the secret itself.
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"{place} cannot be read: {reason}") from error
    raise ConfigError(f"{place} cannot be read: {reason}")


def _variable(what: str, name: str) -> str:
    """Name the variable, unless its name seems to be the secret itself."""
    if re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
        return f"environment variable {name} ({what}_env)"
    return f"the environment variable that {what}_env names"


def _file(what: str, path: Path) -> str:
    if len(path.parts) > 1 or path.suffix:
        return f"file {path.absolute()} ({what}_file)"
    return f"the file that {what}_file names"
