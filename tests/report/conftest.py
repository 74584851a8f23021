"""Chromium as a fixture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.report.chromium import Chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    """Start Chromium once for each test process."""
    from tests.report.chromium import launched

    with launched() as chromium:
        yield chromium
