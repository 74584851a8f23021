"""Which numbers belong to the United States, asked of the phone number library only if needed."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from recon.core.number_regions import are_of_the_us

IRISH, SAMOAN = 353871234567, 685721234
NEW_YORK, TORONTO, JAMAICAN = 12125550123, 14165550123, 18765550123


def test_the_area_code_tells_countries_of_one_plan_apart() -> None:
    keys = np.array([NEW_YORK, IRISH, TORONTO, -5, JAMAICAN, 0, NEW_YORK + 1])
    assert are_of_the_us(keys).tolist() == [True, False, False, False, False, False, True]


def test_numbers_of_other_plans_need_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    assert are_of_the_us(np.array([IRISH, SAMOAN, 0])).tolist() == [False, False, False]
