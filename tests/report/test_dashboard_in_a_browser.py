"""The dashboard in Chromium: its script shows what the page without it would show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.report.chromium import PHONE, Chromium, Scheme, screens, violations
from tests.report.dashboards import LAST, busy, figures, page

pytestmark = pytest.mark.thorough  # pages in a real browser

TWO = ("main", "support")
HOSTILE = "</script><b>x&amp;\"'"
DAYS = 12
SENDS = busy(DAYS, TWO, distinct=20)

#: What a page shows, without the buttons that only the script makes.
SHOWN = """() => ({
  texts: ["dd", "#statuses", ".top", ".axis", "svg title", "thead"].map(
    (one) => [...document.querySelectorAll(one)].map((each) => each.textContent)),
  rows: [...document.querySelectorAll("table:not(#accounts) tbody tr")].map(
    (row) => [...row.cells].map((cell) => [cell.textContent, cell.className])),
  paths: [...document.querySelectorAll("figure path")].map((path) => path.getAttribute("d")),
  hidden: [...document.querySelectorAll("section, #content, #nothing, .bar i")].map(
    (one) => one.hidden),
})"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("dashboards")
    long = ["main", "sends-of-the-shop-in-" + "x" * 43]
    made = {
        "busy": page(SENDS, days=DAYS, accounts=TWO, currency="EUR"),
        "empty": page([], accounts=TWO, days=3),
        "day": page(busy(1, ["main"]), days=1),
        "long": page(busy(400, long), days=400, accounts=long, currency="EUR"),
        "months": page(busy(600, ["main"]), days=600),
        "gaps": page([figures(2, covered_seconds=0.0), figures(4, read=3)], days=5),
        "hostile": page(
            [figures(account=HOSTILE, failed=1, failure_reasons={HOSTILE: 1})],
            accounts=(HOSTILE,),
            days=2,
        ),
    }
    for name, content in made.items():
        (directory / f"{name}.html").write_bytes(content)
    return directory


def shows(browser: Chromium, content: bytes, tmp_path: Path) -> object:
    """Return what a page shows without its script."""
    file = tmp_path / "other.html"
    file.write_bytes(content)
    with browser.opened(scripts=False) as shown:
        shown.page.goto(file.as_uri())
        return shown.page.evaluate(SHOWN)


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("name", "width", "scheme", "contrast"),
    [
        *(pytest.param("busy", *each.values, marks=each.marks) for each in screens()),
        ("empty", PHONE, "light", True),
        pytest.param("day", PHONE, "dark", True, marks=pytest.mark.thorough),
        pytest.param("long", PHONE, "light", True, marks=pytest.mark.thorough),
        ("hostile", PHONE, "dark", True),
    ],
)
def test_a_dashboard_fits_is_silent_and_can_be_read_by_all(
    browser: Chromium, pages: Path, name: str, width: int, scheme: Scheme, *, contrast: bool
) -> None:
    address = (pages / f"{name}.html").as_uri()
    with browser.opened(width=width, scheme=scheme, policy=False) as shown:
        shown.page.goto(address)
        tables = shown.page.locator("summary:visible")
        for summary in tables.all() if name != "long" else []:
            summary.click()
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
        assert shown.said == []
        assert shown.asked == [address]
        assert violations(shown.page, contrast=contrast) == []


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    "name",
    [
        "busy",
        "hostile",
        *(
            pytest.param(name, marks=pytest.mark.thorough)
            for name in ("empty", "day", "long", "months", "gaps")
        ),
    ],
)
def test_the_script_shows_of_all_days_what_the_page_shows_without_it(
    browser: Chromium, pages: Path, tmp_path: Path, name: str
) -> None:
    file = pages / f"{name}.html"
    with browser.opened() as shown:
        shown.page.goto(file.as_uri())
        assert shown.page.evaluate(SHOWN) == shows(browser, file.read_bytes(), tmp_path)
        assert shown.page.locator("#filter").is_visible()
        assert shown.said == []
        assert shown.asked == [file.as_uri()]


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("account", "days"), [(None, 7), ("support", DAYS), ("support", 7), ("main", 1)]
)
def test_a_chosen_account_and_time_are_shown_as_a_page_of_their_own_shows_them(
    browser: Chromium, pages: Path, tmp_path: Path, account: str | None, days: int
) -> None:
    with browser.opened() as shown:
        shown.page.goto((pages / "busy.html").as_uri())
        shown.page.select_option("#account", account or "")
        first = LAST - timedelta(days=days - 1)
        shown.page.fill("#from", first.isoformat())
        names: Sequence[str] = TWO if account is None else [account]
        some = [one for one in SENDS if one.account in names and one.date >= first]
        alone = page(some, days=days, accounts=names, currency="EUR")
        assert shown.page.evaluate(SHOWN) == shows(browser, alone, tmp_path)
        plural = "" if days == 1 else "s"
        scope = f"{account or 'All 2 accounts'}, {first} to {LAST} ({days} day{plural})"
        assert shown.page.locator("#scope").inner_text() == scope
        assert shown.said == []


@pytest.mark.enable_socket
def test_without_a_script_all_is_shown_and_nothing_that_would_not_work(
    browser: Chromium, pages: Path
) -> None:
    with browser.opened(scripts=False) as shown:
        shown.page.goto((pages / "busy.html").as_uri())
        assert not shown.page.locator("#filter").is_visible()
        assert not shown.page.locator("button:visible").count()
        assert shown.page.locator("figure svg").count() == 7
        assert all(one.is_visible() for one in shown.page.locator("figure svg").all())


@pytest.mark.enable_socket
def test_the_keyboard_is_enough(browser: Chromium, pages: Path) -> None:
    with browser.opened() as shown:
        shown.page.goto((pages / "busy.html").as_uri())
        shown.page.keyboard.press("Tab")
        assert shown.page.evaluate("document.activeElement.id") == "account"
        shown.page.keyboard.press("ArrowDown")
        assert "main, 2026-04-12" in shown.page.locator("#scope").inner_text()
        shown.page.keyboard.press("Tab")
        shown.page.keyboard.press("ArrowDown")
        assert "main, 2026-04-17 to 2026-04-23" in shown.page.locator("#scope").inner_text()
        shown.page.get_by_role("button", name="Show all").focus()
        shown.page.keyboard.press("Enter")
        assert "All 2 accounts, 2026-04-12" in shown.page.locator("#scope").inner_text()
        summary = shown.page.locator("summary").first
        summary.focus()
        shown.page.keyboard.press("Enter")
        assert shown.page.locator("#table-messages").is_visible()
        shown.page.get_by_role("button", name="support").focus()
        shown.page.keyboard.press("Enter")
        assert "support, 2026-04-12" in shown.page.locator("#scope").inner_text()
        assert shown.page.evaluate("document.activeElement.textContent") == "support"


@pytest.mark.enable_socket
def test_what_is_chosen_is_kept_in_the_address(browser: Chromium, pages: Path) -> None:
    address = f"{(pages / 'busy.html').as_uri()}#account=support&from=2026-04-17"
    with browser.opened() as shown:
        shown.page.goto(address)
        assert "support, 2026-04-17 to 2026-04-23" in shown.page.locator("#scope").inner_text()
        assert shown.page.locator("#period").input_value() == "7"
        shown.page.fill("#to", "2026-04-20")
        assert shown.page.locator("#period").input_value() == "own"
        assert shown.page.url.endswith("#account=support&from=2026-04-17&to=2026-04-20")
        shown.page.get_by_role("button", name="Show all").click()
        assert shown.page.url == (pages / "busy.html").as_uri()


@pytest.mark.enable_socket
@pytest.mark.parametrize("asked", ["account=none&from=x&to=", "from=2026-04-20&to=2026-04-01"])
def test_an_address_that_names_nothing_shows_all(
    browser: Chromium, pages: Path, asked: str
) -> None:
    with browser.opened() as shown:
        shown.page.goto(f"{(pages / 'busy.html').as_uri()}#{asked}")
        assert (
            "All 2 accounts, 2026-04-12 to 2026-04-23" in shown.page.locator("#scope").inner_text()
        )
        assert shown.said == []


@pytest.mark.enable_socket
def test_a_bar_is_read_by_pointing_at_it(browser: Chromium, pages: Path) -> None:
    with browser.opened() as shown:
        shown.page.goto((pages / "gaps.html").as_uri())
        chart = shown.page.locator("#chart-messages svg")
        box = chart.bounding_box()
        assert box is not None
        readout = shown.page.locator("#chart-messages .readout")
        chart.hover(position={"x": box["width"] / 7 / 2, "y": 40})
        assert readout.inner_text().startswith("Sun 2026-04-19: messages 3, read 3, delivered 0")
        chart.hover(position={"x": box["width"] - 5, "y": 40})
        assert readout.inner_text().startswith("Point at a bar")
