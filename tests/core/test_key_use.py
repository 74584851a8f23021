"""Which keys prove anything, and of which time."""

from __future__ import annotations

from recon.core.key_use import KeyUse, lost, periods, trusted_keys
from recon.model import Span
from tests.factories import at

EVER = Span(None, None)


def test_the_key_that_was_polled_last_counts_with_those_before_it() -> None:
    old, new = KeyUse(1, 10, at(-500)), KeyUse(2, 20, at(-100))
    assert trusted_keys([old, new]) == {1, 2}
    assert trusted_keys([old]) == {1}
    assert trusted_keys([]) == frozenset()


def test_a_last_key_with_older_messages_only_takes_the_proof_of_both() -> None:
    used, forgotten = KeyUse(1, 10, at(-100)), KeyUse(2, 20, at(-500))
    before = KeyUse(3, 5, at(-9000))
    assert trusted_keys([used, forgotten]) == frozenset()
    assert trusted_keys([before, used, forgotten]) == {3}


def test_a_last_key_that_has_listed_nothing_proves_nothing_itself() -> None:
    assert trusted_keys([KeyUse(1, 10, at(-100)), KeyUse(2, 20, None)]) == {1}
    assert trusted_keys([KeyUse(1, 10, None), KeyUse(2, 20, None)]) == {1, 2}


def test_the_first_key_proves_the_time_before_its_first_message_and_later_ones_do_not() -> None:
    old, new = KeyUse(1, 10, at(-500), at(-900)), KeyUse(2, 20, at(-100), at(-400.5))
    assert periods([old, new]) == {1: EVER, 2: Span(at(-400), None)}
    assert periods([old]) == {1: EVER}
    assert periods([]) == {}


def test_a_key_that_has_listed_nothing_proves_something_only_as_the_first_one() -> None:
    unused = KeyUse(2, 20, None)
    assert periods([KeyUse(1, 10, at(-100), at(-900)), unused]) == {1: EVER}
    assert periods([KeyUse(1, 10, None), unused]) == {1: EVER}


def test_an_old_key_proves_nothing_after_its_last_message_if_the_new_ones_list_starts_cut() -> None:
    cut = KeyUse(2, 20, at(-100), at(-400), starts_whole=False)
    old = KeyUse(1, 10, at(-500.5), at(-900))
    assert periods([old, cut]) == {1: Span(None, at(-501)), 2: Span(at(-399), None)}
    assert periods([KeyUse(1, 10, None), cut]) == {2: Span(at(-399), None)}


def test_a_key_that_has_listed_nothing_may_be_in_use_since_it_was_first_polled() -> None:
    silent = KeyUse(2, 20, None, asked=at(-300))
    first = KeyUse(1, 10, at(-500), at(-900))
    # An old key that is polled for the first time after the key that replaced it.
    old = KeyUse(3, 30, at(-400), at(-450))
    assert periods([first, silent, old]) == {
        1: Span(None, at(-300)),
        3: Span(at(-449), at(-300)),
    }
    assert periods([KeyUse(1, 10, None, asked=at(-900)), silent]) == {1: Span(None, at(-300))}
    in_use = KeyUse(3, 30, at(-299), at(-450))
    assert periods([silent, in_use]) == {2: Span(None, None), 3: Span(at(-449), None)}
    assert periods([first, KeyUse(2, 20, at(-100), at(-100), asked=at(-300))])[1] == EVER


def test_a_key_that_is_not_trusted_proves_nothing_of_any_time() -> None:
    used, forgotten = KeyUse(1, 10, at(-100), at(-900)), KeyUse(2, 20, at(-500), at(-900))
    assert periods([used, forgotten]) == {}


def test_lost_is_what_an_old_key_proved_after_its_last_message() -> None:
    cut = KeyUse(2, 20, at(-100), at(-400), starts_whole=False)
    old = KeyUse(1, 10, at(-500.5), at(-900))
    assert lost([old, cut]) == {1: Span(at(-501), None)}
    assert lost([KeyUse(1, 10, None), cut]) == {1: EVER}
    assert lost([old]) == {}
    assert lost([old, KeyUse(2, 20, at(-100), at(-400))]) == {}


def test_lost_is_nothing_of_a_key_that_proved_nothing() -> None:
    cut = KeyUse(3, 30, at(-100), at(-400), starts_whole=False)
    assert lost([KeyUse(1, 10, at(-500), at(-900)), KeyUse(2, 20, None), cut]) == {
        1: Span(at(-500), None)
    }
    forgotten = KeyUse(2, 20, at(-500), at(-900), starts_whole=False)
    assert lost([KeyUse(1, 10, at(-100), at(-900)), forgotten]) == {}


def test_an_old_key_that_is_polled_first_of_all_later_takes_no_trust() -> None:
    """The answers to the key in use prove nothing then, but show that it is in use."""
    in_use = KeyUse(1, 10, None, seen=at(-100))
    assert trusted_keys([in_use, KeyUse(2, 20, at(-500), seen=at(-500))]) == frozenset()
    assert trusted_keys([in_use, KeyUse(2, 20, at(-50), seen=at(-50))]) == {1, 2}
