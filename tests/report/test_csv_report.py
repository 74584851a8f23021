"""The CSV file: exact bytes, order, and cells that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.model import Run
from recon.report import csv_report
from tests.factories import finding, findings_frame, run, utc

HEADER = (
    "discrepancy_id,run_id,date,account,kind,severity,message_id,local_id,phone_number,"
    "local_status,provider_status,local_sent_at,provider_sent_at,failure_reason,detail,"
    "first_seen_on,state,incident_id,confirmed\r\n"
)


def content(of: Run) -> bytes:
    return b"".join(csv_report.chunks(of))


def rows(of: Run) -> list[dict[str, str]]:
    text = content(of).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_small_run_gives_exactly_these_bytes() -> None:
    made = run(
        [
            finding(
                "status_mismatch",
                "00000000000000b2",
                message_id="3851828",
                local_id="77",
                phone_number="+353871234567",
                local_phone_number="087 123 4567",
                local_status="delivered",
                provider_status="failed",
                local_sent_at=utc("10:00:00"),
                provider_sent_at=utc("10:00:00.25"),
                failure_reason='Recipient, "unknown"',
                detail="two\r\nlines",
            ),
            finding("unverifiable", "00000000000000a1", detail="Zoë, 你好", incident_id="c3"),
        ],
        first_seen_on={"00000000000000b2": date(2026, 4, 20)},
        lifecycle={"00000000000000b2": "acknowledged"},
    )
    assert (
        content(made)
        == (
            HEADER + "00000000000000b2,run-1,2026-04-23,main,status_mismatch,error,3851828,77,"
            "+353871234567,delivered,failed,2026-04-23T10:00:00Z,2026-04-23T10:00:00.250000Z,"
            '"Recipient, ""unknown""","two\r\nlines",2026-04-20,acknowledged,,\r\n'
            "00000000000000a1,run-1,2026-04-23,main,unverifiable,warning,,,,,,,,,"
            '"Zoë, 你好",2026-04-24,open,c3,\r\n'
        ).encode()
    )


def test_the_header_is_there_without_any_finding() -> None:
    assert content(run()) == HEADER.encode()


def test_the_day_a_new_finding_was_first_seen_is_that_of_the_windows_zone() -> None:
    assert rows(run([finding("stuck")]))[0]["first_seen_on"] == "2026-04-24"


def test_rows_are_sorted_by_severity_kind_time_and_identity_whatever_their_order() -> None:
    expected = [
        finding("missing_at_provider", "f", local_sent_at=utc("08:00:00")),
        finding(
            "status_mismatch", "e", local_sent_at=utc("23:00:00"), provider_sent_at=utc("09:00")
        ),
        finding("status_mismatch", "a", provider_sent_at=utc("10:00:00.5")),
        finding("status_mismatch", "b", provider_sent_at=utc("10:00:00.5")),
        finding("status_mismatch", "0"),
        finding("invalid_local", "9"),
        finding("stuck", "c", provider_sent_at=utc("01:00:00")),
    ]
    for step in (1, 3, 5, -1):
        shuffled = [expected[n * step % len(expected)] for n in range(len(expected))]
        order = [row["discrepancy_id"] for row in rows(run(shuffled))]
        assert order == [row["discrepancy_id"] for row in expected]


def test_findings_of_one_second_are_put_in_the_order_of_their_identities() -> None:
    same = [finding("stuck", identity, provider_sent_at=utc("10:00:00")) for identity in "cab"]
    assert [row["discrepancy_id"] for row in rows(run(same))] == ["a", "b", "c"]


def test_a_report_of_many_pieces_holds_every_row_once_and_in_order() -> None:
    number = 70_001
    identities = [f"{n:016x}" for n in range(number)]
    findings = [
        finding(
            "stuck",
            identity,
            detail=f"=row {n}, with a comma",
            provider_sent_at=utc("10:00:00") + timedelta(seconds=n // 3),
        )
        for n, identity in enumerate(identities)
    ]
    made = rows(run(findings[::-1]))
    assert [row["discrepancy_id"] for row in made] == identities
    assert all(row["detail"] == f"'=row {n}, with a comma" for n, row in enumerate(made))
    assert made[-1]["provider_sent_at"] == "2026-04-23T16:28:53Z"


@pytest.mark.parametrize("dtype", ["category", "object"])
def test_the_type_of_a_text_column_does_not_matter(dtype: str) -> None:
    findings = findings_frame(
        [finding("stuck", detail="=1,2"), finding("stuck", "00000000000000a2")]
    )
    texts = ["kind", "severity", "message_id", "provider_status", "detail"]
    other = findings.astype(dict.fromkeys(texts, dtype))
    assert content(run(other)) == content(run(findings))


def test_columns_that_are_null_throughout_are_empty() -> None:
    findings = findings_frame([finding("stuck")]).astype(
        {"local_sent_at": object, "detail": object}
    )
    row = rows(run(findings))[0]
    assert (row["local_sent_at"], row["provider_sent_at"], row["detail"]) == ("", "", "")


@pytest.mark.parametrize(
    "said",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\nx",
        "  =1",
        "\ufeff=1",
        "\u200b\u00a0=1",
        "\x00=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
        " \u2060\uff1d1",
    ],
)
def test_a_cell_that_a_spreadsheet_takes_for_a_formula_gets_a_leading_quote(said: str) -> None:
    row = rows(run([finding("stuck", detail=said, local_id=said, phone_number=said + "x")]))[0]
    assert (row["detail"], row["local_id"]) == (f"'{said}", f"'{said}")
    assert row["phone_number"] == f"'{said}x"


@pytest.mark.parametrize("said", ["1-1", "a=b", "'=1", "", "0", "x\n=1", "Zoë", "\u00a0x"])
def test_other_cells_stay_as_they_are(said: str) -> None:
    assert rows(run([finding("stuck", detail=said)]))[0]["detail"] == said


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("+353871234567", "+353871234567"),
        ("0871234567", "0871234567"),
        ("+353 87 123", "'+353 87 123"),
        ("+", "'+"),
        ("+1+1", "'+1+1"),
        ("=1", "'=1"),
        ("+123\n", "'+123\n"),
    ],
)
def test_only_a_plus_and_digits_may_begin_with_a_plus(number: str, written: str) -> None:
    alone = run([finding("stuck", phone_number=number)])
    among = run(
        [finding("stuck", phone_number=n) for n in (number, "+353871234567", "087 x", None)]
    )
    assert rows(alone)[0]["phone_number"] == written
    assert rows(among)[0]["phone_number"] == written


def test_the_account_and_the_run_are_made_safe_too() -> None:
    row = rows(run([finding("stuck")], account='=a,"b"'))[0]
    assert row["account"] == '\'=a,"b"'


FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
STRIPPED = " \u00a0\u3000\ufeff\u200b\u200c\u200d\u2060\x00\x0b\x1f"

texts = st.text(
    st.one_of(st.sampled_from(FORMULA + STRIPPED + "\"',1a"), st.characters(codec="utf-8"))
)


@settings(max_examples=15)
@given(st.lists(st.one_of(st.none(), texts), min_size=1, max_size=40))
def test_any_text_comes_back_and_no_cell_begins_a_formula(cells: list[str | None]) -> None:
    findings = [finding("stuck", f"{n:016x}", detail=cell) for n, cell in enumerate(cells)]
    written = [row["detail"] for row in rows(run(findings))]
    for cell, text in zip(cells, written, strict=True):
        assert text in {cell or "", f"'{cell}"}
        assert not text.lstrip(STRIPPED).startswith(tuple(FORMULA))


@given(st.datetimes(min_value=pd.Timestamp(1970, 1, 1), max_value=pd.Timestamp(2100, 1, 1)))
def test_a_time_reads_as_the_iso_format_of_its_utc(moment: pd.Timestamp) -> None:
    findings = findings_frame([finding("stuck", provider_sent_at=pd.Timestamp(moment, tz="UTC"))])
    expected = pd.Timestamp(moment).isoformat() + "Z"
    assert rows(run(findings))[0]["provider_sent_at"] == expected
