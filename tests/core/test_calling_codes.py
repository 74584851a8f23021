"""Where a number is from."""

from __future__ import annotations

import pytest

from recon.core.calling_codes import Country, country


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+353871234567", Country("353", "IE")),
        ("+12125550123", Country("1", "US")),
        ("+447", Country("44", "GB")),
        ("+80012345678", Country("800", "")),
        ("+999", Country("", "")),
        ("+3a", Country("", "")),
        ("+", Country("", "")),
        ("US.1349", Country("", "US")),
        ("0871234567", Country("", "")),
        ("", Country("", "")),
    ],
)
def test_a_number_is_from_the_country_of_its_calling_code(number: str, expected: Country) -> None:
    assert country(number) == expected
