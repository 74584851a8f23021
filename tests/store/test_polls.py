from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from recon.errors import TemporaryError
from recon.model import ProviderBalance, RejectedItem, Span, VerdictKind
from recon.store import lock, messages, polls, runs
from recon.store.engine import connect
from tests.factories import KEY, at, found, listing, message, run
from tests.store import processes

HOLDER = """
    import sys
    from recon.store.engine import connect
    from recon.store import polls
    with polls.hold_poll_lock(connect({url!r}), "main") as mine:
        print(mine, flush=True)
        sys.stdin.readline()
"""


def known(engine: sa.Engine, key: str = KEY, *, recent: int = 8) -> polls.KeyState:
    return polls.key_state(engine, "main", key, recent=recent)


def test_nothing_is_known_of_a_key_that_never_polled(engine: sa.Engine) -> None:
    assert known(engine) == polls.KeyState()
    assert polls.history(engine, "main", at(-1e9), 10) == ()


def test_the_last_poll_is_the_one_that_was_kept_last_whatever_its_date_says(
    engine: sa.Engine,
) -> None:
    messages.keep(engine, "main", KEY, listing(message(1), answered=86_400), at(60))
    messages.keep(engine, "main", KEY, listing(message(1), message(2, 5), answered=300), at(290))
    state = known(engine)
    assert (state.last_at, state.ahead) == (at(300), timedelta(seconds=10))
    assert [(one.at, one.new, one.items) for one in state.recent] == [
        (at(86_400), 1, 1),
        (at(300), 1, 2),
    ]
    assert (state.recent[-1].oldest, state.recent[-1].newest) == (at(0), at(5))


def test_two_polls_of_one_second_are_distinguished(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(message(1), answered=60))
    before = known(engine)
    messages.keep(engine, "main", KEY, listing(message(1), message(2), answered=60))
    after = known(engine)
    assert before.last_id != after.last_id
    assert after.recent[-1].new == 1


def test_only_the_latest_polls_come_in_their_order(engine: sa.Engine) -> None:
    for answered in (300, 60, 180, 120, 240):
        messages.keep(engine, "main", KEY, listing(answered=answered))
    assert [one.at for one in known(engine, recent=2).recent] == [at(120), at(240)]
    assert [one.at for one in polls.history(engine, "main", at(120), 3)] == [
        at(180), at(240), at(300),
    ]  # fmt: skip
    assert [one.at for one in polls.history(engine, "main", at(240), 9)] == [at(240), at(300)]


def test_a_poll_joins_where_it_shares_messages_or_shows_all(engine: sa.Engine) -> None:
    shown = [message(n, n) for n in range(10)]
    for first, limit in ((0, 100), (2, 4), (6, 4)):
        answer = listing(*shown[first : first + 4], answered=100 + first, limit=limit)
        messages.keep(engine, "main", KEY, answer)
    joined = {one.at: one.joined for one in polls.history(engine, "main", at(0), 9)}
    assert joined == {at(100): True, at(102): True, at(106): False}


def test_of_the_unreadable_as_many_count_as_new_as_of_the_others(engine: sa.Engine) -> None:
    rejects = [RejectedItem(str(n), "no time") for n in range(4)]
    shown = [message(n, n) for n in range(4)]
    messages.keep(engine, "main", KEY, listing(*shown[:2], answered=60, rejects=rejects))
    messages.keep(engine, "main", KEY, listing(*shown, answered=90, rejects=rejects))
    messages.keep(engine, "main", KEY, listing(answered=95, rejects=rejects))
    assert [one.new for one in known(engine).recent] == [6, 4, 4]


def test_a_new_key_has_not_polled_yet_but_its_account_has(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(answered=60))
    messages.keep(engine, "other", "new", listing(answered=90))
    assert known(engine, "new").last_at is None
    messages.keep(engine, "main", "new", listing(message(9, 100), answered=120))
    assert known(engine, "new").last_at == at(120)
    assert len(known(engine, "new").recent) == 1
    assert [one.at for one in polls.history(engine, "main", at(0), 9)] == [at(60), at(120)]


def test_the_newest_message_of_any_answer_is_known(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(answered=30))
    assert known(engine).newest is None
    messages.keep(engine, "main", KEY, listing(message(1, 10), message(2, 50), answered=60))
    # An answer of the listing of a while ago.
    messages.keep(engine, "main", KEY, listing(message(1, 10), answered=90))
    assert known(engine).newest == at(50)


def disordered(engine: sa.Engine, key: str = KEY) -> None:
    """Let two answers show that the listing is not in order."""
    messages.keep(engine, "main", key, listing(message(98, 0), message(99, 9), answered=20))
    late = listing(message(97, 3), message(98, 0), message(99, 9), answered=20)
    messages.keep(engine, "main", key, late)


def test_where_the_listing_is_in_order_nothing_must_be_shown_again(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(message(1, 299), answered=300))
    assert known(engine).unproven is None


def test_what_the_last_answer_could_not_prove_must_be_shown_again(engine: sa.Engine) -> None:
    disordered(engine)
    # Proven is the time up to 300 - 60 s; the second before it may be cut through.
    shown = [message(n, seconds) for n, seconds in enumerate((200, 239, 239.5, 240, 250, 299))]
    messages.keep(engine, "main", KEY, listing(*shown, answered=300))
    assert known(engine).unproven == 4
    messages.keep(engine, "main", KEY, listing(*shown, answered=400))
    assert known(engine).unproven == 0


def test_an_answer_that_proves_nothing_leaves_what_is_within_the_settling_time(
    engine: sa.Engine,
) -> None:
    disordered(engine)
    dense = [message(n, 300 + n) for n in range(10, 14)]
    messages.keep(engine, "main", KEY, listing(*dense, answered=320, limit=4))
    assert messages.spans(engine, "main") == (Span(None, at(-40)),)
    assert known(engine).unproven == 7


def test_the_last_run_shows_what_the_records_do_not_know(engine: sa.Engine) -> None:
    unrecorded = ProviderBalance(matched=7, missing_locally=3)
    runs.save(engine, run(found("a", "b", "c"), run_id="r1", provider=unrecorded), "run")
    assert known(engine).unrecorded_share == pytest.approx(0.3)
    suspect = run(run_id="r2", day="2026-04-24", kind=VerdictKind.SUSPECT)
    runs.save(engine, suspect, "run")
    assert known(engine).unrecorded_share == pytest.approx(0.3)
    runs.save(engine, run(run_id="r3", day="2026-04-24", kind=VerdictKind.CLEAN), "run")
    assert known(engine).unrecorded_share == 0


def test_a_repeated_send_without_a_record_counts_as_unrecorded(engine: sa.Engine) -> None:
    made = run(found(), run_id="r1")
    verdict = replace(
        made.verdict, provider=ProviderBalance(matched=6, missing_locally=1, duplicate_send=3)
    )
    runs.save(engine, replace(made, verdict=verdict), "run")
    assert known(engine).unrecorded_share == pytest.approx(0.4)


def test_one_collector_at_a_time_has_the_turn_of_an_account(database_url: str) -> None:
    engine = connect(database_url)
    with processes.started(HOLDER.format(url=database_url)) as other:
        assert processes.awaited(other) == "True"
        with (
            polls.hold_poll_lock(engine, "main") as mine,
            polls.hold_poll_lock(engine, "other") as another,
        ):
            assert (mine, another) == (False, True)
        processes.ended(other, "\n")
    with polls.hold_poll_lock(engine, "main") as mine:
        assert mine
    engine.dispose()


def test_the_turn_and_a_run_do_not_keep_each_other_from_anything(engine: sa.Engine) -> None:
    with lock.hold(engine, "main"), polls.hold_poll_lock(engine, "main") as mine:
        assert mine
    with polls.hold_poll_lock(engine, "main") as mine, lock.hold(engine, "main"):
        assert mine


def test_a_turn_ends_with_whatever_went_wrong_in_it(engine: sa.Engine) -> None:
    with pytest.raises(TemporaryError, match="provider"), polls.hold_poll_lock(engine, "main"):
        raise TemporaryError("the provider is down")
    with polls.hold_poll_lock(engine, "main") as mine:
        assert mine


def test_a_store_that_is_out_of_reach_is_no_turn_of_somebody_else() -> None:
    engine = connect("postgresql://nobody@127.0.0.1:1/nothing")
    with (
        pytest.raises(TemporaryError, match="cannot be reached"),
        polls.hold_poll_lock(engine, "main"),
    ):
        pass


def test_what_must_be_shown_again_goes_by_the_settling_time_of_the_key(engine: sa.Engine) -> None:
    disordered(engine)
    # Appeared 100 s late, so twice as long is given from now on.
    early = [message(97, 3), message(98, 0), message(99, 9)]
    messages.keep(engine, "main", KEY, listing(*early, answered=120))
    late = [*early, message(100, 20)]
    messages.keep(engine, "main", KEY, listing(*late, answered=600))
    assert known(engine).settling == timedelta(seconds=200)
    shown = [*late, *(message(n, n) for n in (400, 401, 550))]
    messages.keep(engine, "main", KEY, listing(*shown, answered=600))
    assert known(engine).unproven == 3


def test_a_cap_of_the_listing_is_known(engine: sa.Engine) -> None:
    assert known(engine).item_cap is None
    for step in range(3):
        shown = [message(n, 100 * n) for n in range(2 * step, 2 * step + 6 - (step > 0))]
        messages.keep(engine, "main", KEY, listing(*shown, answered=500 + 200 * step))
    assert known(engine).item_cap == 5
