"""The workshop as a fixture."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.workshop import Workshop


@pytest.fixture
def workshop(tmp_path: Path, migrated_sqlite: Path) -> Workshop:
    """A fresh working directory, its database ready and empty."""
    shutil.copy(migrated_sqlite, tmp_path / "recon.db")
    return Workshop(tmp_path)
