"""The dashboard in Chromium: its script shows what the page without it would show."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.report.dashboards import LAST, busy, figures, page

CHROMIUM = shutil.which("chromium")
if "NEEDS_BROWSER" not in os.environ:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (Debian: chromium)", allow_module_level=True)
    for name in ("playwright", "axe_playwright_python"):
        pytest.importorskip(name)

from axe_playwright_python.sync_playwright import Axe  # noqa: E402 - may be missing, see above
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

PHONE, DESK = 390, 1280
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


def opened(
    browser: Browser,
    address: str,
    **options: Any,  # noqa: ANN401 - Playwright's options
) -> tuple[Page, list[str], list[str]]:
    """Open a page; return it, what its console says, and what it asks for."""
    shown = browser.new_context(**options).new_page()
    said: list[str] = []
    asked: list[str] = []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(address)
    return shown, said, asked


def shows(browser: Browser, content: bytes, tmp_path: Path) -> object:
    """Return what a page shows without its script."""
    file = tmp_path / "other.html"
    file.write_bytes(content)
    shown, _, _ = opened(browser, file.as_uri(), java_script_enabled=False)
    found = shown.evaluate(SHOWN)
    shown.context.close()
    return found


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        *(("busy", width, scheme) for width in (PHONE, DESK) for scheme in ("light", "dark")),
        ("empty", PHONE, "light"),
        ("day", PHONE, "dark"),
        ("long", PHONE, "light"),
        ("hostile", PHONE, "dark"),
    ],
)
def test_a_dashboard_fits_is_silent_and_can_be_read_by_all(
    browser: Browser, pages: Path, name: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    address = (pages / f"{name}.html").as_uri()
    screen = {"width": width, "height": 844}
    # axe has to be let in.
    shown, said, asked = opened(
        browser, address, viewport=screen, color_scheme=scheme, bypass_csp=True
    )
    tables = shown.locator("summary:visible")
    for summary in tables.all() if name != "long" else []:
        summary.click()
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert said == []
    assert asked == [address]
    violations = Axe().run(shown).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []
    shown.context.close()


@pytest.mark.enable_socket
@pytest.mark.parametrize("name", ["busy", "empty", "day", "long", "months", "gaps", "hostile"])
def test_the_script_shows_of_all_days_what_the_page_shows_without_it(
    browser: Browser, pages: Path, tmp_path: Path, name: str
) -> None:
    file = pages / f"{name}.html"
    shown, said, asked = opened(browser, file.as_uri())
    assert shown.evaluate(SHOWN) == shows(browser, file.read_bytes(), tmp_path)
    assert shown.locator("#filter").is_visible()
    assert said == []
    assert asked == [file.as_uri()]
    shown.context.close()


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("account", "days"), [(None, 7), ("support", DAYS), ("support", 7), ("main", 1)]
)
def test_a_chosen_account_and_time_are_shown_as_a_page_of_their_own_shows_them(
    browser: Browser, pages: Path, tmp_path: Path, account: str | None, days: int
) -> None:
    shown, said, _ = opened(browser, (pages / "busy.html").as_uri())
    shown.select_option("#account", account or "")
    first = LAST - timedelta(days=days - 1)
    shown.fill("#from", first.isoformat())
    names: Sequence[str] = TWO if account is None else [account]
    some = [one for one in SENDS if one.account in names and one.date >= first]
    alone = page(some, days=days, accounts=names, currency="EUR")
    assert shown.evaluate(SHOWN) == shows(browser, alone, tmp_path)
    plural = "" if days == 1 else "s"
    scope = f"{account or 'All 2 accounts'}, {first} to {LAST} ({days} day{plural})"
    assert shown.locator("#scope").inner_text() == scope
    assert said == []
    shown.context.close()


@pytest.mark.enable_socket
def test_without_a_script_all_is_shown_and_nothing_that_would_not_work(
    browser: Browser, pages: Path
) -> None:
    shown, _, _ = opened(browser, (pages / "busy.html").as_uri(), java_script_enabled=False)
    assert not shown.locator("#filter").is_visible()
    assert not shown.locator("button:visible").count()
    assert shown.locator("figure svg").count() == 7
    assert all(one.is_visible() for one in shown.locator("figure svg").all())
    shown.context.close()


@pytest.mark.enable_socket
def test_the_keyboard_is_enough(browser: Browser, pages: Path) -> None:
    shown, _, _ = opened(browser, (pages / "busy.html").as_uri())
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.id") == "account"
    shown.keyboard.press("ArrowDown")
    assert "main, 2026-04-12" in shown.locator("#scope").inner_text()
    shown.keyboard.press("Tab")
    shown.keyboard.press("ArrowDown")
    assert "main, 2026-04-17 to 2026-04-23" in shown.locator("#scope").inner_text()
    shown.get_by_role("button", name="Show all").focus()
    shown.keyboard.press("Enter")
    assert "All 2 accounts, 2026-04-12" in shown.locator("#scope").inner_text()
    summary = shown.locator("summary").first
    summary.focus()
    shown.keyboard.press("Enter")
    assert shown.locator("#table-messages").is_visible()
    shown.get_by_role("button", name="support").focus()
    shown.keyboard.press("Enter")
    assert "support, 2026-04-12" in shown.locator("#scope").inner_text()
    assert shown.evaluate("document.activeElement.textContent") == "support"
    shown.context.close()


@pytest.mark.enable_socket
def test_what_is_chosen_is_kept_in_the_address(browser: Browser, pages: Path) -> None:
    address = f"{(pages / 'busy.html').as_uri()}#account=support&from=2026-04-17"
    shown, _, _ = opened(browser, address)
    assert "support, 2026-04-17 to 2026-04-23" in shown.locator("#scope").inner_text()
    assert shown.locator("#period").input_value() == "7"
    shown.fill("#to", "2026-04-20")
    assert shown.locator("#period").input_value() == "own"
    assert shown.url.endswith("#account=support&from=2026-04-17&to=2026-04-20")
    shown.get_by_role("button", name="Show all").click()
    assert shown.url == (pages / "busy.html").as_uri()
    shown.context.close()


@pytest.mark.enable_socket
@pytest.mark.parametrize("asked", ["account=none&from=x&to=", "from=2026-04-20&to=2026-04-01"])
def test_an_address_that_names_nothing_shows_all(browser: Browser, pages: Path, asked: str) -> None:
    shown, said, _ = opened(browser, f"{(pages / 'busy.html').as_uri()}#{asked}")
    assert "All 2 accounts, 2026-04-12 to 2026-04-23" in shown.locator("#scope").inner_text()
    assert said == []
    shown.context.close()


@pytest.mark.enable_socket
def test_a_bar_is_read_by_pointing_at_it(browser: Browser, pages: Path) -> None:
    shown, _, _ = opened(browser, (pages / "gaps.html").as_uri())
    chart = shown.locator("#chart-messages svg")
    box = chart.bounding_box()
    assert box is not None
    readout = shown.locator("#chart-messages .readout")
    chart.hover(position={"x": box["width"] / 7 / 2, "y": 40})
    assert readout.inner_text().startswith("Sun 2026-04-19: messages 3, read 3, delivered 0")
    chart.hover(position={"x": box["width"] - 5, "y": 40})
    assert readout.inner_text().startswith("Point at a bar")
    shown.context.close()
