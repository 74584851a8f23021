from __future__ import annotations

import pytest

from recon.report.dashboard_layout import UNKNOWN, Form, written


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (None, "count", UNKNOWN),
        (1204, "count", "1,204"),
        (0.0625, "share", "6.3%"),
        (0.0, "share", "0.0%"),
        (0.0004, "share", "<0.1%"),
        (0.9999, "share", ">99.9%"),
        (1.0, "share", "100.0%"),
        (0.99999, "covered", "99.9%"),
        (1.0, "covered", "100.0%"),
        (1234.567, "money", "1,234.57"),
    ],
)
def test_a_figure_is_written_as_people_read_it(value: float | None, form: Form, text: str) -> None:
    assert written(value, form) == text
