"""Jobs that wait at the same time: who waits, in which thread, and what happens at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from threading import Barrier, Event, get_ident

import pytest

from recon.jobs.waiting import Begin, Steps, Waits, waiting

#: For what hangs, not for what is slow.
PATIENCE = 60
NAMES = ("a", "b", "c")


def no_sleep(_seconds: float) -> None:
    raise AssertionError


def job(name: str, wait: Callable[[], object], log: list[str]) -> Begin[str]:
    def steps(held: ExitStack) -> Steps[str]:
        held.callback(log.append, f"{name} closed")
        log.append(f"{name} begun {get_ident()}")
        yield from waiting(wait)
        log.append(f"{name} ended {get_ident()}")
        return name

    return steps


def results(waits: Waits, jobs: list[Begin[str]]) -> list[str]:
    with closing(waits.in_order(jobs)) as ready:
        return [result.result() for _, result in ready]


@contextmanager
def closed_at_the_end(log: list[str], name: str) -> Iterator[None]:
    try:
        yield
    finally:
        log.append(name)


def test_jobs_wait_at_the_same_time_and_do_all_else_in_one_thread() -> None:
    met, log = Barrier(3), list[str]()
    jobs = [job(name, partial(met.wait, PATIENCE), log) for name in NAMES]
    assert results(Waits(3, no_sleep), jobs) == list(NAMES)
    here = get_ident()
    assert log[:3] == [f"{name} begun {here}" for name in NAMES]
    assert sorted(log[3:]) == sorted(
        text for name in NAMES for text in (f"{name} ended {here}", f"{name} closed")
    )


def test_one_at_a_time_needs_no_other_thread() -> None:
    log: list[str] = []
    slept: list[float] = []
    waits = Waits(1, slept.append)

    def wait() -> None:
        log.append(str(get_ident()))
        waits.sleep(30)

    assert results(waits, [job(name, wait, log) for name in NAMES]) == list(NAMES)
    here = get_ident()
    assert log == [
        text
        for name in NAMES
        for text in (f"{name} begun {here}", str(here), f"{name} ended {here}", f"{name} closed")
    ]
    assert slept == [30, 30, 30]


def test_no_more_jobs_are_begun_than_may_wait() -> None:
    log: list[str] = []
    with closing(
        Waits(2, no_sleep).in_order([job(name, lambda: None, log) for name in NAMES])
    ) as ready:
        next(ready)
        assert not any(text.startswith("c begun") for text in log)
        next(ready)
        assert any(text.startswith("c begun") for text in log)
        assert "a closed" in log


@pytest.mark.parametrize("most", [1, 3])
def test_an_error_is_the_result_of_its_job_only(most: int) -> None:
    def fail() -> None:
        raise LookupError("lost")

    log: list[str] = []
    jobs = [job("a", fail, log), job("b", lambda: None, log)]
    with closing(Waits(most, no_sleep).in_order(jobs)) as ready:
        (_, first), (_, second) = ready
    with pytest.raises(LookupError, match="lost"):
        first.result()
    assert second.result() == "b"
    assert "a closed" in log


def test_a_turn_keeps_jobs_of_the_same_name_apart_and_no_others() -> None:
    met, waits = Barrier(2), Waits(4, no_sleep)
    inside: list[str] = []
    together: list[list[str]] = []

    def take(of: str) -> None:
        with waits.turn(of):
            inside.append(of)
            # One of each name at a time: so both names are always here.
            met.wait(PATIENCE)
            together.append(sorted(inside))
            met.wait(PATIENCE)
            inside.remove(of)

    jobs = [job(of, partial(take, of), []) for of in ("x", "y", "x", "y")]
    assert results(waits, jobs) == ["x", "y", "x", "y"]
    assert together == [["x", "y"]] * 4


def test_at_an_early_end_pauses_end_and_all_is_closed() -> None:
    log: list[str] = []
    begun, waits = Barrier(3), Waits(3, lambda _: None)

    def pause() -> None:
        begun.wait(PATIENCE)
        with closed_at_the_end(log, "pause ended"):
            waits.sleep(1e9)

    jobs = [job("a", partial(begun.wait, PATIENCE), log), *(job(n, pause, log) for n in "bc")]
    with closing(waits.in_order(jobs)) as ready:
        _, result = next(ready)
        assert result.result() == "a"
    assert log.count("pause ended") == 2
    closed = [text for text in log if text.endswith("closed")]
    assert sorted(closed) == [f"{name} closed" for name in NAMES]
    assert not any(text.startswith(("b ended", "c ended")) for text in log)


def test_what_is_not_over_yet_closes_its_job_itself() -> None:
    log: list[str] = []
    answered, closed, begun = Event(), Event(), Barrier(2)

    def ask() -> None:
        begun.wait(PATIENCE)
        answered.wait(PATIENCE)
        log.append("stored")

    def steps(held: ExitStack) -> Steps[str]:
        held.callback(closed.set)
        held.callback(log.append, "closed")
        yield from waiting(ask)
        raise AssertionError

    jobs: list[Begin[str]] = [job("a", partial(begun.wait, PATIENCE), []), steps]
    with closing(Waits(2, no_sleep).in_order(jobs)) as ready:
        next(ready)
    assert log == []
    answered.set()
    assert closed.wait(PATIENCE)
    assert log == ["stored", "closed"]
