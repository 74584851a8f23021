"""Findings that a rule of the configuration covers, from night to night."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon import config
from recon.cli.status import command as status
from recon.jobs import doctor
from recon.jobs.check_result import CheckResult
from recon.jobs.runtime import Runtime
from recon.simulator.channel import SIMULATED_KEY
from recon.store import runs
from recon.store.engine import connect, opened, writing
from recon.store.tables import METADATA
from tests.cli.nights import Nights, nights
from tests.cli.workshop import minute
from tests.factories import DAY, run

RULE = """
[[accounts.main.expected]]
kind = "missing_locally"
phone_number = "+353871200000"
reason = "a test phone"
until = {until}
"""


def configure(night: Nights, rule: str) -> None:
    """Replace the rules of the configuration."""
    path = night.workshop.path / "recon.toml"
    text = path.read_text().partition("[[")[0]
    path.write_text(text + rule)


def states(night: Nights) -> dict[str, str]:
    """Return where the findings of the report stand, by number."""
    return {row["phone_number"][-2:]: row["state"] for row in night.workshop.rows()}


def test_expected_findings_are_counted_apart_while_their_rule_holds(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(2, start=minute(0))
        night.send(1, start=minute(9), recorded=False)
        configure(night, RULE.format(until="2026-12-31"))
        assert night.run("--exit-code") == 0
        assert states(night) == {"00": "expected"}
        report = night.workshop.report()
        assert report["verdict"] == "clean"
        assert report["changes"]["expected"] == 1
        assert report["changes"]["new"] == 0
        [found] = night.workshop.rows()
        assert "none open; 1 expected" in night.shown(status)
        [stands] = json.loads(night.shown(status, "--format", "json"))
        assert (stands["expected"], stands["open_findings"]["missing_locally"]) == (1, 0)
        configure(night, "")
        night.clock.advance(86_400)
        assert night.run("--exit-code") == 1
        assert states(night) == {"00": "open"}
        assert night.workshop.report()["verdict"] == "discrepancies"
        assert found["discrepancy_id"] == night.workshop.rows()[0]["discrepancy_id"]


def test_what_a_rule_covers_stays_expected_when_its_proof_is_lost(
    tmp_path: Path, database_url: str
) -> None:
    rule = RULE.format(until="2026-12-31").replace("missing_locally", "missing_at_provider")
    with nights(tmp_path, database_url) as night, opened(database_url) as engine:
        night.send(3, start=minute(0))
        night.workshop.add_records((900, None, "+353871200000", minute(5), "sent"))
        configure(night, rule)
        assert night.run("--exit-code") == 0
        [found] = night.workshop.rows()
        assert (found["kind"], found["state"]) == ("missing_at_provider", "expected")

        with writing(engine) as connection:
            connection.exec_driver_sql("DELETE FROM coverage")
        other = RULE.format(until="2026-12-31").replace("1200000", "9999999")
        for rules in (rule, rule, rule + other):
            configure(night, rules)
            night.run("--offline")
            [doubted] = night.workshop.rows()
            assert (doubted["kind"], doubted["state"]) == ("unverifiable", "expected")
            assert doubted["discrepancy_id"] == found["discrepancy_id"]
        configure(night, "")
        night.run("--offline")
        assert night.workshop.rows()[0]["state"] == "open"


def test_rules_hold_for_days_that_are_not_judged_again(tmp_path: Path, database_url: str) -> None:
    with nights(tmp_path, database_url) as night:
        night.send(2, start=minute(0))
        night.send(1, start=minute(9), recorded=False)
        assert night.run() == 0
        night.clock.advance(20 * 86_400)
        for rule, state in ((RULE.format(until="2026-12-31"), "expected"), ("", "open")):
            configure(night, rule)
            night.next_night()
            assert [one["state"] for one in night.workshop.findings()] == [state]


#: A rule about numbers that nothing is sent to.
UNUSED = RULE.format(until="2026-12-31").replace("+353871200000", "+35386*")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (RULE.format(until="2026-04-22"), "'a test phone' (missing_locally) ended on 2026-04-22"),
        (UNUSED, "'a test phone' (missing_locally) matches no finding of the last 30 days"),
    ],
)
def test_a_rule_of_no_use_is_named_by_the_report_and_by_check(
    tmp_path: Path, database_url: str, rule: str, said: str
) -> None:
    with nights(tmp_path, database_url) as night:
        judge_days_before(database_url, 29)
        night.send(2, start=minute(0))
        night.send(1, start=minute(9), recorded=False)
        configure(night, rule)
        assert night.run() == 0
        assert states(night) == {"00": "open"}
        [notice] = night.workshop.report()["notices"]
        assert said in notice
        line = checked(tmp_path, night)
        assert line.needs_attention
        assert said in line.message


def test_a_rule_is_not_called_unused_before_thirty_days_were_judged(
    tmp_path: Path, database_url: str
) -> None:
    with nights(tmp_path, database_url) as night:
        judge_days_before(database_url, 28)
        night.send(2, start=minute(0))
        configure(night, UNUSED)
        assert night.run() == 0
        assert "notices" not in night.workshop.report()


def judge_days_before(database_url: str, count: int) -> None:
    """Store a run of each of so many days before `DAY`."""
    engine = connect(database_url)
    days = [date.fromisoformat(DAY) - timedelta(days=back + 1) for back in range(count)]
    runs.save(engine, run(run_id="r0", day=days[0].isoformat()), mode="run")
    table = METADATA.tables["runs"]
    with writing(engine) as connection:
        stored = dict(connection.execute(sa.select(table)).mappings().one())
        del stored["id"]
        others = [stored | {"run_id": f"r{at}", "date": day} for at, day in enumerate(days)]
        connection.execute(sa.insert(table), others[1:])
    engine.dispose()


def checked(tmp_path: Path, night: Nights) -> CheckResult:
    """Return what `recon check` says of the rules."""
    settings = config.load(tmp_path / "recon.toml", {})
    runtime = Runtime(clock=night.clock, environ={"KEY": SIMULATED_KEY})
    lines = {line.name: line for line in doctor.check(settings, ["main"], runtime)}
    return lines["main: expected"]
