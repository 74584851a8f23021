"""The list of all days of an account, as a page beside their reports."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from recon import __version__
from recon.model import RunFigures
from recon.report.html_templates import template


def content(account: str, days: Sequence[RunFigures], linked: Collection[str]) -> bytes:
    """Return the page in UTF-8, without phone numbers.

    Args:
        account: whose days.
        days: what was counted on each, in the order of the page.
        linked: the days, as ISO dates, whose pages lie beside it.
    """
    context = {"account": account, "days": days, "linked": linked, "version": __version__}
    return template("index.html").render(context).encode()
