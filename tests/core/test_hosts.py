from __future__ import annotations

import pytest

from recon.core.hosts import is_loopback


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost.", "api.localhost", "127.0.0.1", "127.9.8.7", "::1"],
)
def test_this_machine_is_known_by_its_name_or_address(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "localhost.example", "10.0.0.1", "::2", "notlocalhost", "127.0.0.1.nip"]
)
def test_everything_else_is_another_machine(host: str) -> None:
    assert not is_loopback(host)
