from __future__ import annotations

import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from pandas.testing import assert_frame_equal

from recon.core.coverage import ShownSpan
from recon.model import RejectedItem, Span
from recon.store import coverage_proof, messages, status_answers
from recon.store.engine import writing
from recon.store.tables import METADATA
from tests.factories import KEY, NOON, at, listing, message
from tests.store.table_contents import everything, rows

HUGE = 9_007_199_254_740_993  # 2**53 + 1, which a float cannot hold


def keep(engine: sa.Engine, *args: object, key: str = KEY, **kwargs: object) -> messages.KeepResult:
    return messages.keep(engine, "main", key, listing(*args, **kwargs))  # type: ignore[arg-type]


def statuses(engine: sa.Engine) -> dict[int, str]:
    frame = messages.read(engine, "main", None, None)
    return dict(zip(frame["message_id"], frame["status"], strict=True))


def history(engine: sa.Engine, message_id: int = 1) -> list[tuple[float, str]]:
    found = rows(engine, "status_changes", "message_id", "seen_at", "status")
    return sorted(
        ((seen - NOON).total_seconds(), word) for i, seen, word in found if i == message_id
    )


# --- frames -------------------------------------------------------------------------------------


def test_a_kept_message_comes_back_exactly_as_a_typed_row(engine: sa.Engine) -> None:
    keep(
        engine, message(HUGE, 0.000001, "failed", "Recipient is not a WhatsApp user."), answered=60
    )
    frame = messages.read(engine, "main", None, None)
    utc = pd.DatetimeTZDtype("us", "UTC")
    assert dict(frame.dtypes.items()) == {
        "message_id": np.dtype("int64"),
        "phone_number": pd.StringDtype(na_value=np.nan),
        "sent_at": utc,
        "status": pd.CategoricalDtype(["failed"]),
        "failure_reason": pd.StringDtype(na_value=np.nan),
        "observed_at": utc,
    }
    assert frame.iloc[0].tolist() == [
        HUGE,
        "+353871234567",
        pd.Timestamp("2026-04-23 12:00:00.000001", tz="UTC"),
        "failed",
        "Recipient is not a WhatsApp user.",
        pd.Timestamp("2026-04-23 12:01:00", tz="UTC"),
    ]
    assert isinstance(frame.index, pd.RangeIndex)


def test_an_empty_answer_of_the_store_has_the_same_types(engine: sa.Engine) -> None:
    keep(engine, message(1), answered=60)
    full = messages.read(engine, "main", None, None)
    empty = messages.read(engine, "nobody", None, None)
    assert len(empty) == 0
    assert empty.dtypes.drop("status").equals(full.dtypes.drop("status"))
    assert isinstance(empty["status"].dtype, pd.CategoricalDtype)


def test_the_range_takes_its_start_and_not_its_end(engine: sa.Engine) -> None:
    keep(engine, message(1, 0), message(2, 10), message(3, 20), answered=60)
    assert list(messages.read(engine, "main", at(0), at(20))["message_id"]) == [1, 2]
    assert list(messages.read(engine, "main", at(10), None)["message_id"]) == [2, 3]
    assert list(messages.read(engine, "main", None, at(0.000001))["message_id"]) == [1]


def test_accounts_do_not_see_each_others_messages(engine: sa.Engine) -> None:
    messages.keep(engine, "main", KEY, listing(message(1), answered=60))
    messages.keep(engine, "other", KEY, listing(message(1, status="read"), answered=60))
    assert statuses(engine) == {1: "sent"}
    found = messages.find(engine, "other", np.array([1], dtype=np.int64))
    assert list(found["status"]) == ["read"]
    assert len(messages.read(engine, "third", None, None)) == 0


def test_any_number_of_ids_is_found_each_message_once(engine: sa.Engine) -> None:
    ids = [*range(1, 91), HUGE, HUGE + 1, 2**63 - 1]
    keep(engine, *(message(i) for i in ids), answered=60)
    asked = np.array([*range(-50_000, 50_000), HUGE, HUGE, 2**63 - 1], dtype=np.int64)
    found = messages.find(engine, "main", asked)
    assert sorted(found["message_id"]) == [*range(1, 91), HUGE, 2**63 - 1]
    assert len(messages.find(engine, "main", np.array([], dtype=np.int64))) == 0


def test_a_frame_made_of_many_parts_is_like_one_made_at_once(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = [
        message(i, i, "failed" if i % 3 else "sent", "why" if i % 3 else None) for i in range(9)
    ]
    keep(engine, *shown, answered=60)
    whole = messages.read(engine, "main", None, None).sort_values("message_id", ignore_index=True)
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    parts = messages.read(engine, "main", None, None, page_rows=4)
    assert_frame_equal(parts.sort_values("message_id", ignore_index=True), whole)


def test_a_text_that_databases_refuse_is_kept_repaired(engine: sa.Engine) -> None:
    keep(engine, message(1, 0, "failed", "bad \0 and \ud800 é 🐙"), answered=60)
    frame = messages.read(engine, "main", None, None)
    assert frame["failure_reason"][0] == "bad \ufffd and \ufffd é 🐙"


# --- merging ------------------------------------------------------------------------------------


def test_a_later_status_wins_and_the_history_keeps_each_change_with_its_time(
    engine: sa.Engine,
) -> None:
    keep(engine, message(1, 0, "sent"), answered=60)
    keep(engine, message(1, 0, "sent"), answered=120)
    result = keep(engine, message(1, 0, "failed", "24-hour window expired"), answered=180)
    frame = messages.read(engine, "main", None, None)
    assert frame[["status", "failure_reason", "observed_at"]].iloc[0].tolist() == [
        "failed",
        "24-hour window expired",
        pd.Timestamp(at(180)),
    ]
    assert history(engine) == [(60, "sent"), (180, "failed")]
    assert (result.new, result.shared, result.changed) == (0, 1, 1)


def test_a_status_seen_going_backwards_is_logged_and_kept_in_the_history_only(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    keep(engine, message(1, 0, "delivered"), answered=60)
    with caplog.at_level(logging.INFO, "recon.store"):
        result = keep(engine, message(1, 0, "sent"), answered=120)
    assert statuses(engine) == {1: "delivered"}
    assert history(engine) == [(60, "delivered"), (120, "sent")]
    assert result.changed == 0
    assert caplog.messages == [
        "message 1 was delivered and is now listed as sent; its history keeps both"
    ]


def test_a_message_is_observed_as_lately_as_the_latest_answer_that_showed_it(
    engine: sa.Engine,
) -> None:
    keep(engine, message(1, 0, "sent"), answered=60)
    keep(engine, message(1, 0, "unknown"), answered=90_000)
    frame = messages.read(engine, "main", None, None)
    assert frame[["status", "observed_at"]].iloc[0].tolist() == ["sent", pd.Timestamp(at(90_000))]


def test_an_answer_kept_late_changes_nothing_that_a_newer_one_said(engine: sa.Engine) -> None:
    keep(engine, message(1, 5, "read"), answered=120)
    keep(engine, message(1, 0, "delivered"), answered=60)
    frame = messages.read(engine, "main", None, None)
    assert frame[["status", "sent_at", "observed_at"]].iloc[0].tolist() == [
        "read",
        pd.Timestamp(at(5)),
        pd.Timestamp(at(120)),
    ]
    assert history(engine) == [(60, "delivered"), (120, "read")]


def test_an_answer_kept_late_still_counts_for_what_it_proves(engine: sa.Engine) -> None:
    keep(engine, message(1, 0, "sent"), answered=120)
    keep(engine, message(1, 0, "delivered"), answered=60)
    assert statuses(engine) == {1: "delivered"}


def test_a_word_outside_the_table_is_kept(engine: sa.Engine) -> None:
    keep(engine, message(1, 0, "paused"), answered=60)
    assert statuses(engine) == {1: "paused"}


def test_the_same_answer_kept_twice_changes_nothing_but_the_polls(engine: sa.Engine) -> None:
    keep(engine, message(1, 0, "delivered"), answered=60)
    reject = RejectedItem("k1", "no time", phone_number="+353871234567")
    again = listing(message(1, 0, "sent"), message(2, 4), answered=120, rejects=[reject])
    messages.keep(engine, "main", KEY, again)
    before = everything(engine, without=frozenset({"polls"}), polled=False)
    result = messages.keep(engine, "main", KEY, again)
    assert everything(engine, without=frozenset({"polls"}), polled=False) == before
    assert (result.new, result.shared, result.changed) == (0, 2, 0)
    assert len(rows(engine, "polls")) == 3


def test_a_poll_is_logged_with_what_it_brought(engine: sa.Engine) -> None:
    keep(engine, message(1, 0), message(2, 10), answered=60, limit=2)
    second = listing(message(2, 10), message(3, 20), answered=90, limit=2)
    messages.keep(engine, "main", KEY, second, at(91))
    counts = ("item_limit", "item_count", "new_count", "shared_count", "reject_count")
    times = ("oldest_sent_at", "newest_sent_at", "request_id")
    assert rows(engine, "polls", "answered_at", "kept_at", *counts, *times) == [
        (at(60), at(60), 2, 2, 2, 0, 0, at(0), at(10), "5f0b9c8a"),
        (at(90), at(91), 2, 2, 1, 1, 0, at(10), at(20), "5f0b9c8a"),
    ]


# --- rejects ------------------------------------------------------------------------------------


def reject_keys(engine: sa.Engine, *, untimed: bool = True) -> list[str]:
    return list(messages.rejects(engine, "main", at(0), at(100), untimed=untimed)["key"])


def test_a_reject_comes_back_as_a_typed_row(engine: sa.Engine) -> None:
    item = RejectedItem("k1", "no number", HUGE, None, at(5), "sent", "because")
    keep(engine, answered=60, rejects=[item, RejectedItem("k2", "unreadable")])
    frame = messages.rejects(engine, "main", at(0), at(100), untimed=True)
    text = pd.StringDtype(na_value=np.nan)
    assert dict(frame.dtypes.items()) == {
        "key": text,
        "message_id": pd.Int64Dtype(),
        "phone_number": text,
        "sent_at": pd.DatetimeTZDtype("us", "UTC"),
        "status": text,
        "failure_reason": text,
        "reason": text,
        "earliest": pd.DatetimeTZDtype("us", "UTC"),
        "latest": pd.DatetimeTZDtype("us", "UTC"),
    }
    assert frame["message_id"].tolist() == [HUGE, pd.NA]
    assert frame["sent_at"].tolist() == [pd.Timestamp(at(5)), pd.NaT]
    assert frame["reason"].tolist() == ["no number", "unreadable"]


def test_rejects_belong_to_their_time(engine: sa.Engine) -> None:
    items = [RejectedItem(str(t), "no number", sent_at=at(t)) for t in (-1, 0, 99, 100)]
    keep(engine, answered=160, rejects=items)
    assert reject_keys(engine) == ["0", "99"]


def test_an_untimed_reject_counts_only_while_the_latest_answer_shows_it(engine: sa.Engine) -> None:
    keep(engine, answered=60, rejects=[RejectedItem("old", "?"), RejectedItem("new", "?")])
    keep(engine, answered=120, rejects=[RejectedItem("new", "?")])
    assert reject_keys(engine) == ["new"]
    assert reject_keys(engine, untimed=False) == []
    keep(engine, answered=90, rejects=[RejectedItem("old", "?"), RejectedItem("new", "?")])
    assert reject_keys(engine) == ["new"]


def test_an_item_that_reads_well_later_is_no_reject_any_more(engine: sa.Engine) -> None:
    keep(engine, answered=60, rejects=[RejectedItem("k1", "no number", message_id=1)])
    assert reject_keys(engine) == ["k1"]
    keep(engine, message(1), answered=120)
    assert rows(engine, "provider_rejects") == []


def test_an_item_whose_message_is_known_well_is_no_reject(engine: sa.Engine) -> None:
    keep(engine, message(1), answered=60)
    keep(engine, answered=120, rejects=[RejectedItem("k1", "no number", message_id=1)])
    assert rows(engine, "provider_rejects") == []


def test_a_reject_with_an_impossible_id_is_kept_without_it(engine: sa.Engine) -> None:
    keep(engine, answered=60, rejects=[RejectedItem("k1", "too large", message_id=2**63)])
    frame = messages.rejects(engine, "main", None, None, untimed=True)
    assert frame["message_id"].tolist() == [pd.NA]


# --- coverage -----------------------------------------------------------------------------------


def test_a_short_answer_covers_everything_before_it(engine: sa.Engine) -> None:
    result = keep(engine, message(1), answered=120)
    assert result.proof.shown == ShownSpan(None, at(120))
    assert messages.spans(engine, "main") == (Span(None, at(60)),)


def test_full_answers_that_overlap_join_and_others_leave_a_gap(engine: sa.Engine) -> None:
    keep(engine, message(1, 0), message(2, 100), answered=200, limit=2)
    keep(engine, message(2, 100), message(3, 300), answered=400, limit=2)
    keep(engine, message(5, 700), message(6, 800), answered=900, limit=2)
    expected = (Span(at(1), at(340)), Span(at(701), at(840)))
    assert messages.spans(engine, "main") == expected
    assert len(rows(engine, "coverage")) == 4
    keep(engine, message(3, 300), message(5, 700), answered=850, limit=2)
    assert messages.spans(engine, "main") == (Span(at(1), at(840)),)
    assert rows(engine, "coverage", "basis") == [("shared",), ("settled",)]


def test_answers_that_share_messages_join_however_fast_they_came(engine: sa.Engine) -> None:
    # Each alone proves nothing: all it shows is younger than the settling time.
    for n in range(40):
        shown = [message(n * 2 + i, n * 4 + i * 2) for i in range(3)]
        kept = keep(engine, *shown, answered=n * 4 + 4, limit=3)
        assert kept.proof.shown is not None
        assert (kept.proof.shown.span(), kept.shared) == (None, int(n > 0))
    assert messages.spans(engine, "main") == (Span(at(1), at(160 - 60)),)


def test_fast_answers_that_share_nothing_leave_the_time_between_unproven(
    engine: sa.Engine,
) -> None:
    keep(engine, message(1, 0), message(2, 2), answered=4, limit=2)
    keep(engine, message(3, 4), message(4, 6), answered=200, limit=2)
    assert messages.spans(engine, "main") == (Span(at(5), at(140)),)
    # A late one that shares with both closes it.
    keep(engine, message(2, 2), message(3, 4), answered=8, limit=2)
    assert messages.spans(engine, "main") == (Span(at(1), at(140)),)


def test_an_older_key_proves_nothing_once_a_newer_one_has_polled(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    keep(engine, message(1, 0), message(2, 100), answered=200, limit=2)
    keep(engine, message(70, 150), answered=400, key="second")
    proven = (Span(at(1), at(140)), Span(at(151), at(340)))
    assert messages.spans(engine, "main") == proven
    result = keep(engine, message(2, 100), message(3, 145), answered=900, limit=2)
    assert result.proof.reading == "nothing"
    assert "the account has polled a newer key since" in caplog.text
    assert messages.spans(engine, "main") == proven
    assert statuses(engine).keys() == {1, 2, 3, 70}


def test_a_message_that_was_only_asked_for_singly_joins_nothing(engine: sa.Engine) -> None:
    keep(engine, message(1, 0), message(2, 2), answered=4, limit=2)
    status_answers.keep(engine, "main", KEY, found=[message(3, 4)], denied=[], at=at(9))
    kept = keep(engine, message(3, 4), message(4, 6), answered=200, limit=2)
    assert (kept.new, kept.shared) == (1, 0)
    assert messages.spans(engine, "main") == (Span(at(5), at(140)),)
    status_answers.keep(engine, "main", KEY, found=[message(4, 6)], denied=[], at=at(300))
    assert keep(engine, message(4, 6), message(5, 8), answered=400, limit=2).shared == 1


def test_what_an_older_key_listed_joins_nothing_of_a_newer_one(engine: sa.Engine) -> None:
    keep(engine, message(1, 0), message(2, 2), answered=4, limit=2)
    kept = keep(engine, message(2, 2), message(3, 4), answered=200, limit=2, key="second")
    assert kept.shared == 0
    assert messages.spans(engine, "main") == (Span(at(3), at(140)),)


def test_a_listing_seen_out_of_order_withdraws_what_only_shared_messages_joined(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    keep(engine, message(1, 0), message(2, 100), answered=200, limit=2)
    keep(engine, message(2, 100), message(3, 195), answered=201, limit=2)
    keep(engine, message(3, 195), message(4, 230), answered=231, limit=2)
    keep(engine, message(4, 230), message(5, 400), answered=405, limit=2)
    keep(engine, message(5, 400), message(6, 490), answered=500, limit=2)
    assert messages.spans(engine, "main") == (Span(at(1), at(440)),)
    caplog.set_level(logging.WARNING)
    # 9 stands behind 6, which was listed when 9 should have been.
    keep(engine, message(6, 490), message(9, 460), message(5, 400), answered=510, limit=3)
    assert "message 9" in caplog.text
    settled = (Span(at(1), at(141)), Span(at(231), at(345)), Span(at(401), at(450)))
    assert messages.spans(engine, "main") == settled
    # It is a trait of the key's listing: for good, and told once.
    caplog.clear()
    keep(engine, message(7, 505), message(6, 490), message(8, 470), answered=511, limit=3)
    assert caplog.text == ""
    assert messages.spans(engine, "main")[0] == settled[0]


def test_a_message_that_appears_in_proven_time_withdraws_the_proof_and_slows_the_key_down(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    keep(engine, message(1, 0), answered=400)
    keep(engine, message(1, 0), message(2, 600), answered=1000)
    keep(engine, message(1, 0), message(9, 300), message(2, 600), answered=1200)
    assert "message 9 appeared in the listing only after" in caplog.text
    assert "have 23 minutes to appear" in caplog.text
    # Twice the 700 seconds from its time to the last answer that lacked it.
    keep(engine, message(1, 0), message(9, 300), message(2, 600), answered=3000)
    assert messages.spans(engine, "main") == (Span(None, at(300)), Span(at(1000), at(1600)))
    keep(engine, message(1, 0), message(9, 300), message(2, 600), answered=90_000)
    keep(engine, message(8, 3000), message(1, 0), message(2, 600), answered=90_100)
    assert rows(engine, "keys", "settling_seconds") == [(6 * 3600,)]
    [early, late] = coverage_proof.evidence(engine, "main", at(0), at(90_000)).withdrawn
    assert (early.start, early.end) == (at(300), at(1000))
    assert (late.start, late.end) == (at(3000), at(90_000))
    assert coverage_proof.evidence(engine, "main", at(1000), at(3000)).withdrawn == ()


def test_an_answer_that_lacks_what_was_listed_proves_nothing_and_the_next_one_joins_on(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    keep(engine, message(1, 0), message(2, 100), answered=200, limit=2)
    before = messages.spans(engine, "main")
    assert keep(engine, answered=400).proof.shown is None
    assert "it lists no message that can be read, though messages were listed" in caplog.text
    refused = keep(engine, message(1, 0), message(3, 300), answered=410)
    assert refused.proof.reading == "refused"
    assert "it lacks 1 message newer than its own oldest" in caplog.text
    assert messages.spans(engine, "main") == before
    assert statuses(engine).keys() == {1, 2, 3}
    # The next whole answer joins as if nothing had been.
    keep(engine, message(2, 100), message(3, 300), answered=420, limit=2)
    assert messages.spans(engine, "main") == (Span(at(1), at(360)),)


def test_a_short_answer_without_the_oldest_ones_counts_as_full(engine: sa.Engine) -> None:
    keep(engine, message(1, 0), message(2, 100), message(3, 110), answered=200)
    result = keep(engine, message(3, 110), message(4, 220), answered=300)
    assert result.proof.shown == ShownSpan(at(111), at(300))
    assert keep(engine, message(5, 400), answered=500).proof.shown == ShownSpan(at(401), at(500))
    assert messages.spans(engine, "main") == (Span(None, at(240)), Span(at(401), at(440)))


def test_what_was_listed_and_cannot_be_read_now_is_not_gone(engine: sa.Engine) -> None:
    keep(engine, message(1, 0), message(2, 100), answered=200)
    reject = RejectedItem("k", "no number", message_id=2)
    kept = keep(engine, message(1, 0), answered=300, rejects=[reject])
    assert kept.proof.shown == ShownSpan(None, at(300))


def test_what_has_not_settled_may_be_missing_from_the_next_short_answer(engine: sa.Engine) -> None:
    keep(engine, message(1, 0), message(2, 100), answered=105)
    assert keep(engine, message(1, 0), answered=120).proof.shown == ShownSpan(None, at(120))


def test_a_message_that_could_not_be_read_before_is_no_disorder(engine: sa.Engine) -> None:
    reject = RejectedItem("k", "no number", message_id=2, sent_at=at(50))
    keep(engine, message(1, 0), message(3, 100), answered=200, rejects=[reject])
    keep(engine, message(1, 0), message(2, 50), message(3, 100), answered=201)
    assert rows(engine, "keys", "disordered_at") == [(None,)]


def test_coverage_survives_when_its_polls_are_deleted(engine: sa.Engine) -> None:
    keep(engine, message(1, 0), message(2, 100), answered=200, limit=2)
    with writing(engine) as connection:
        connection.execute(sa.delete(METADATA.tables["polls"]))
    assert messages.spans(engine, "main") == (Span(at(1), at(140)),)
    keep(engine, message(2, 100), message(3, 300), answered=400, limit=2)
    assert messages.spans(engine, "main") == (Span(at(1), at(340)),)


def test_an_answer_that_proves_nothing_leaves_the_spans_alone(engine: sa.Engine) -> None:
    keep(engine, message(1), answered=120)
    result = keep(engine, message(2, 99), message(3, 100), answered=130, limit=2)
    assert result.proof.shown is not None
    assert result.proof.shown.span() is None
    assert messages.spans(engine, "main") == (Span(None, at(60)),)


def test_a_new_key_claims_nothing_before_its_first_message_now_or_later(
    engine: sa.Engine,
) -> None:
    keep(engine, message(1, 0), answered=120)
    keep(engine, message(7, 300), message(8, 310), answered=500, key="second")
    keep(engine, message(7, 300), message(8, 310), answered=600, key="second")
    assert messages.spans(engine, "main") == (Span(None, at(60)), Span(at(301), at(540)))


def test_a_new_key_without_messages_claims_nothing_until_it_has_listed_one(
    engine: sa.Engine,
) -> None:
    keep(engine, message(1, 0), answered=120)
    keep(engine, answered=500, key="second")
    keep(engine, answered=600, key="second")
    assert messages.spans(engine, "main") == (Span(None, at(60)),)
    keep(engine, message(2, 650), answered=800, key="second")
    # Until then messages may have been sent with the first key, which nobody asked any more.
    assert messages.spans(engine, "main") == (Span(None, at(60)), Span(at(651), at(740)))


def test_a_newer_key_whose_messages_are_all_older_takes_the_proof_of_both(
    engine: sa.Engine,
) -> None:
    keep(engine, message(1, 0), message(2, 100), answered=200)
    keep(engine, message(70, -9000), message(71, -8000), answered=300, key="forgotten")
    assert messages.spans(engine, "main") == ()
    keep(engine, message(1, 0), message(2, 100), message(3, 350), answered=420)
    assert messages.spans(engine, "main") == ()
    [note] = coverage_proof.evidence(engine, "main", at(0), at(600)).notes[:1]
    assert "All messages of the key that was polled last are older" in note
    # Whoever says which key is in use starts its coverage again.
    again = listing(message(1, 0), message(2, 100), message(3, 350), answered=500)
    messages.keep(engine, "main", KEY, again, new_coverage=True)
    assert messages.spans(engine, "main") == (Span(None, at(440)),)
    assert coverage_proof.evidence(engine, "main", at(0), at(600)).notes == ()


def test_neither_a_key_nor_a_text_has_a_column() -> None:
    from recon.store.tables import METADATA

    columns = {column.name for table in METADATA.tables.values() for column in table.columns}
    assert not columns & {"api_key", "secret", "content", "message_content", "text", "body"}


# --- cost ---------------------------------------------------------------------------------------


def test_keeping_an_answer_loads_neither_pandas_nor_alembic(engine: sa.Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    code = f"""
        import sys
        from datetime import UTC, datetime
        from recon.model import Listing
        from recon.store import messages, schema
        from recon.store.engine import connect
        engine = connect({url!r})
        schema.ensure_ready(engine)
        answer = Listing((), (), 0, 100, datetime(2026, 4, 23, tzinfo=UTC))
        messages.keep(engine, "main", "f1a9", answer)
        messages.spans(engine, "main")
        print(sorted({{"pandas", "numpy", "alembic"}} & sys.modules.keys()))
    """
    ran = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", dedent(code)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "[]\n"


def test_an_answer_with_naive_times_is_a_bug_and_keeps_nothing(engine: sa.Engine) -> None:
    naive = datetime(2026, 4, 23, 12)  # noqa: DTZ001 - the point of the test
    with pytest.raises(sa.exc.StatementError, match="without a zone"):
        messages.keep(engine, "main", KEY, listing(answered=60), naive)
    assert all(not found for found in everything(engine).values())


def test_a_time_of_another_zone_is_stored_as_the_same_moment(engine: sa.Engine) -> None:
    from dataclasses import replace
    from zoneinfo import ZoneInfo

    there = (NOON + timedelta(seconds=5)).astimezone(ZoneInfo("Asia/Kolkata"))
    keep(engine, replace(message(1), sent_at=there), answered=60)
    assert rows(engine, "messages", "sent_at") == [(at(5),)]
    assert rows(engine, "messages", "sent_at")[0][0].tzinfo is UTC
