"""The pages in Chromium: on a phone and a desk, light and dark, for people and screen readers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from recon.model import (
    Changes,
    Incident,
    Kind,
    LocalBalance,
    ProviderBalance,
    Run,
    RunFigures,
    Span,
    VerdictKind,
)
from recon.report import report_files
from tests.factories import finding, run, utc
from tests.report.chromium import (
    HEIGHT,
    PHONE,
    Chromium,
    Scheme,
    screens,
    violations,
)

pytestmark = pytest.mark.thorough  # pages in a real browser

DAYS = [date(2026, 4, 23) - timedelta(days=n) for n in range(30)]


def busy() -> Run:
    """Return a day with all that a page can show, and with ids that have no place to break."""
    rows = [
        finding(
            kind.value,
            f"{n:016x}",
            message_id="9" * 19,
            local_id="order-" + "x" * 60,
            phone_number=f"+3538712345{n:02}",
            local_phone_number=f"087 12345{n:02}",
            local_status="delivered",
            provider_status="failed",
            failure_reason="Message failed to send because " + "y" * 80,
            detail="the records say delivered, Octopods says failed: " + "z" * 90,
            provider_sent_at=utc(f"{n:02}:00:00"),
        )
        for n, kind in enumerate([*Kind] * 2)
    ]
    incident = Incident(
        "c3",
        {"missing_at_provider": 312},
        utc("10:02:00"),
        utc("10:19:00"),
        "outage",
        "312 of 315 sends between 11:02 and 11:19 are missing at Octopods: check `timezone`.",
    )
    return run(
        rows,
        local=LocalBalance(*range(1000, 1006)),
        provider=ProviderBalance(*range(1000, 1005)),
        gaps=[Span(utc("01:10:00"), utc("03:30:00"))],
        incidents=[incident],
        changes=Changes(new=20, persisting=4, resolved=3, expected=1),
        first_seen_on={rows[0]["discrepancy_id"]: date(2026, 4, 20)},  # type: ignore[dict-item]
        lifecycle={str(rows[0]["discrepancy_id"]): "acknowledged"},
    )


def suspect() -> Run:
    causes = ["The records hold 12 records.", "The `where` may be wrong.", "The key was rotated."]
    return run(kind="suspect", suspicions=causes, local=LocalBalance(missing_at_provider=12))


def history() -> Sequence[RunFigures]:
    return [
        RunFigures(day, VerdictKind.CLEAN if n else VerdictKind.DISCREPANCIES, 90, 90 + n, n, n, 0)
        for n, day in enumerate(DAYS)
    ]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the pages as a night does, and return where they lie."""
    directory = tmp_path_factory.mktemp("reports")
    for name, made in (("busy", busy()), ("clean", run()), ("suspect", suspect())):
        report_files.write(made, directory / name, mask=True, history=history())
    report_files.write_index("main", history(), directory / "busy")
    return directory


@pytest.mark.enable_socket
@pytest.mark.parametrize(("width", "scheme", "contrast"), screens())
@pytest.mark.parametrize(
    "name",
    ["busy/main/2026-04-23", "clean/main/2026-04-23", "suspect/main/2026-04-23", "busy/main/index"],
)
def test_a_page_fits_is_silent_and_can_be_read_by_all(
    browser: Chromium, pages: Path, name: str, width: int, scheme: Scheme, *, contrast: bool
) -> None:
    address = (pages / f"{name}.html").as_uri()
    with browser.opened(width=width, scheme=scheme, policy=False) as shown:
        shown.page.goto(address)
        for summary in shown.page.locator("summary").all():
            summary.click()
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
        assert shown.said == []
        assert shown.asked == [address]
        assert violations(shown.page, contrast=contrast) == []


@pytest.mark.enable_socket
def test_the_first_screen_of_a_phone_says_what_is_wrong_and_what_to_do(
    browser: Chromium, pages: Path
) -> None:
    with browser.opened(width=PHONE) as shown:
        shown.page.goto((pages / "busy/main/2026-04-23.html").as_uri())
        for words in ("h1", ".incidents li", ".actions li:first-child"):
            box = shown.page.locator(words).first.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] < HEIGHT


@pytest.mark.enable_socket
def test_every_link_leads_to_a_file_or_a_place_on_the_page(browser: Chromium, pages: Path) -> None:
    with browser.opened() as shown:
        for name in ("2026-04-23", "index"):
            source = pages / "busy/main" / f"{name}.html"
            shown.page.goto(source.as_uri())
            for link in shown.page.locator("a").all():
                target = link.get_attribute("href") or ""
                if target.startswith("#"):
                    assert shown.page.locator(target).count() == 1
                else:
                    assert (source.parent / target).exists()
