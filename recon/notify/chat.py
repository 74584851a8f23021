"""Send one short text to chat and paging services, through Apprise, as best effort.

Messages name the kind of a service; its URL contains tokens and is never shown.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

from recon import deadlines
from recon.deadlines import DeadlineError

if TYPE_CHECKING:
    import apprise
    from pydantic import SecretStr

#: One service may take so long.
TOTAL_SECONDS: Final = 20.0

Mark = Literal["success", "info", "warning", "failure"]

#: How a service marks a message of each tone.
TONES: Final[Mapping[str, Mark]] = {
    "error": "failure",
    "warning": "warning",
    "plain": "info",
    "good": "success",
}

#: Services that put messages with one key together, and the parameter of their URL that holds it.
_KEYED: Final = {"pagerduty": "dedup", "opsgenie": "alias"}

_INSTALL: Final = "install Apprise with `pip install 'octopods-recon[notify]'`"


def send(
    urls: Sequence[SecretStr],
    title: str,
    body: str,
    *,
    tone: Mark,
    key: str,
) -> list[str]:
    """Send a text to each service; return the errors, each with the name of its service.

    Args:
        urls: the services, as Apprise writes them.
        title: one line.
        body: a few lines, without personal data.
        tone: how a service marks it.
        key: for services with deduplication keys: messages with this key are one alert.
    """
    services, wrong = _services(urls, key)
    for service in services:
        reason = _sent(service, title, body, tone)
        if reason:
            wrong.append(f"{service.service_name} was not notified: {reason}")
    return wrong


def service_names(urls: Sequence[SecretStr]) -> tuple[list[str], list[str]]:
    """Return the names of the services, and the errors in the URLs."""
    services, wrong = _services(urls, "")
    return [str(service.service_name) for service in services], wrong


def _services(urls: Sequence[SecretStr], key: str) -> tuple[list[apprise.NotifyBase], list[str]]:
    try:
        import apprise
    except ImportError:
        return [], [f"[notify] cannot be used: {_INSTALL}"]
    # Its own log lines show URLs.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    services: list[apprise.NotifyBase] = []
    wrong = []
    for number, url in enumerate(urls, start=1):
        said = _keyed(url.get_secret_value(), key)
        service = apprise.Apprise.instantiate(said, suppress_exceptions=True)
        if isinstance(service, apprise.NotifyBase):
            services.append(service)
        else:
            wrong.append(f"URL {number} of [notify] names no service that Apprise supports")
    return services, wrong


def _sent(service: apprise.NotifyBase, title: str, body: str, tone: Mark) -> str:
    """Send to one service; return the error, or nothing if it accepted the text."""
    try:
        taken = deadlines.run(
            TOTAL_SECONDS,
            lambda: service.notify(title=title, body=body, notify_type=tone),
            give_up=lambda: None,
            name="recon-chat",
        )
    except DeadlineError:
        return f"no answer within {TOTAL_SECONDS:g} seconds"
    except Exception as error:  # noqa: BLE001 - of any of its plugins; their texts may hold URLs
        return type(error).__name__
    return "" if taken else "it refused the message or cannot be reached"


def _keyed(url: str, key: str) -> str:
    """Return the URL with the deduplication key, if its service has one and none is set."""
    name = _KEYED.get(url.partition("://")[0].lower())
    if name is None or not key or f"{name}=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}{name}={quote(key, safe='')}"
