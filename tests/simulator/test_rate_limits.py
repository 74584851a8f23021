from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.simulator.rate_limits import Bucket, RateLimit, RetryForm, stamp

NOW = datetime(2026, 4, 24, 10, 0, 0, 250_000, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=12.5)
EPOCH = 1_777_024_812.75


def test_a_bucket_gives_its_tokens_at_once_and_then_as_they_come_back() -> None:
    bucket = Bucket(RateLimit(2, timedelta(seconds=10)))
    assert bucket.take(NOW) is None
    assert bucket.take(NOW) is None
    assert bucket.take(NOW) == NOW + timedelta(seconds=5)
    assert bucket.take(NOW + timedelta(seconds=4)) == NOW + timedelta(seconds=5)
    assert bucket.take(NOW + timedelta(seconds=5)) is None


def test_a_bucket_never_holds_more_than_its_limit() -> None:
    bucket = Bucket(RateLimit(2, timedelta(seconds=10)))
    assert bucket.take(NOW) is None
    later = NOW + timedelta(days=1)
    assert [bucket.take(later) is None for _ in range(3)] == [True, True, False]


def test_sends_empty_a_bucket_but_never_put_it_into_debt() -> None:
    bucket = Bucket(RateLimit(2, timedelta(seconds=10)))
    for _ in range(50):
        bucket.spend(NOW)
    assert bucket.take(NOW) == NOW + timedelta(seconds=5)


@given(st.integers(1, 7), st.integers(1, 1000), st.lists(st.integers(0, 5_000_000), max_size=20))
def test_who_waits_as_long_as_asked_is_not_refused(
    requests: int, seconds: int, waits: list[int]
) -> None:
    bucket = Bucket(RateLimit(requests, timedelta(seconds=seconds)))
    at = NOW
    for wait in waits:
        at += timedelta(microseconds=wait)
        until = bucket.take(at)
        if until is not None:
            assert until > at
            at = until
            assert bucket.take(at) is None


@pytest.mark.parametrize("form", RetryForm)
def test_a_stamp_stands_where_its_form_says_and_is_rounded_up(form: RetryForm) -> None:
    headers, body = stamp(form, UNTIL, NOW)
    assert body["error"]
    text = json.dumps(body)
    expected_headers = {
        RetryForm.HEADER_SECONDS: {"Retry-After": "13"},
        RetryForm.HEADER_DATE: {"Retry-After": "Fri, 24 Apr 2026 10:00:13 GMT"},
        RetryForm.RESET_SECONDS: {"X-RateLimit-Reset": "1777024813"},
        RetryForm.RESET_MILLISECONDS: {"X-RateLimit-Reset": "1777024812750"},
        RetryForm.PLAIN_RESET: {"RateLimit-Reset": "1777024813"},
    }
    expected_body = {
        RetryForm.BODY_ISO: '"retry_at": "2026-04-24T10:00:13Z"',
        RetryForm.BODY_SECONDS: '"retry_after": 1777024813',
        RetryForm.BODY_MILLISECONDS: '"retry_timestamp": 1777024812750',
        RetryForm.NESTED: '{"retry_at": "2026-04-24T10:00:13Z"}',
        RetryForm.TEXT: "Retry at 2026-04-24T10:00:13Z.",
        RetryForm.TEXT_SECONDS: "retry_timestamp=1777024813",
    }
    assert UNTIL.timestamp() == EPOCH
    assert headers == expected_headers.get(form, {})
    assert expected_body.get(form, "") in text
    if form not in expected_body:
        assert set(body) == {"error"}
        assert not re.search(r"\d", text)


def test_a_date_in_a_header_is_one_that_mail_libraries_read() -> None:
    headers, _ = stamp(RetryForm.HEADER_DATE, UNTIL, NOW)
    assert parsedate_to_datetime(headers["Retry-After"]) == datetime(
        2026, 4, 24, 10, 0, 13, tzinfo=UTC
    )
