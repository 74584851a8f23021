"""The check of the order finds each step that is left out or comes too late."""

from __future__ import annotations

import pytest

from tests.crash.edges import Edge
from tests.crash.order import undone_by_a_power_cut

RIGHT = [
    Edge("write", "INSERT INTO runs (id)"),
    Edge("commit", ""),
    Edge("mkdir", "reports/main"),
    Edge("fsync", "reports"),
    Edge("open", "reports/main/.a.html.tmp"),
    Edge("fsync", "reports/main/.a.html.tmp"),
    Edge("rename", "reports/main/.a.html.tmp reports/main/2026-04-23.html"),
    Edge("fsync", "reports/main"),
    Edge("smtp", "data"),
    Edge("write", "UPDATE mails"),
    Edge("commit", ""),
]


def test_the_right_order_loses_nothing() -> None:
    assert undone_by_a_power_cut(RIGHT) == []


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        (1, "6: not committed before rename"),
        (3, "6: reports is not synced"),
        (5, "6: reports/main/.a.html.tmp is put in its place before it is synced"),
        (7, "8: reports/main is not synced before smtp data"),
        (10, "11: not committed before output the end: UPDATE mails"),
    ],
)
def test_a_step_that_is_left_out_is_named(left_out: int, told: str) -> None:
    found = undone_by_a_power_cut([*RIGHT[:left_out], *RIGHT[left_out + 1 :]])
    assert any(one.startswith(told) for one in found), found


def test_a_commit_after_the_mail_is_too_late() -> None:
    assert undone_by_a_power_cut([RIGHT[0], RIGHT[8], RIGHT[1]]) == [
        "2: not committed before smtp data: INSERT INTO runs (id)"
    ]


def test_what_is_stored_after_the_output_is_too_late() -> None:
    assert undone_by_a_power_cut([Edge("output", ""), *RIGHT[:2]]) == [
        "2: stored after the output: INSERT INTO runs (id)"
    ]


def test_a_page_before_its_run_is_too_early() -> None:
    assert undone_by_a_power_cut([*RIGHT[2:8], *RIGHT[:2]]) == [
        "5: reports/main/2026-04-23.html is put in its place before its run is stored"
    ]


def test_a_file_that_is_written_in_its_place_may_be_there_in_part() -> None:
    assert undone_by_a_power_cut([Edge("open", "reports/main/2026-04-23.csv")]) == [
        "1: reports/main/2026-04-23.csv is written in its place"
    ]
