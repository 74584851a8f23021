"""What tests of the jobs share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from recon.store.engine import connect


@pytest.fixture
def engine(migrated_sqlite: Path, tmp_path: Path) -> Iterator[sa.Engine]:
    """A store in SQLite that is ready, and does not wait for locks."""
    path = tmp_path / "recon.db"
    shutil.copy(migrated_sqlite, path)
    made = connect(f"sqlite:///{path}?timeout=0")
    yield made
    made.dispose()


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What happens to each session, a list for each in the order in which they are made."""
    made: list[list[str]] = []

    class Session(requests.Session):
        def __init__(self) -> None:
            super().__init__()
            self.log: list[str] = []
            made.append(self.log)

        def close(self) -> None:
            super().close()
            self.log.append("closed")

    monkeypatch.setattr(requests, "Session", Session)
    return made
