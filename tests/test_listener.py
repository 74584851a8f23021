"""A server of the tests ends with its block, however that ends: its thread would run for ever."""

from __future__ import annotations

import threading

import pytest

from tests.listener import listener


def test_no_thread_is_left_by_a_block_that_fails() -> None:
    before = threading.active_count()
    with pytest.raises(KeyError), listener():
        raise KeyError
    assert threading.active_count() == before
