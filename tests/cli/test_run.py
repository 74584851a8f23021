"""The nightly job as a user runs it: the installed command, real HTTP, real files."""

from __future__ import annotations

import re
import sqlite3
import stat
from collections.abc import Iterable
from datetime import timedelta

import pytest

from recon.simulator import http_faults, simulated_message
from recon.simulator.channel import SIMULATED_KEY, Channel, Shape
from recon.simulator.server import Received, serve
from recon.simulator.simulated_responses import LIST_PATH
from tests.cli.workshop import MORNING_AFTER, NUMBER, Workshop, minute
from tests.clocks import ManualClock
from tests.factories import DAY

BALANCE = {
    "local": [
        "matched",
        "not_sent",
        "missing_at_provider",
        "duplicate_local",
        "unverifiable",
        "invalid_local",
    ],
    "provider": ["matched", "missing_locally", "duplicate_send", "invalid_provider"],
}


def channel_with(
    numbers: Iterable[int], *, shape: Shape = "A", key: str = SIMULATED_KEY
) -> Channel:
    """Return a channel with a message for each of these numbers, a minute apart after noon."""
    channel = Channel(keys=[key], shape=shape, first_id=101)
    for n in numbers:
        channel.send(NUMBER.format(n), minute(n))
    return channel


def test_a_night_writes_reports_that_balance_and_findings_that_stay(workshop: Workshop) -> None:
    channel = channel_with(range(1, 5))
    workshop.add_records(
        (1, 101, NUMBER.format(1), minute(1), "delivered"),
        (2, 102, NUMBER.format(2), minute(2), "failed"),
        (3, 999, NUMBER.format(9), minute(9), "sent"),
        (4, None, NUMBER.format(8), minute(8), "not_sent"),
        (5, None, "nobody", minute(8), "sent"),
    )
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        first = workshop.run()
        report, rows = workshop.report(), workshop.rows()
        second = workshop.run()
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert workshop.kinds() == [
        ("missing_at_provider", "3", "999"),
        ("missing_locally", "", "103"),
        ("missing_locally", "", "104"),
        ("status_mismatch", "2", "102"),
        ("invalid_local", "5", ""),
    ]
    for side, buckets in BALANCE.items():
        assert report[side]["total"] == sum(report[side][bucket] for bucket in buckets)
    assert (report["local"]["total"], report["provider"]["total"]) == (5, 4)
    assert report["verdict"] == "discrepancies"
    assert report["coverage"] == {"complete": True, "gaps": [], "refused": [], "withdrawn": []}
    # The id of the missing record, and a control; neither is asked for again in the same night.
    assert report.pop("requests") == {"list": 1, "status": 2, "rate_limited": 0}
    assert report.pop("confirmation") == {"asked": 1, "denied": 1, "found": 0}
    again = workshop.report()
    assert again.pop("requests") == {"list": 1, "status": 0, "rate_limited": 0}
    assert again.pop("confirmation") == {"asked": 0, "denied": 0, "found": 0}
    assert again.pop("run_id") != report.pop("run_id")
    assert {**again, "finished_at": ""} == {**report, "finished_at": ""}
    assert [{**row, "run_id": ""} for row in workshop.rows()] == [
        {**row, "run_id": ""} for row in rows
    ]
    assert workshop.query("SELECT count(*) FROM findings WHERE status = 'open'") == [(5,)]
    assert workshop.query("SELECT count(*) FROM runs") == [(2,)]
    assert "missing at provider" in first.out


def test_both_shapes_of_the_api_give_the_same_csv(workshop: Workshop) -> None:
    workshop.add_records(
        (1, 101, NUMBER.format(1), minute(1), "failed"),
        (2, 102, NUMBER.format(7), minute(2), "sent"),
    )
    reasons = [
        simulated_message.Reason(
            "Re-engagement window expired", 470, simulated_message.ReasonForm.OBJECT
        ),
        None,
    ]
    seen = []
    shapes: tuple[Shape, Shape] = ("A", "B")
    for shape in shapes:
        channel = Channel(shape=shape, first_id=101)
        for n, reason in enumerate(reasons, start=1):
            course = simulated_message.FAILED_AT_ONCE if reason else simulated_message.READ
            channel.send(NUMBER.format(n), minute(n), course=course, reason=reason)
        channel.send(
            NUMBER.format(3), minute(3), course=simulated_message.FAILED_AT_ONCE, reason=reasons[0]
        )
        with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
            workshop.configure(url)
            assert workshop.run().code == 0
        path = workshop.path / "reports" / "main" / f"{DAY}.csv"
        seen.append(path.read_text().replace(workshop.report()["run_id"], "RUN"))
        (workshop.path / "recon.db").unlink()
    assert seen[0] == seen[1]
    assert "Re-engagement window expired (code 470)" in seen[0]


def test_a_full_listing_makes_the_uncovered_morning_unverifiable_and_never_missing(
    workshop: Workshop,
) -> None:
    channel = channel_with(range(200))
    workshop.add_records(
        (1, None, "+353861111111", minute(99), "sent"),
        (2, None, "+353862222222", minute(100), "sent"),
        (3, None, "+353863333333", minute(101), "sent"),
        *(
            (n, n - 899, NUMBER.format(n - 1000), minute(n - 1000), "sent")
            for n in range(1100, 1200)
        ),
    )
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        ended = workshop.run("--exit-code")
    assert ended.code == 1
    # The oldest listed message was sent at 13:40:00: that second may be cut through.
    assert workshop.kinds() == [
        ("missing_at_provider", "3", ""),
        ("unverifiable", "1", ""),
        ("unverifiable", "2", ""),
    ]
    report = workshop.report()
    assert report["coverage"] == {
        "complete": False,
        "gaps": [{"start": "2026-04-23T00:00:00Z", "end": "2026-04-23T13:40:01Z"}],
        "refused": [],
        "withdrawn": [],
    }


@pytest.mark.parametrize("shape", ["A", "B"])
def test_status_calls_settle_recorded_ids_that_the_list_cannot_show(
    workshop: Workshop, shape: Shape
) -> None:
    channel = channel_with(range(200), shape=shape)
    workshop.add_records(
        (1, 101, NUMBER.format(0), minute(0), "sent"),
        (2, 102, NUMBER.format(1), minute(1), "failed"),
        (3, 77, NUMBER.format(2), minute(2), "sent"),
        (4, None, NUMBER.format(3), minute(3), "sent"),
        *(
            (n, n - 899, NUMBER.format(n - 1000), minute(n - 1000), "sent")
            for n in range(1100, 1200)
        ),
    )
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        ended = workshop.run()
        expected = [
            ("missing_at_provider", "3", "77"),
            ("status_mismatch", "2", "102"),
            ("unverifiable", "4", ""),
        ]
        assert workshop.kinds() == expected, ended.err
        # Three ids, and one that the list shows: a control for the id that is denied.
        assert workshop.report()["requests"] == {"list": 1, "status": 4, "rate_limited": 0}
        assert workshop.run("--offline").code == 0
        assert workshop.kinds() == expected
        workshop.run()
    # What was settled is not asked for again.
    assert workshop.report()["requests"]["status"] == 0


def test_status_calls_keep_to_their_budget_and_their_errors_are_not_the_runs(
    workshop: Workshop,
) -> None:
    channel = channel_with(range(200))
    workshop.add_records(*((n, 101 + n, NUMBER.format(n), minute(n), "sent") for n in range(200)))
    script = [None, None, http_faults.rate_limited(seconds=1)]
    with serve(channel, clock=ManualClock(MORNING_AFTER), script=script) as url:
        workshop.configure(url)
        with (workshop.path / "recon.toml").open("a") as config:
            config.write("[matching]\nguard_rows = 1000\n")
        ended = workshop.run("--exit-code")
        assert (ended.code, workshop.report()["local"]["matched"]) == (3, 101), ended.err
        assert "no more status calls in this run" in ended.err
        # The next run keeps to what this one was asked for.
        workshop.environ["RECON_OCTOPODS__MAX_WAIT_SECONDS"] = "30"
        # One of them is kept for a control, should an id be denied.
        workshop.environ["RECON_OCTOPODS__STATUS_LOOKUPS_PER_RUN"] = "6"
        ended = workshop.run()
    assert ended.code == 0, ended.err
    assert workshop.report()["requests"] == {"list": 1, "status": 5, "rate_limited": 0}
    assert workshop.report()["local"]["matched"] == 106


def test_what_was_stored_can_be_judged_again_without_a_request(workshop: Workshop) -> None:
    channel = channel_with(range(3))
    workshop.add_records((1, 101, NUMBER.format(0), minute(0), "sent"))
    log: list[Received] = []
    with serve(channel, clock=ManualClock(MORNING_AFTER), log=log) as url:
        workshop.configure(url)
        assert workshop.run().code == 0
        online = workshop.kinds()
        del workshop.environ["OCTOPODS_API_KEY"]
        assert workshop.run("--offline").code == 0
    assert len(log) == 1
    assert workshop.kinds() == online
    assert workshop.report()["requests"] == {"list": 0, "status": 0, "rate_limited": 0}


def test_the_key_goes_into_its_header_and_nowhere_else(workshop: Workshop) -> None:
    key = "k-9f8e7d6c5b4a"
    workshop.environ["OCTOPODS_API_KEY"] = key
    channel = channel_with(range(3), key=key)
    workshop.add_records((1, 101, NUMBER.format(0), minute(0), "sent"))
    log: list[Received] = []
    with serve(channel, clock=ManualClock(MORNING_AFTER), log=log) as url:
        workshop.configure(url)
        ended = workshop.recon("-v", "run", "--date", DAY)
    assert ended.code == 0
    assert [(entry.path, entry.limit, entry.status) for entry in log] == [(LIST_PATH, "100", 200)]
    written = [path.read_bytes() for path in workshop.path.rglob("*") if path.is_file()]
    assert not any(key.encode() in content for content in written)
    assert key not in ended.out + ended.err
    assert simulated_message.CUSTOMER_TEXT.encode() not in b"".join(written)
    assert "request_id" in ended.err
    assert NUMBER.format(0) not in ended.out + ended.err


def test_personal_data_is_for_the_owners_eyes(workshop: Workshop) -> None:
    with serve(channel_with(range(3)), clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        workshop.add_records((1, 101, NUMBER.format(0), minute(0), "sent"))
        workshop.run()
    csv = workshop.path / "reports" / "main" / f"{DAY}.csv"
    assert stat.S_IMODE(csv.stat().st_mode) == 0o600
    html = csv.with_suffix(".html").read_text()
    assert NUMBER.format(1) in csv.read_text()
    assert NUMBER.format(1) not in html


def test_a_range_writes_a_report_for_each_day_from_one_request(workshop: Workshop) -> None:
    channel = Channel(first_id=101)
    days = [timedelta(days=n) for n in range(-9, 1)]
    for n, day in enumerate(days):
        channel.send(NUMBER.format(n), minute(0) + day)
    workshop.add_records(
        *((n, 101 + n, NUMBER.format(n), minute(0) + day, "sent") for n, day in enumerate(days)),
        (50, None, NUMBER.format(50), minute(0) - timedelta(days=3), "sent"),
    )
    log: list[Received] = []
    with serve(channel, clock=ManualClock(MORNING_AFTER), log=log) as url:
        workshop.configure(url)
        ended = workshop.recon("run", "--from", "2026-04-14", "--to", DAY)
    assert (ended.code, len(log)) == (0, 1)
    written = sorted(path.stem for path in (workshop.path / "reports" / "main").glob("*.json"))
    assert written == [f"2026-04-{n}" for n in range(14, 24)]
    assert workshop.kinds(day="2026-04-20") == [("missing_at_provider", "50", "")]
    verdicts = {day: workshop.report(day=day)["verdict"] for day in written}
    assert set(verdicts.values()) == {"clean", "discrepancies"}


def test_records_a_zone_off_drift_over_midnight_and_are_never_missing(workshop: Workshop) -> None:
    five = timedelta(hours=5)
    channel = channel_with(range(660, 700))  # around 23:00 to 23:40
    workshop.add_records(
        *(
            (n, 101 + n - 660, NUMBER.format(n), minute(n) + five, "delivered")
            for n in range(660, 700)
        )
    )
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        ended = workshop.run()
    assert ended.code == 0, ended.err
    assert {kind for kind, *_ in workshop.kinds()} == {"sent_at_drift"}
    assert workshop.report()["local"]["matched"] == 40


def test_findings_are_judged_again_the_next_night(workshop: Workshop) -> None:
    channel = channel_with(range(3))
    workshop.add_records(
        (1, 101, NUMBER.format(0), minute(0), "sent"), (2, 102, NUMBER.format(1), minute(1), "sent")
    )
    clock = ManualClock(MORNING_AFTER)
    with serve(channel, clock=clock) as url:
        workshop.configure(url)
        workshop.run()
        [finding] = workshop.findings("--status", "open")
        assert (finding["kind"], finding["message_id"]) == ("missing_locally", 103)
        workshop.add_records((3, 103, NUMBER.format(2), minute(2), "sent"))
        clock.advance(86_400)
        ended = workshop.recon("run", "--date", "2026-04-24")
    assert ended.code == 0
    assert f"main: checked again: {DAY}" in ended.out
    [finding] = workshop.findings()
    assert finding["state"] == "resolved"


def test_a_finding_that_returns_is_open_again_and_keeps_its_first_day(workshop: Workshop) -> None:
    channel = channel_with(range(2))
    workshop.add_records(
        (1, 101, NUMBER.format(0), minute(0), "sent"),
        (2, 102, NUMBER.format(1), minute(1), "failed"),
    )
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        states = []
        for status in ("failed", "sent", "failed"):
            _set_status(workshop, 2, status)
            workshop.run()
            [finding] = workshop.findings()
            states.append((finding["state"], finding["discrepancy_id"], finding["first_seen_on"]))
    assert [state for state, *_ in states] == ["open", "resolved", "open"]
    assert len({(finding, day) for _, finding, day in states}) == 1


def _set_status(workshop: Workshop, record: int, status: str) -> None:
    connection = sqlite3.connect(workshop.path / "sends.db")
    with connection:
        connection.execute("UPDATE sends SET status = ? WHERE id = ?", (status, record))
    connection.close()


def test_the_records_are_never_written(workshop: Workshop) -> None:
    workshop.add_records((1, 101, NUMBER.format(0), minute(0), "sent"))
    before = (workshop.path / "sends.db").read_bytes()
    with serve(channel_with(range(3)), clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        workshop.run()
    assert (workshop.path / "sends.db").read_bytes() == before
    assert not list(workshop.path.glob("sends.db-*"))


def test_several_accounts_each_go_their_own_way(workshop: Workshop) -> None:
    workshop.environ |= {"OCTOPODS_API_KEY": SIMULATED_KEY, "OLD_KEY": "old", "TYPO": "typo"}
    channel = Channel(keys=[SIMULATED_KEY, "old"], first_id=101)
    channel.send(NUMBER.format(0), minute(0), key=SIMULATED_KEY)
    channel.rotate("old", "new", minute(0))
    workshop.add_records((1, 101, NUMBER.format(0), minute(0), "sent"))
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        names = {"rotated": "OLD_KEY", "fine": "OCTOPODS_API_KEY", "unknown": "TYPO"}
        workshop.configure(url, accounts=names)
        ended = workshop.run()
        missing = workshop.run("--account", "fine")
        workshop.environ.pop("TYPO")
        worst = workshop.run()
    assert ended.code == 77
    assert workshop.report("fine")["verdict"] == "clean"
    assert "account rotated: the API key was rotated or revoked (error 6)" in ended.err
    assert "account unknown: the API key is not known" in ended.err
    assert missing.code == 0
    assert worst.code == 78
    assert "TYPO" in worst.err


@pytest.mark.thorough
def test_a_pause_that_the_provider_asks_for_is_waited_out(workshop: Workshop) -> None:
    channel = channel_with(range(3))
    workshop.add_records((1, 101, NUMBER.format(0), minute(0), "sent"))
    clock = ManualClock(MORNING_AFTER)
    script = [http_faults.rate_limited(seconds=1), http_faults.unavailable()]
    with serve(channel, clock=clock, script=script) as url:
        workshop.configure(url, max_wait=30)
        ended = workshop.run()
    assert ended.code == 0, ended.err
    assert workshop.report()["requests"] == {"list": 3, "status": 0, "rate_limited": 1}
    assert "asking again in" in ended.err


def test_help_shows_only_what_works(workshop: Workshop) -> None:
    ended = workshop.recon("--help")
    listed = re.findall(r"^  ([a-z]+)  ", ended.out.partition("Commands:")[2], re.MULTILINE)
    for name in listed:
        assert workshop.recon(name, "--help").code == 0
    assert listed[:3] == ["run", "collect", "diff"]


@pytest.mark.parametrize("empty_database_url", ["postgres"], indirect=True)
def test_postgres_wants_its_migrations_first_and_then_serves_as_well(
    workshop: Workshop, empty_database_url: str
) -> None:
    workshop.environ["RECON_DATABASE__URL"] = empty_database_url
    workshop.add_records(
        (1, 101, NUMBER.format(0), minute(0), "sent"), (2, 9, NUMBER.format(5), minute(5), "sent")
    )
    with serve(channel_with(range(2)), clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        config = workshop.path / "recon.toml"
        before = workshop.recon("--config", config, "run", "--date", DAY)
        assert before.code == 78
        assert f"recon --config {config} db upgrade" in before.err
        assert workshop.recon("db", "upgrade").code == 0
        first = workshop.run()
        second = workshop.run("--offline")
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert [finding["kind"] for finding in workshop.findings("--status", "open")] == [
        "missing_at_provider",
        "missing_locally",
    ]
    assert len(workshop.findings()) == 2


def test_the_environment_alone_can_configure_a_run(workshop: Workshop) -> None:
    workshop.add_records((1, 101, NUMBER.format(0), minute(0), "sent"))
    with serve(channel_with(range(1)), clock=ManualClock(MORNING_AFTER)) as url:
        workshop.environ |= {
            "RECON_OCTOPODS__BASE_URL": url,
            "RECON_ACCOUNTS__SHOP__API_KEY_ENV": "OCTOPODS_API_KEY",
            "RECON_ACCOUNTS__SHOP__LOCAL__URL": f"sqlite:///{workshop.path / 'sends.db'}",
            "RECON_ACCOUNTS__SHOP__LOCAL__TABLE": "sends",
        }
        ended = workshop.run("--output", "elsewhere")
    assert ended.code == 0, ended.err
    assert (workshop.path / "elsewhere" / "shop" / f"{DAY}.csv").exists()
