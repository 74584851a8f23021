"""Logging for a command: to standard error, as text or JSON lines, in UTC, without secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO
from urllib.parse import quote

LOGGER: Final = "recon"
BLOT: Final = "***"

#: Levels of our own log lines by `-q`, nothing, `-v`, `-vv`.
_LEVELS: Final = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG}

#: Shorter secrets are no secrets; blotting them out would only garble every line.
_SHORTEST: Final = 4

#: A secret that is also a word may stand in a sentence and mean no secret.
_PLAIN_WORD: Final = re.compile(r"[A-Za-z]{1,11}")
#: Behind the name of a secret or in a URL, or alone in quotes or in the whole text.
_WHERE_IT_STANDS_AS_ONE: Final = (
    r"(?<=[:=]){0}(?=[@&\s,;)]|$)|(?<=['\"]){0}(?=['\"])|^{0}$"
    r"|(?i:(?<=password )|(?<=password: )|(?<=key )|(?<=secret )|(?<=Error: )){0}\b"
)
#: What a record holds that no secret gets into.
_OURS: Final = frozenset(
    {"name", "msg", "levelname", "pathname", "filename", "module", "funcName", "threadName"}
    | {"processName", "taskName", "exc_text"}
)

# A password in a URL, and the header that carries the API key, whatever their value.
_URL_PASSWORD: Final = re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+@")
_KEY_HEADER: Final = re.compile(r"""(X-Octopods-Auth\W{1,6})[^\s'",}\\]+""", re.IGNORECASE)
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


class _Redacting(logging.Formatter):
    """Formats with another formatter, and removes secrets from messages and tracebacks.

    Time, level, logger and the names of fields do not change.
    """

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner
        self._secrets: set[str] = set()

    def learn(self, secret: str) -> None:
        """Remove this secret from now on, in each form that it may have in a line."""
        if len(secret) >= _SHORTEST:
            self._secrets |= {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}

    def format(self, record: logging.LogRecord) -> str:
        said = logging.makeLogRecord(record.__dict__)
        for name, value in said.__dict__.items():
            if isinstance(value, str) and name not in _OURS:
                said.__dict__[name] = self.blotted(value)
        said.msg, said.args = self.blotted(record.getMessage()), None
        if record.exc_info:
            # A formatter takes the text that is there already.
            said.exc_text = self.blotted(self._inner.formatException(record.exc_info))
            said.exc_info = None
        line = self._inner.format(said)
        return _KEY_HEADER.sub(rf"\1{BLOT}", _URL_PASSWORD.sub(rf"\1:{BLOT}@", line))

    def blotted(self, text: str) -> str:
        """Return a text with every secret removed."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            if _PLAIN_WORD.fullmatch(secret):
                text = re.sub(_WHERE_IT_STANDS_AS_ONE.format(re.escape(secret)), BLOT, text)
            else:
                text = text.replace(secret, BLOT)
        return text


class _Text(logging.Formatter):
    """One line for each message, whatever characters it contains; tracebacks do not change."""

    converter: Callable[[float | None], time.struct_time] = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = record.message.translate(_CONTROLS)
        return super().formatMessage(record)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to the current standard error, which may have been replaced."""

    @property
    def stream(self) -> TextIO:
        """Standard error."""
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        """Ignore what the base class was given."""


def configure(*, fmt: str = "text", verbosity: int = 0) -> None:
    """Set up logging for this process; another call replaces the earlier setup.

    Args:
        fmt: `text` for people, `json` for one object a line.
        verbosity: -1 errors only, 0 warnings, 1 what is done, 2 every detail. Only warnings of
            other packages are shown, since their details contain phone numbers.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _Handler):
            root.removeHandler(handler)
    handler = _Handler()
    text = _Text("{asctime} {levelname} {name}: {message}", style="{")
    handler.setFormatter(_Redacting(_json_lines() if fmt == "json" else text))
    root.addHandler(handler)
    level = _LEVELS[max(-1, min(2, verbosity))]
    root.setLevel(max(level, logging.WARNING))
    # Its warnings quote headers that it cannot read, which may be a part of the body.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.getLogger(LOGGER).setLevel(level)


def redact(*secrets: str) -> None:
    """Never show these in a log line. This is only a last protection: do not log secrets."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, _Redacting):
            for secret in secrets:
                handler.formatter.learn(secret)


def without_secrets(text: str) -> str:
    """Return a text to be sent elsewhere without the secrets that log lines do not show."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, _Redacting):
            text = handler.formatter.blotted(text)
    return _URL_PASSWORD.sub(rf"\1:{BLOT}@", text)


def _json_lines() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter(
        ["levelname", "name", "message"],
        timestamp="time",
        rename_fields={"levelname": "level", "name": "logger", "exc_info": "traceback"},
    )
