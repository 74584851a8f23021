"""Items made in another thread: all of them, in order, and errors where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event, current_thread

import pytest

from recon.sqlread.read_ahead import read_ahead


def test_all_items_come_in_order() -> None:
    assert list(read_ahead(iter(range(5)))) == list(range(5))
    assert list(read_ahead(iter(()))) == []


def test_the_next_item_is_made_while_the_last_is_worked_on() -> None:
    second = Event()

    def items() -> Iterator[str]:
        yield "first"
        second.set()
        yield current_thread().name

    with_next = read_ahead(items())
    assert next(with_next) == "first"
    assert second.wait(10)
    assert next(with_next) != current_thread().name
    with_next.close()


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError

    found = read_ahead(items())
    assert next(found) == 1
    with pytest.raises(LookupError):
        next(found)


def test_closing_waits_for_the_item_in_the_making() -> None:
    begun, ended = Event(), list[bool]()

    def items() -> Iterator[int]:
        yield 1
        begun.set()
        yield 2
        ended.append(True)
        yield 3

    found = read_ahead(items())
    assert next(found) == 1
    assert begun.wait(10)
    assert next(found) == 2
    found.close()
    assert ended == [True]
