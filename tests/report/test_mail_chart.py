"""The picture in a mail: the last days, in few bytes, and in words too."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from recon.model import RunFigures, VerdictKind
from recon.report import mail_chart

TODAY = date(2026, 4, 23)


def figures(days: int, *, messages: int = 100, findings: int = 2) -> list[RunFigures]:
    """Return so many days, the newest first; only the last one has findings and failures."""
    return [
        RunFigures(
            TODAY - timedelta(days=n),
            VerdictKind.CLEAN,
            records=messages,
            messages=messages + 7 * n,
            failed=0 if n else messages // 10,
            findings=0 if n else findings,
            gaps=0,
        )
        for n in range(days)
    ]


def test_a_chart_is_small_sharp_and_says_what_it_shows() -> None:
    made = mail_chart.draw([figures(30)], TODAY, "main")
    assert made is not None
    assert made.text == (
        "The last 30 days of main. Messages: 100, usually 205. Failed: 10.0%, usually 0.0%. "
        "Findings: 2, usually 0."
    )
    assert len(made.png) <= 40_000
    assert struct.unpack(">II", made.png[16:24]) == (2 * made.width, 2 * made.height)


def test_the_same_days_are_the_same_bytes_in_whatever_order() -> None:
    made = mail_chart.draw([figures(30)], TODAY, "main")
    assert made == mail_chart.draw([figures(30)[::-1]], TODAY, "main")
    assert made is not None
    assert b"matplotlib" not in made.png.lower()


def test_accounts_are_added_up() -> None:
    made = mail_chart.draw([figures(5), figures(3, messages=40)], TODAY, "all accounts")
    assert made is not None
    assert "of all accounts. Messages: 140, usually 154." in made.text
    assert "Failed: 10.0%" in made.text
    assert "Findings: 4" in made.text


@pytest.mark.parametrize(
    "histories", [[], [figures(1)], [figures(30)[1:]], [[], []]], ids=["none", "one", "old", "no"]
)
def test_there_is_no_chart_of_one_day_or_without_the_last_one(
    histories: Sequence[Sequence[RunFigures]],
) -> None:
    assert mail_chart.draw(histories, TODAY, "main") is None
