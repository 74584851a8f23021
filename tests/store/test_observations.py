from __future__ import annotations

from itertools import permutations

import pytest

from recon.store.observations import Observation, is_news, is_regress, merged
from tests.factories import at


def seen(status: str, seconds: float, reason: str | None = None) -> Observation:
    return Observation(status, reason, at(seconds))


@pytest.mark.parametrize(
    "words",
    [
        ("sent", "delivered", "read"),
        ("sent", "delivered", "sent"),
        ("unknown", "sent", "failed"),
        ("delivered", "unknown", "read"),
    ],
)
def test_the_order_in_which_answers_are_kept_does_not_matter(words: tuple[str, ...]) -> None:
    observations = [seen(word, time) for time, word in enumerate(words)]
    results = set()
    for first, second, third in permutations(observations):
        results.add(merged(merged(first, second), third))
    assert len(results) == 1


def test_the_result_is_as_recent_as_the_later_one_whoever_wins() -> None:
    assert merged(seen("read", 1), seen("sent", 2)) == seen("read", 2)
    assert merged(seen("sent", 2), seen("read", 1)) == seen("read", 2)


def test_a_reason_belongs_to_its_status() -> None:
    assert merged(seen("failed", 1, "why"), seen("delivered", 2)) == seen("delivered", 2)
    assert merged(seen("sent", 1), seen("failed", 2, "why")) == seen("failed", 2, "why")


def test_a_reason_once_given_is_not_lost_where_it_is_not_repeated() -> None:
    assert merged(seen("failed", 1, "why"), seen("failed", 2)) == seen("failed", 2, "why")
    assert merged(seen("failed", 1, "why"), seen("failed", 2, "new")) == seen("failed", 2, "new")


def test_only_a_later_status_can_go_backwards() -> None:
    assert is_regress(seen("delivered", 1), seen("sent", 2))
    assert not is_regress(seen("delivered", 2), seen("sent", 1))
    assert not is_regress(seen("delivered", 1), seen("delivered", 2))
    assert not is_regress(seen("delivered", 1), seen("failed", 2))


def test_news_is_what_differs_from_the_answer_before_it() -> None:
    history = [seen("sent", 10), seen("delivered", 20)]
    assert is_news(history, seen("read", 30))
    assert is_news(history, seen("sent", 30))
    assert not is_news(history, seen("delivered", 30))
    assert not is_news(history, seen("sent", 15))
    assert is_news(history, seen("failed", 15))
    assert is_news(history, seen("sent", 5))
    assert is_news([], seen("sent", 5))


def test_the_same_observation_is_no_news_even_beside_another_of_its_second() -> None:
    history = [seen("sent", 10), seen("delivered", 10)]
    assert not is_news(history, seen("sent", 10))
    assert not is_news(history, seen("delivered", 10))


def test_a_new_reason_is_news_a_missing_one_is_not() -> None:
    history = [seen("failed", 10, "why")]
    assert is_news(history, seen("failed", 20, "another"))
    assert not is_news(history, seen("failed", 20))
