"""What a host name says without being resolved."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Say whether `host` is this machine itself: `localhost`, or an address of loopback.

    Names are not resolved, so another name of this machine does not count.
    """
    name = host.strip("[]").removesuffix(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        # Never resolved elsewhere: RFC 6761, section 6.3.
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
