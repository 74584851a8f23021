"""A stage on loopback, clocks that only sleeping moves, and clients of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.octopods import certificates
from tests.octopods.stage import Clock, Maker, Stage, staged


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[requests.Session]:
    """Make a session that heeds the environment, without this machine's proxies in it."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with requests.Session() as session:
        yield session


@pytest.fixture
def make(stage: Stage, clock: Clock, session: requests.Session) -> Maker:
    return Maker(stage, clock, session)


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """Write a certificate that nobody vouches for, and its key, into one file."""
    path = tmp_path / "stranger.pem"
    path.write_text(certificates.of_a_stranger())
    return path
