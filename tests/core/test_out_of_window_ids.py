"""Which ids have to be looked up beyond what was read."""

from __future__ import annotations

from recon.core import out_of_window_ids
from tests.factories import Record, Sent, at, local_side, provider_side


def test_ids_that_lead_nowhere_are_looked_up_among_all_messages_once_each() -> None:
    local = local_side([Record(1, 11), Record(2, 12), Record(3, 12), Record(4)]).frame
    assert out_of_window_ids.wanted_messages(local, provider_side([Sent(11)]).frame).tolist() == [
        12
    ]
    assert out_of_window_ids.wanted_messages(local.iloc[:0], provider_side([]).frame).tolist() == []


def test_messages_without_a_record_are_looked_up_in_all_the_records() -> None:
    local = local_side([Record(1, 11), Record(2, 99), Record(3)]).frame
    messages = provider_side([Sent(13, 10), Sent(11), Sent(12, 20)]).frame
    assert out_of_window_ids.wanted_records(local, messages, at(-60), at(60)).tolist() == [12, 13]


def test_a_message_nearer_to_the_edge_than_to_its_record_is_looked_up_too() -> None:
    local = local_side([Record(1, 11, sent_at=-50), Record(2, 12, 50), Record(3, 12, -9)]).frame
    messages = provider_side([Sent(11, sent_at=50), Sent(12, sent_at=0)]).frame
    assert out_of_window_ids.wanted_records(local, messages, at(-60), at(60)).tolist() == [11]


def test_a_message_far_outside_what_was_read_is_looked_up() -> None:
    local = local_side([Record(1, 11)]).frame
    messages = provider_side([Sent(11, sent_at=9_999)]).frame
    assert out_of_window_ids.wanted_records(local, messages, at(-60), at(60)).tolist() == [11]
