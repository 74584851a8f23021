"""recon as a library: what the commands do, as functions of DataFrames."""

from __future__ import annotations

import logging
import runpy
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from recon import api
from recon.core.policy import Policy
from recon.errors import (
    ConfigError,
    InputError,
    KeyRefusedError,
    MailError,
    TemporaryError,
    UsageError,
)
from recon.simulator import http_faults
from recon.store import lock
from recon.store.engine import connect
from tests.cli.mailing import EMAIL, add_to_config, lose
from tests.cli.nights import Nights, nights
from tests.factories import DAY, NOON

EXAMPLES = Path(__file__).parents[1] / "examples"
TODAY = date.fromisoformat(DAY)

RECORDS = pd.DataFrame(
    {
        "id": ["a", "b", "c"],
        "message_id": [1, 2, None],
        "phone_number": ["+353871000001", "+353871000002", "+353871000003"],
        "sent_at": ["2026-04-23 12:00", "2026-04-23 12:01", "2026-04-24 12:00"],
        "status": ["sent", "failed", "sent"],
    }
)
MESSAGES = pd.DataFrame(
    {
        "message_id": [1, 2, 4],
        "phone_number": ["+353871000001", "+353871000002", "+353871000004"],
        "sent_at": pd.to_datetime(
            ["2026-04-23 12:00", "2026-04-23 12:01", "2026-04-24 13:00"], utc=True
        ),
        "status": ["read", "delivered", "sent"],
    }
)


def kinds(comparison: api.Comparison) -> list[tuple[str, str]]:
    rows = comparison.findings[["date", "kind"]].itertuples(index=False)
    return [(str(day), str(kind)) for day, kind in rows]


# --- diff ---------------------------------------------------------------------------------------


def test_two_dataframes_are_compared_whole() -> None:
    found = api.diff(RECORDS, MESSAGES, observed_at=NOON)
    assert sorted(kinds(found)) == [
        ("all", "missing_at_provider"),
        ("all", "missing_locally"),
        ("all", "status_mismatch"),
    ]
    [summary] = found.summaries
    assert (summary["local"]["matched"], summary["verdict"]) == (2, "discrepancies")
    assert set(found.findings["message_id"].dropna()) == {"2", "4"}
    assert str(found.findings["local_sent_at"].dtype) == "datetime64[us, UTC]"
    assert not found.is_clean


def test_days_are_judged_one_by_one() -> None:
    found = api.diff(RECORDS, MESSAGES, days=(date(2026, 4, 23), date(2026, 4, 25)))
    assert [one["verdict"] for one in found.summaries] == [
        "discrepancies",
        "discrepancies",
        "nothing_to_compare",
    ]
    assert ("2026-04-23", "status_mismatch") in kinds(found)


def test_the_dataframes_are_not_changed() -> None:
    records, messages = RECORDS.copy(), MESSAGES.copy()
    api.diff(records, messages)
    pd.testing.assert_frame_equal(records, RECORDS)
    pd.testing.assert_frame_equal(messages, MESSAGES)


def test_other_names_words_and_zones() -> None:
    records = RECORDS.rename(columns={"phone_number": "to"}).assign(status=["ok", "ok", "draft"])
    records["sent_at"] = ["2026-04-23 13:00", "2026-04-23 13:01", "2026-04-24 13:00"]
    found = api.diff(
        records,
        MESSAGES.iloc[:2],
        columns={"phone_number": "to"},
        statuses={"ok": "sent", "draft": "not_sent"},
        local_timezone="Europe/Dublin",
    )
    assert found.is_clean


def test_values_of_several_types_and_rows_that_cannot_be_read() -> None:
    records = RECORDS.astype({"sent_at": "object"})
    records.loc[0, "sent_at"] = pd.Timestamp("2026-04-23 12:00", tz="UTC")
    records.loc[1, "sent_at"] = "no time at all"
    found = api.diff(records.drop(columns="status"), MESSAGES)
    assert ("all", "invalid_local") in kinds(found)


@pytest.mark.parametrize(
    ("records", "messages", "said"),
    [
        (RECORDS.drop(columns="sent_at"), MESSAGES, "local has no column 'sent_at'"),
        (RECORDS[["id", "sent_at"]], MESSAGES, "neither message_id nor phone_number"),
        (RECORDS, MESSAGES.drop(columns="message_id"), "provider has no column 'message_id'"),
        (pd.concat([RECORDS] * 5), MESSAGES.iloc[:0], "the input looks wrong"),
    ],
)
def test_input_that_cannot_be_used_is_an_error(
    records: pd.DataFrame, messages: pd.DataFrame, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        api.diff(records, messages)


def test_input_that_looks_wrong_may_be_trusted() -> None:
    found = api.diff(pd.concat([RECORDS] * 5), MESSAGES.iloc[:0], policy=Policy(trust_input=True))
    assert len(found.findings) == 15


def test_days_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(UsageError, match="is before"):
        api.diff(RECORDS, MESSAGES, days=(date(2026, 4, 24), date(2026, 4, 23)))


# --- nights and what they leave -----------------------------------------------------------------


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Nights]:
    with nights(tmp_path, f"sqlite:///{tmp_path}/recon.db") as made:
        made.send(3, start=NOON)
        lose(made)
        yield made


def run(night: Nights, **options: object) -> pd.DataFrame:
    path = night.workshop.path
    return api.run(
        path / "recon.toml",
        days=(TODAY, TODAY),
        directory=path / "reports",
        runtime=night.runtime(),
        **options,  # type: ignore[arg-type]
    )


def test_a_night_and_what_it_leaves(night: Nights, capfd: pytest.CaptureFixture[str]) -> None:
    [row] = run(night).to_dict("records")
    assert (row["account"], row["date"], row["verdict"]) == ("main", DAY, "discrepancies")
    assert (row["records"], row["messages"], row["findings"]) == (4, 3, 1)
    url = api.store_url(night.workshop.path / "recon.toml", {})
    [found] = api.read_findings(url, states=["open"]).to_dict("records")
    assert (found["kind"], found["run_id"]) == ("missing_at_provider", row["run_id"])
    assert api.read_findings(url, days=(date(2026, 4, 22), date(2026, 4, 22))).empty
    run(night)
    assert (len(api.read_runs(url)), len(api.read_runs(url, latest=False))) == (1, 2)
    assert api.read_runs(url, accounts=["other"]).empty
    assert str(api.read_runs(url)["started_at"].dtype) == "datetime64[us, UTC]"
    assert (night.workshop.path / "reports" / "main" / f"{DAY}.csv").exists()
    assert capfd.readouterr() == ("", "")


def test_a_refused_key_is_raised(night: Nights) -> None:
    night.key = "another"
    with pytest.raises(KeyRefusedError) as raised:
        run(night)
    assert raised.value.__notes__ == ["account main"]


def test_a_night_that_looks_wrong_is_raised(night: Nights) -> None:
    config = night.workshop.path / "recon.toml"
    config.write_text(config.read_text().replace("guard_rows = 1000", "guard_rows = 3"))
    night.workshop.change_records("DELETE FROM sends")
    with pytest.raises(InputError, match="account main, 2026-04-23"):
        run(night)
    assert len(run(night, trust_input=True)) == 1


def test_a_lock_that_is_held_is_raised(night: Nights) -> None:
    run(night)
    engine = connect(api.store_url(night.workshop.path / "recon.toml", {}))
    with lock.hold(engine, "main"), pytest.raises(TemporaryError, match="holds the lock"):
        run(night)
    engine.dispose()


def test_mail_that_cannot_be_sent_is_raised_last(night: Nights) -> None:
    add_to_config(night.workshop.path, EMAIL.format(port=1, more=""))
    with pytest.raises(MailError):
        run(night)
    assert len(run(night, notify=False)) == 1


def test_an_unknown_account_is_refused(night: Nights) -> None:
    with pytest.raises(UsageError, match="no account 'none'"):
        run(night, accounts=["none"])


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no tables of recon yet"):
        api.read_runs(f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []


# --- the examples -------------------------------------------------------------------------------


def example(name: str, *arguments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_dataframes_are_compared_by_an_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example("compare_dataframes.py", monkeypatch=monkeypatch)
    shown = capsys.readouterr().out
    assert "missing_at_provider" in shown
    assert shown.endswith("2 of 3 records have their message\n")


def test_open_findings_are_listed_by_an_example(
    night: Nights, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(night)
    example("open_findings.py", night.workshop.path / "recon.toml", monkeypatch=monkeypatch)
    assert "missing_at_provider" in capsys.readouterr().out


@pytest.mark.parametrize(("script", "code"), [([], 0), ([http_faults.unavailable()] * 9, 75)])
def test_a_night_is_run_by_an_example(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: list[http_faults.Fault],
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    with nights(tmp_path, f"sqlite:///{tmp_path}/recon.db", script=script) as made:
        monkeypatch.setenv("KEY", made.key)
        with pytest.raises(SystemExit) as end:
            example("nightly_job.py", tmp_path / "recon.toml", monkeypatch=monkeypatch)
    assert end.value.code == code
    assert ("main" in capsys.readouterr().out) == (code == 0)


def test_nothing_is_logged_where_no_logging_is_set_up(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    logging.getLogger("recon.jobs").warning("seen by nobody")
    assert capfd.readouterr().err == ""
