"""Chromium, in which tests show pages; where the machine has none, their modules are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import pytest
from _pytest.mark import ParameterSet

CHROMIUM = shutil.which("chromium")
if "NEEDS_BROWSER" not in os.environ:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (Debian: chromium)", allow_module_level=True)
    for name in ("playwright", "axe_playwright_python"):
        pytest.importorskip(name)

from axe_playwright_python.sync_playwright import Axe  # noqa: E402 - may be missing, see above
from playwright.sync_api import (  # noqa: E402 - as above
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    sync_playwright,
)

PHONE, DESK = 390, 1280
HEIGHT = 844

Scheme: TypeAlias = Literal["light", "dark"]


def screens(wide: int = DESK) -> list[ParameterSet]:
    """Return width, scheme, and whether contrast is measured: once for each width and scheme."""
    return [
        pytest.param(PHONE, "light", True),
        pytest.param(PHONE, "dark", False, marks=pytest.mark.thorough),
        pytest.param(wide, "light", False, marks=pytest.mark.thorough),
        pytest.param(wide, "dark", True, marks=pytest.mark.thorough),
    ]


@dataclass(frozen=True, slots=True)
class Opened:
    """A page, empty at first."""

    page: Page
    said: list[str] = field(default_factory=list)
    """What its console says, and its errors."""
    asked: list[str] = field(default_factory=list)
    """The addresses that it asks for, its own too."""


@dataclass(slots=True)
class Chromium:
    """A running browser. Tests share its pages: making one takes longer than loading it."""

    browser: Browser
    _pages: dict[tuple[bool, bool], Page] = field(default_factory=dict)

    @contextmanager
    def opened(
        self,
        *,
        width: int = DESK,
        scheme: Scheme = "light",
        scripts: bool = True,
        policy: bool = True,
    ) -> Iterator[Opened]:
        """Give an empty page.

        Args:
            width: of the window, in pixels.
            scheme: what is preferred.
            scripts: whether scripts run.
            policy: whether the policy of a page about its content is heeded; axe runs only where
                it is not.
        """
        page = self._page(scripts=scripts, policy=policy)
        made = Opened(page)

        def heard(message: ConsoleMessage) -> None:
            made.said.append(message.text)

        def failed(error: Error) -> None:
            made.said.append(str(error))

        def requested(request: Request) -> None:
            made.asked.append(request.url)

        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=scheme)
        page.on("console", heard)
        page.on("pageerror", failed)
        page.on("request", requested)
        try:
            yield made
        finally:
            page.remove_listener("console", heard)
            page.remove_listener("pageerror", failed)
            page.remove_listener("request", requested)
            page.goto("about:blank")

    def _page(self, *, scripts: bool, policy: bool) -> Page:
        if (scripts, policy) not in self._pages:
            context = self.browser.new_context(java_script_enabled=scripts, bypass_csp=not policy)
            self._pages[scripts, policy] = context.new_page()
        return self._pages[scripts, policy]


def violations(page: Page, *, contrast: bool) -> list[tuple[str, str]]:
    """Return the rule and the first element of each violation that axe finds.

    The contrast of colours takes axe ten times as long as all else together.
    """
    page.evaluate(Axe().axe_script)
    options = {
        "resultTypes": ["violations"],
        "rules": {"color-contrast": {"enabled": contrast}},
    }
    found = page.evaluate("options => axe.run(options).then(result => result.violations)", options)
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


@contextmanager
def launched() -> Iterator[Chromium]:
    """Start Chromium, and end it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield Chromium(browser)
        finally:
            browser.close()
