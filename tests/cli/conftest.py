"""The workshop as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.workshop import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A fresh working directory."""
    return Workshop(tmp_path)
