from __future__ import annotations

import pytest

from recon.report import bar_charts


@pytest.mark.parametrize(
    ("most", "least", "top"),
    [(0, 1, 1), (1, 1, 1), (7, 1, 8), (9, 1, 10), (1001, 1, 2000), (0.042, 0.01, 0.05)],
)
def test_the_top_of_a_scale_is_a_round_number(most: float, least: float, top: float) -> None:
    assert bar_charts.top(most, least=least) == pytest.approx(top)


def test_stacked_bars_stand_on_each_other() -> None:
    first, second = bar_charts.stacked([[10.0] * 10, [30.0] + [0.0] * 9], 40.0)
    assert first.startswith("M0 75h96v25H0zM100 75h96v25H100z")
    assert second == "M0 0h96v75H0z"


def test_grouped_bars_stand_side_by_side() -> None:
    first, second = bar_charts.grouped([[10.0] * 10, [40.0] + [0.0] * 9], 40.0)
    assert first.startswith("M0 75h48v25H0zM100 75h48v25H100z")
    assert second == "M48 0h48v100H48z"


def test_what_is_small_is_seen_and_what_is_unknown_or_none_is_not_drawn() -> None:
    [path] = bar_charts.grouped([[1.0, 0.0, None]], 1_000_000.0)
    assert path == "M0 99.2h138.9v0.8H0z"


def test_one_bar_is_not_as_wide_as_the_chart() -> None:
    [path] = bar_charts.stacked([[1.0]], 1.0)
    assert path == "M0 0h138.9v100H0z"


def test_a_strip_marks_places() -> None:
    assert bar_charts.strip([False, True, *[False] * 8]) == "M100 104h96v6H100z"
