"""A zone names its country where it has just one."""

from __future__ import annotations

import pytest

from recon.config import zone_country


@pytest.mark.parametrize(
    ("zone", "country"),
    [
        ("Europe/Dublin", "IE"),
        ("Europe/Amsterdam", "NL"),
        ("Europe/London", ""),
        ("UTC", ""),
        ("Mars/Olympus", ""),
    ],
)
def test_the_country_of_a_zone(zone: str, country: str) -> None:
    assert zone_country.of_zone(zone) == country
