"""Which statuses are news, which contradict, and how it is said."""

from __future__ import annotations

import pytest

from recon.core import statuses

HAPPY = ["sent", "delivered", "read", "deleted"]


@pytest.mark.parametrize(
    ("old", "new"), [(a, b) for i, a in enumerate(HAPPY) for b in HAPPY[i + 1 :]]
)
def test_a_status_moves_on_along_the_happy_path_and_never_back(old: str, new: str) -> None:
    assert statuses.supersedes(old, new)
    assert not statuses.supersedes(new, old)


@pytest.mark.parametrize("old", ["unknown", "sent", "delivered", "read"])
def test_failed_is_always_news(old: str) -> None:
    assert statuses.supersedes(old, "failed")


def test_a_late_sent_does_not_undo_a_failure_but_a_proof_of_delivery_does() -> None:
    assert not statuses.supersedes("failed", "sent")
    assert statuses.supersedes("failed", "delivered")


@pytest.mark.parametrize("old", [*HAPPY, "failed", "unknown", "archived"])
def test_unknown_is_never_news_and_the_same_word_is_none(old: str) -> None:
    assert not statuses.supersedes(old, "unknown")
    assert not statuses.supersedes(old, old)


def test_a_word_outside_the_table_is_believed_and_so_is_what_follows_it() -> None:
    assert statuses.supersedes("delivered", "archived")
    assert statuses.supersedes("archived", "read")


#: Every pair of words that contradict under the compatible policy, by its rules:
#: one side failed and the other not; the records ahead of the provider; not sent, yet there.
COMPATIBLE = {
    ("failed", "sent"),
    ("failed", "delivered"),
    ("failed", "read"),
    ("failed", "deleted"),
    ("sent", "failed"),
    ("delivered", "failed"),
    ("read", "failed"),
    ("deleted", "failed"),
    ("delivered", "sent"),
    ("read", "sent"),
    ("deleted", "sent"),
    ("read", "delivered"),
    ("deleted", "delivered"),
    ("deleted", "read"),
    *(("not_sent", word) for word in ["sent", "delivered", "read", "failed", "deleted", "unknown"]),
}
WORDS = ["sent", "delivered", "read", "failed", "deleted", "unknown"]


@pytest.mark.parametrize("provider", WORDS)
@pytest.mark.parametrize("local", [*WORDS, "not_sent"])
def test_the_compatible_policy_is_the_table(local: str, provider: str) -> None:
    expected = (local, provider) in COMPATIBLE
    assert statuses.contradict(local, provider, "compatible") is expected


@pytest.mark.parametrize("provider", WORDS)
@pytest.mark.parametrize("local", [*WORDS, "not_sent"])
def test_the_strict_policy_reports_every_difference(local: str, provider: str) -> None:
    assert statuses.contradict(local, provider, "strict") is (local != provider)


@pytest.mark.parametrize("policy", ["compatible", "strict"])
def test_a_word_that_maps_to_nothing_is_always_reported(policy: statuses.Policy) -> None:
    assert statuses.contradict("dispatched", "unknown", policy)
    assert statuses.contradict("unknown", "archived", policy)


def test_words_are_compared_without_case_and_blanks() -> None:
    assert statuses.canonical(" Delivered\t") == "delivered"


def test_a_record_without_a_status_states_nothing() -> None:
    assert not statuses.contradict(None, "failed", "compatible")
    assert statuses.contradict(None, "sent", "strict")


@pytest.mark.parametrize(
    ("local", "provider", "said"),
    [
        ("failed", "delivered", "a retry would send twice"),
        ("not_sent", "sent", "a retry would send twice"),
        ("not_sent", "failed", "it was sent, and the customer never got it"),
        ("delivered", "failed", "the customer never got it"),
        ("read", "sent", "but Octopods says only sent"),
        ("sent", "unknown", "the records say sent, Octopods says unknown"),
        ("dispatched", "sent", "maps to no status"),
        ("sent", "archived", "does not know yet"),
        ("sent", "read", "the records say sent, Octopods says read"),
        (None, "sent", "the records say unknown, Octopods says sent"),
    ],
)
def test_a_contradiction_is_worded_by_what_it_means_for_ops(
    local: str | None, provider: str, said: str
) -> None:
    assert said in statuses.explain(local, provider)
