"""Chromium, in which tests show pages; where the machine has none, their modules are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
if "NEEDS_BROWSER" not in os.environ:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (Debian: chromium)", allow_module_level=True)
    for name in ("playwright", "axe_playwright_python"):
        pytest.importorskip(name)

from axe_playwright_python.sync_playwright import Axe  # noqa: E402 - may be missing, see above
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

PHONE, DESK = 390, 1280
HEIGHT = 844


@contextmanager
def launched() -> Iterator[Browser]:
    """Start Chromium, and end it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True, slots=True)
class Opened:
    """A page in a context of its own."""

    page: Page
    said: list[str] = field(default_factory=list)
    """What the console says, with errors."""
    asked: list[str] = field(default_factory=list)
    """The addresses that it asks for, its own too."""


@contextmanager
def opened(
    browser: Browser,
    **options: Any,  # noqa: ANN401 - Playwright's options
) -> Iterator[Opened]:
    """Open an empty page."""
    context = browser.new_context(**options)
    made = Opened(context.new_page())
    made.page.on("console", lambda message: made.said.append(message.text))
    made.page.on("pageerror", lambda error: made.said.append(str(error)))
    made.page.on("request", lambda request: made.asked.append(request.url))
    try:
        yield made
    finally:
        context.close()


def violations(page: Page) -> list[tuple[str, str]]:
    """Return the rule and the first element of each violation that axe finds."""
    found = Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]
