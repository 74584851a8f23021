"""The terminal summary: exact lines, that fit and cannot be steered by the data."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from recon.core.calendar import unbounded, window
from recon.model import Advice, Kind, LocalBalance, ProviderBalance, Span
from recon.report import terminal_summary
from recon.report.labels import EXPLANATIONS, KINDS_BY_URGENCY
from recon.report.report_files import WrittenFiles
from recon.report.terminal_text import width_of
from tests.factories import FINISHED, finding, run, utc

WRITTEN = WrittenFiles(Path("r/a.csv"), Path("r/a.json"), Path("r/a.html"))


def test_a_clean_night_fits_on_a_few_lines() -> None:
    made = run(
        local=LocalBalance(matched=1190, not_sent=14), provider=ProviderBalance(matched=1190)
    )
    assert terminal_summary.text(made, WRITTEN, colour=False, width=80) == (
        "CLEAN  main, Thursday 2026-04-23, Europe/Dublin\n"
        "Everything agrees.\n"
        "Nothing is missing among 1,204 records and 1,190 messages at Octopods.\n"
        "\n"
        "  records   1,204 = 1,190 matched + 14 not sent\n"
        "  messages  1,190 = 1,190 matched\n"
        "\n"
        "  coverage  The collected messages are complete for this time.\n"
        "  requests  1 list, 2 status, 0 rate-limited\n"
        "  files     r/a.html\n"
        "            r/a.csv\n"
        "            r/a.json\n"
    )


def test_a_comparison_of_two_files_does_not_claim_that_messages_were_collected() -> None:
    made = run(account="diff", day=unbounded("UTC"))
    text = terminal_summary.text(made, WRITTEN, colour=False, width=80)
    assert "  coverage  The given messages are taken as complete.\n" in text


def test_findings_come_by_kind_with_masked_examples() -> None:
    rows = [
        finding(
            "missing_at_provider",
            f"{n:016x}",
            local_id=str(70 + n),
            phone_number=f"+35387123456{n}",
            local_sent_at=utc(f"10:0{n}:00"),
            detail="not there",
        )
        for n in range(5)
    ]
    rows.append(finding("stuck", "f", message_id="8", detail="still sent"))
    made = run(
        rows,
        local=LocalBalance(matched=1190, missing_at_provider=5, not_sent=10),
        provider=ProviderBalance(matched=1190),
        gaps=[Span(utc("01:10:00"), utc("03:30:00"))],
        lifecycle={"f": "acknowledged"},
    )
    text = terminal_summary.text(made, colour=False, width=80)
    assert text.startswith(
        "DISCREPANCIES  main, Thursday 2026-04-23, Europe/Dublin\n"
        "5 customers did not get their message.\n"
    )
    assert "  records   1,205 = 1,190 matched + 10 not sent + 5 missing at provider\n" in text
    assert (
        "  error    5  missing at provider\n"
        "            The records say it went out; Octopods has no such message.\n"
        "            What to do: The customer got nothing. Find the error in the sender's\n"
        "            log, and send again if it is still wanted.\n"
        "            - 11:00:00  +353******560  record 70: not there\n"
        "            - 11:01:00  +353******561  record 71: not there\n"
        "            - 11:02:00  +353******562  record 72: not there\n"
        "              and 2 more\n"
        "  warning  1  stuck\n"
    ) in text
    assert "            - message 8: still sent [acknowledged]\n" in text
    assert "            - 02:10:00 to 04:30:00, 2 h 20 min\n" in text


@pytest.mark.parametrize("width", [40, 80])
def test_what_is_said_of_a_finding_is_never_cut(width: int) -> None:
    detail = " ".join(["several words"] * 30) + " and then what to do"
    text = terminal_summary.text(run([finding("stuck", detail=detail)]), colour=False, width=width)
    assert detail in " ".join(text.split())
    assert max(map(len, text.splitlines()[2:])) <= width


def test_every_kind_comes_by_urgency_with_what_to_do() -> None:
    rows = [finding(kind.value, f"{n:016x}") for n, kind in enumerate(Kind)]
    text = " ".join(terminal_summary.text(run(rows), colour=False, width=100).split())
    places = [text.index(EXPLANATIONS[kind].advice) for kind in KINDS_BY_URGENCY]
    assert places == sorted(places)
    assert text.count("What to do: ") == len(Kind)


def test_wide_characters_take_two_columns() -> None:
    made = run([finding("stuck", detail="\u4f60\u597d" * 60)])
    lines = terminal_summary.text(made, colour=False, width=60).splitlines()
    assert max(map(width_of, lines)) <= 60


def test_an_item_of_which_nothing_can_be_read_is_its_detail_alone() -> None:
    made = run([finding("invalid_provider", detail="the item is not an object")])
    text = terminal_summary.text(made, colour=False, width=80)
    assert "\n            - the item is not an object\n" in text


def advised(
    collected_since: datetime | None,
    *,
    finished_at: datetime = FINISHED,
    tightest: int | None = None,
) -> str:
    """Return, as one line, a summary of a day whose first part nothing covers."""
    made = run(kind="incomplete", gaps=[Span(utc("00:00:00"), utc("10:00:00"))])
    advice = Advice([3], tightest, 95, "* * * * * recon collect", collected_since, True)
    made = replace(made, verdict=replace(made.verdict, advice=advice), finished_at=finished_at)
    return " ".join(terminal_summary.text(made, colour=False, width=80).split())


def test_a_gap_says_how_far_back_the_messages_reach_in_the_zone_of_the_day() -> None:
    said = advised(utc("10:00:00"))
    assert "No collected answer proves these times complete" in said
    assert "reach back to 11:00:00: before that, only ids in the records" in said
    assert "not over" not in said


def test_the_cadence_that_would_have_covered_the_day_is_reported_with_the_highest_rate() -> None:
    said = advised(utc("10:00:00"), tightest=570)
    assert "3 recorded sends" in said
    assert "95 messages were sent in 9 min 30 s (10 a minute)" in said
    assert said.count("* * * * * recon collect") == 1
    assert "(4.8 an hour)" in advised(utc("10:00:00"), tightest=71_760)


def test_where_nothing_was_collected_nothing_is_reported_to_have_been_pushed_out() -> None:
    assert "Nothing was collected yet: only ids in the records" in advised(None)


def test_the_end_of_a_day_that_is_not_over_is_no_error_of_the_polls() -> None:
    noon = utc("11:00:00")
    assert "The day is not over yet." in advised(utc("10:00:00"), finished_at=noon)


def test_suspect_input_is_reported_first_with_the_likely_causes() -> None:
    made = run(
        kind="suspect",
        local=LocalBalance(missing_at_provider=12),
        suspicions=["The records hold 12 records.", "A wrong key.", "Another table."],
    )
    lines = terminal_summary.text(made, colour=False, width=100).splitlines()
    assert lines[0].startswith("SUSPECT  main")
    assert lines[1] == "The input looks wrong: the records hold 12 records."
    assert lines[4:7] == ["Likely causes:", "  1. A wrong key.", "  2. Another table."]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_no_advice_is_cut(width: int) -> None:
    rows = [
        finding(
            kind.value,
            f"{n:016x}",
            message_id="3851828",
            local_id="77120",
            phone_number="+353871234567",
            local_phone_number="087 123 4567",
            provider_sent_at=utc("10:00:00"),
            detail="recorded for 087 123 4567, sent to +353871234567, and some more words",
            confirmed="yes" if kind is Kind.MISSING_AT_PROVIDER else "",
        )
        for n, kind in enumerate(Kind)
    ]
    made = run(
        rows,
        local=LocalBalance(*range(1000, 1006)),
        provider=ProviderBalance(*range(1000, 1004)),
        gaps=[Span(utc(f"{hour:02}:00:00"), utc(f"{hour:02}:30:00")) for hour in range(9)],
    )
    text = terminal_summary.text(made, colour=False, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert text.isascii()
    assert "1234567" not in re.sub(r"\s", "", text)
    for bucket in ("+ 1,002 missing at provider", "+ 1,005 invalid local"):
        assert bucket in text
    said = " ".join(text.split())
    for explanation in EXPLANATIONS.values():
        assert f"{explanation.meaning} What to do: {explanation.advice}" in said
    assert "missing at provider (1 confirmed by Octopods)" in said


def test_colour_only_adds_to_the_words() -> None:
    made = run([finding("stuck"), finding("missing_locally", "b")])
    coloured = terminal_summary.text(made, colour=True, width=80)
    assert "\x1b[1;31mDISCREPANCIES\x1b[0m" in coloured
    plain = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    assert plain == terminal_summary.text(made, colour=False, width=80)


def test_the_data_cannot_steer_the_terminal() -> None:
    rows = [finding("stuck", detail="\x1b[2J\r\n\u202eevil\x9b1m", local_id="a\x07")]
    text = terminal_summary.text(run(rows, account="m\x1b[0m"), colour=False, width=80)
    assert not {"\x1b", "\r", "\u202e", "\x9b", "\x07"} & set(text)
    assert "evil" in text


def test_two_files_taken_whole_have_no_weekday() -> None:
    text = terminal_summary.text(run(day=unbounded("UTC"), account="diff"), colour=False, width=80)
    assert text.startswith("CLEAN  diff, all, UTC\n")


def test_a_day_of_another_length_says_so() -> None:
    spring = window(date(2026, 3, 29), "Europe/Dublin")
    text = terminal_summary.text(run(day=spring, kind="nothing_to_compare"), colour=False, width=80)
    assert text.splitlines()[1] == "The day is 23 h long: the clocks change."


def test_a_day_that_the_zone_skips_says_so() -> None:
    skipped = window(date(2011, 12, 30), "Pacific/Apia")
    text = terminal_summary.text(
        run(day=skipped, kind="nothing_to_compare"), colour=False, width=80
    )
    assert text.splitlines()[1] == "The day is empty: the time zone skips it."


def test_several_runs_are_one_table_with_a_sum() -> None:
    first = run(
        local=LocalBalance(matched=1000, not_sent=14), provider=ProviderBalance(matched=1000)
    )
    second = run(
        [finding("stuck"), finding("missing_locally", "b")],
        local=LocalBalance(matched=20),
        provider=ProviderBalance(matched=20, missing_locally=1),
        account="other",
        gaps=[Span(utc("01:10:00"), utc("03:30:00"))],
    )
    expected = (
        "1 message is not in the records and 1 message is still not delivered.\n\n"
        "date        account  verdict        records  messages  matched  errors  warnings  gaps\n"
        "2026-04-23  main     clean            1,014     1,000    1,000       0         0     -\n"
        "2026-04-23  other    discrepancies       20        21       20       1         1     1\n"
        "total                                 1,034     1,021    1,020       1         1\n"
    )
    runs = [first, second]
    assert terminal_summary.many(runs, colour=False, width=80) == expected
    coloured = terminal_summary.many(runs, colour=True, width=80)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == expected


def test_several_runs_say_where_their_files_are() -> None:
    written = [
        WrittenFiles(*(Path(f"r/{account}/{day}.{kind}") for kind in ("csv", "json", "html")))
        for account in ("main", "other")
        for day in ("2026-04-23", "2026-04-24")
    ]
    text = terminal_summary.many([run()] * 4, written, colour=False, width=80)
    assert text.splitlines()[-3:] == [
        "",
        "files  r/main/<date>.html, .csv and .json",
        "       r/other/<date>.html, .csv and .json",
    ]


def test_one_run_alone_has_no_sum() -> None:
    assert "total" not in terminal_summary.many([run()], colour=False, width=80)
