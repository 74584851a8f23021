"""The dashboard: sends, failures and findings of several accounts and days as one HTML page.

The page makes no requests. Without its script it shows all accounts and days; with the script it
can show one account and a shorter time. The page's policy allows only this script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from recon import __version__
from recon.core import failure_reasons
from recon.core.day_figures import MOST_REASONS, DayFigures
from recon.model import RetryRule
from recon.report import dashboard_layout, dashboard_view, labels
from recon.report.dashboard_data import MONEY_UNIT, in_script, page_data
from recon.report.dashboard_layout import Chart, Tile
from recon.report.failure_meanings import DECISIONS
from recon.report.html_templates import template
from recon.report.masking import mask_numbers

#: Periods that the page offers in addition to all its days.
_PRESETS: Final = (7, 30, 90, 180, 365)
_NO_REASON: Final = "no reason given"
_OTHER_REASONS: Final = "other reasons"
_HOW_TO_READ: Final = "Point at a bar, or touch it, to see its figures."


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The data of a dashboard."""

    figures: Sequence[DayFigures]
    """Figures of the accounts and days, in any order; a day may be absent."""
    first: date
    last: date
    """The last day, included."""
    zone: str
    """The time zone of the days."""
    made_at: datetime
    """When the figures were read."""
    accounts: Sequence[str]
    """In the order of the page."""
    currency: str | None
    """The currency of the cost estimate; `None` if no rates are configured."""
    mask: bool
    """Whether phone numbers in failure reasons are masked."""
    rules: Sequence[RetryRule] = ()
    """The configured rules for failure reasons, which precede the built-in ones."""


def content(shown: Dashboard) -> str:
    """Return the page."""
    figures, accounts = shown.figures, shown.accounts

    def meaning(reason: str) -> tuple[str, str]:
        return reason or _NO_REASON, _meaning(reason, shown.rules)

    days = dashboard_view.all_days(shown.first, shown.last)
    tiles, charts = [*dashboard_layout.TILES], [*dashboard_layout.CHARTS]
    if shown.currency is not None:
        tiles.append(dashboard_layout.cost_tile(shown.currency))
        charts.append(dashboard_layout.cost_chart(shown.currency))
    made = page_data(
        figures,
        days,
        accounts,
        shown=lambda reason: reason_text(reason, mask=shown.mask),
    )
    view = dashboard_view.view(
        figures,
        days,
        accounts,
        tiles,
        charts,
        reasons=made.reasons,
        other_reasons=made.other_reasons,
    )
    all_accounts = accounts[0] if len(accounts) == 1 else f"All {len(accounts):,} accounts"
    data = {
        **made.content,
        "reasons": [meaning(reason) for reason in made.content["reasons"]],
        "kinds": [
            [kind.value, _capital(known.title), known.meaning]
            for kind, known in labels.EXPLANATIONS.items()
        ],
        "layout": _layout(tiles, charts, all_accounts),
    }
    script = template("dashboard.js").render()
    context = {
        "first": shown.first,
        "last": shown.last,
        "days": days,
        "zone": shown.zone,
        "made_at": f"{shown.made_at.astimezone(ZoneInfo(shown.zone)):%Y-%m-%d %H:%M}",
        "scope": f"{all_accounts}, {shown.first} to {shown.last} "
        f"({labels.counted(len(days), 'day')})",
        "accounts": accounts,
        "account_columns": dashboard_layout.ACCOUNT_COLUMNS,
        "presets": [count for count in _PRESETS if count < len(days)],
        "view": view,
        "meaning": meaning,
        "other_reasons": _OTHER_REASONS,
        "kinds": {kind.value: known for kind, known in labels.EXPLANATIONS.items()},
        "masked": shown.mask,
        "data": in_script(data),
        "script": script,
        "script_hash": _hash(script),
        "version": __version__,
    }
    return template("dashboard.html").render(context)


def reason_text(reason: str, *, mask: bool) -> str:
    """Return a failure reason in one line, its phone numbers masked if wanted."""
    one_line = " ".join(reason.split())
    return mask_numbers(one_line, ()) if mask else one_line


def _meaning(reason: str, rules: Sequence[RetryRule]) -> str:
    """Return two sentences: what a reason means, whether to send again, and what to do."""
    found = failure_reasons.explain(reason, tuple(rules))
    return f"{_capital(found.title)} ({DECISIONS[found.decision]}). {found.advice}"


def _layout(tiles: Sequence[Tile], charts: Sequence[Chart], all_accounts: str) -> Mapping[str, Any]:
    """Return what the script has to know of the page."""
    columns = [column for tile in tiles for column in (tile.column, *tile.notes)]
    columns += [column for chart in charts for column in chart.columns]
    return {
        "keys": sorted({column.key for column in columns}),
        "of_messages": dashboard_layout.OF_MESSAGES,
        "tiles": [asdict(tile) for tile in tiles],
        "statuses": [column.key for column in dashboard_layout.STATUSES],
        "charts": [_chart(chart) for chart in charts],
        "account_columns": [asdict(column) for column in dashboard_layout.ACCOUNT_COLUMNS],
        "money": ["spent", "twice", "wasted"],
        "money_unit": MONEY_UNIT,
        "most_days": dashboard_view.MOST_DAYS,
        "most_days_of_weeks": dashboard_view.MOST_DAYS_OF_WEEKS,
        "least_top": dashboard_view.LEAST_TOP,
        "most_reasons": MOST_REASONS,
        "other_reasons": [_OTHER_REASONS, ""],
        "all_accounts": all_accounts,
        "how_to_read": _HOW_TO_READ,
    }


def _chart(chart: Chart) -> Mapping[str, Any]:
    return {
        "name": chart.name,
        "title": chart.title,
        "form": chart.form,
        "is_stacked": chart.is_stacked,
        "marks_gaps": chart.marks_gaps,
        "drawn": [asdict(column) for column in chart.drawn],
        "columns": [asdict(column) for column in chart.columns],
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _hash(script: str) -> str:
    """Return what the page's policy names its script by."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
