from __future__ import annotations

from datetime import date

import click
import pytest

from recon.cli.common_options import DateParam, PathParam


@pytest.mark.parametrize("day", ["2009-01-01", "2026-04-23", "2200-12-31"])
def test_a_day_of_whatsapp_is_taken(day: str) -> None:
    assert DateParam().convert(day, None, None) == date.fromisoformat(day)


@pytest.mark.parametrize(
    "day", ["0001-01-01", "1969-12-31", "2008-12-31", "2201-01-01", "9999-12-31"]
)
def test_a_day_of_which_there_can_be_no_message_is_refused(day: str) -> None:
    with pytest.raises(click.BadParameter, match="WhatsApp did not exist yet"):
        DateParam().convert(day, None, None)


@pytest.mark.parametrize("day", ["", "2026-02-30", "20260423", "10000-01-01", "2026-4-23", "\0"])
def test_what_is_no_day_is_refused_with_the_spelling(day: str) -> None:
    with pytest.raises(click.BadParameter, match="YYYY-MM-DD"):
        DateParam().convert(day, None, None)


def test_a_path_cannot_hold_a_nul() -> None:
    with pytest.raises(click.BadParameter, match="NUL"):
        PathParam().convert("a\0b", None, None)
