"""The page of a mail in Chromium: on a phone and a desk, light and dark, for screen readers too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Literal

import pytest

from recon.model import Failure, Run, VerdictKind
from tests.factories import run
from tests.report.test_mail import CHART, failure, made, night, page

CHROMIUM = shutil.which("chromium")
if "NEEDS_BROWSER" not in os.environ:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (Debian: chromium)", allow_module_level=True)
    for name in ("playwright", "axe_playwright_python"):
        pytest.importorskip(name)

from axe_playwright_python.sync_playwright import Axe  # noqa: E402 - may be missing, see above
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

NIGHTS: dict[str, list[Run | Failure]] = {
    "outage": [night(300)],
    "suspect": [run(kind=VerdictKind.SUSPECT, suspicions=["Not one pair links.", "A wrong key."])],
    "several": [night(3), failure(), night(0, account="shop")],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.mark.enable_socket
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 600])
@pytest.mark.parametrize("name", NIGHTS)
def test_a_mail_fits_asks_for_nothing_and_can_be_read_by_all(
    browser: Browser, name: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True
    )
    shown = context.new_page()
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    # The picture is in the mail, not here: it is shown as where pictures are blocked, by its text.
    shown.set_content(page(made(*NIGHTS[name], chart=CHART)))
    # At 600 pixels the table has its full width, and the margin of the mail program lies beside it.
    assert shown.evaluate("document.documentElement.scrollWidth") <= max(width, 616 * (width > 390))
    assert [one for one in asked if not one.startswith("cid:")] == []
    picture = shown.locator("img").bounding_box()
    assert picture is not None
    assert picture["x"] + picture["width"] <= max(width, 616 * (width > 390))
    violations = Axe().run(shown).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []
    headline = shown.locator("[role=heading][aria-level='1']").bounding_box()
    assert headline is not None
    assert headline["y"] + headline["height"] < 844
    context.close()
