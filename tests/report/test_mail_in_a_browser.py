"""The page of a mail in Chromium: on a phone and a desk, light and dark, for screen readers too."""

from __future__ import annotations

import pytest

from recon.model import Failure, Run, VerdictKind
from tests.factories import run
from tests.report.chromium import HEIGHT, PHONE, Chromium, Scheme, screens, violations
from tests.report.test_mail import CHART, failure, made, night, page

#: The width of the table, with the margin of the mail program beside it.
WIDE, WIDE_WITH_MARGIN = 600, 616

NIGHTS: dict[str, list[Run | Failure]] = {
    "outage": [night(300)],
    "suspect": [run(kind=VerdictKind.SUSPECT, suspicions=["Not one pair links.", "A wrong key."])],
    "several": [night(3), failure(), night(0, account="shop")],
}


@pytest.mark.enable_socket
@pytest.mark.parametrize(("width", "scheme", "contrast"), screens(WIDE))
@pytest.mark.parametrize("name", NIGHTS)
def test_a_mail_fits_asks_for_nothing_and_can_be_read_by_all(
    browser: Chromium, name: str, width: int, scheme: Scheme, *, contrast: bool
) -> None:
    widest = PHONE if width == PHONE else WIDE_WITH_MARGIN
    with browser.opened(width=width, scheme=scheme, policy=False) as shown:
        # The picture is in the mail, not here: it is shown as where pictures are blocked, by its
        # text.
        shown.page.set_content(page(made(*NIGHTS[name], chart=CHART)))
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= widest
        assert [one for one in shown.asked if not one.startswith("cid:")] == []
        picture = shown.page.locator("img").bounding_box()
        assert picture is not None
        assert picture["x"] + picture["width"] <= widest
        assert violations(shown.page, contrast=contrast) == []
        headline = shown.page.locator("[role=heading][aria-level='1']").bounding_box()
        assert headline is not None
        assert headline["y"] + headline["height"] < HEIGHT


@pytest.mark.enable_socket
def test_a_mail_is_in_the_middle_of_a_wide_screen(browser: Chromium) -> None:
    with browser.opened(width=1280, policy=False) as shown:
        shown.page.set_content(page(made(night(3))))
        frame = shown.page.locator(".frame").bounding_box()
        assert frame is not None
        assert frame["x"] + frame["width"] / 2 == pytest.approx(640, abs=1)
        said = shown.page.locator("[role=heading][aria-level='1']")
        assert said.evaluate("element => getComputedStyle(element).textAlign") == "left"
