"""Findings with one cause become one incident: planted causes are found, chance is none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.core import calendar, concentration, judge
from recon.core.link import Side
from recon.core.policy import Policy
from recon.model import Incident, Verdict
from tests.factories import EVER, local_side, provider_side

FIRST = date(2026, 4, 1)
MIDNIGHT = np.datetime64("2026-04-01", "us")
TRUST = Policy(trust_input=True)

Mask: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sends:
    """Sends of some days, as columns; each is recorded and listed unless it says otherwise."""

    seconds: npt.NDArray[np.float64]
    """After midnight of the first day."""
    numbers: Ints
    recorded: Mask
    listed: Mask

    def take(self, order: Ints) -> Sends:
        return Sends(*(getattr(self, one.name)[order] for one in fields(self)))


def sends(count: int, *, days: int = 1, seed: int = 1, lost: float = 0.0) -> Sends:
    """Return sends spread over daytime, of four countries, a share of them lost on either side."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), count)
    seconds = np.round(day * 86_400 + rng.uniform(7, 21, count * days) * 3600, 3)
    codes = rng.choice([353, 44, 49, 1415], count * days, p=[0.6, 0.2, 0.1, 0.1])
    numbers = codes * 10**7 + rng.integers(10**6, 10**7, count * days)
    return Sends(
        seconds,
        numbers,
        rng.random(count * days) >= lost,
        rng.random(count * days) >= lost,
    )


def judged(made: Sends, *, days: int = 1, shuffled: int | None = None) -> list[Verdict]:
    order = np.arange(len(made.seconds))
    names = order + 1
    if shuffled is not None:
        order = np.random.default_rng(shuffled).permutation(order)
    made, names = made.take(order), names[order]
    times = pd.Series(
        MIDNIGHT + np.round(made.seconds * 1e6).astype("timedelta64[us]")
    ).dt.tz_localize("UTC")
    numbers = pd.Series("+" + pd.Series(made.numbers).astype("str"), dtype="str")
    local, provider = local_side([]), provider_side([])
    records = pd.DataFrame(
        {
            "local_id": names,
            "message_id": pd.array(names, dtype="Int64"),
            "odd_message_id": pd.array([None] * len(names), dtype="str"),
            "phone_number": numbers,
            "sent_at": times,
            "other_minutes": np.zeros(len(names), dtype="int16"),
            "status": pd.Categorical(["sent"] * len(names)),
        }
    )
    messages = pd.DataFrame(
        {
            "message_id": names,
            "phone_number": numbers,
            "sent_at": times,
            "status": pd.Categorical(["delivered"] * len(names)),
            "failure_reason": pd.array([None] * len(names), dtype="str"),
            "observed_at": times + timedelta(days=1),
        }
    )
    return judge.judge(
        "main",
        calendar.windows(FIRST, FIRST + timedelta(days=days - 1), "UTC"),
        Side(records[made.recorded].reset_index(drop=True), local.rejects),
        Side(messages[made.listed].reset_index(drop=True), provider.rejects),
        spans=EVER,
        policy=TRUST,
    )


def incidents(made: Sends, *, shuffled: int | None = None) -> list[Incident]:
    [verdict] = judged(made, shuffled=shuffled)
    members = Counter(verdict.findings["incident_id"].dropna())
    assert members == {one.incident_id: one.findings for one in verdict.incidents}
    return list(verdict.incidents)


def between(made: Sends, start: float, end: float) -> Mask:
    """Say of each send whether it lies between two hours of the day."""
    return (made.seconds >= start * 3600) & (made.seconds < end * 3600)


# --- stretches of time -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_an_outage_is_one_incident_with_all_its_sends(seed: int) -> None:
    made = sends(600, seed=seed, lost=0.01)
    down = between(made, 10, 11)
    spared = np.flatnonzero(down & made.listed & made.recorded)[7:9]
    listed = made.listed & ~down
    listed[spared] = True
    [incident] = incidents(replace(made, listed=listed))
    inside = down & made.recorded
    missing = int((inside & ~listed).sum())
    assert (incident.cause, incident.kinds) == ("outage", {"missing_at_provider": missing})
    assert incident.summary.startswith(f"{missing} of {int(inside.sum())} sends between 10:0")
    assert incident.summary.endswith(
        "an outage. Find its cause in the sender's log, and send again what is still wanted."
    )
    assert incident.start is not None
    assert incident.end is not None
    assert (incident.start.hour, incident.end.hour) == (10, 10)


def test_two_outages_with_healthy_sends_between_them_are_two_incidents() -> None:
    made = sends(600)
    down = between(made, 9, 9.5) | between(made, 14, 15)
    found = incidents(replace(made, listed=~down))
    assert found[0].findings > found[1].findings
    assert [one.cause for one in found] == ["outage", "outage"]
    assert sum(one.findings for one in found) == int(down.sum())
    assert found[0].incident_id != found[1].incident_id


def test_no_more_than_twelve_outages_are_told() -> None:
    made = sends(1500)
    down = np.zeros(len(made.seconds), dtype=np.bool_)
    for hour in range(7, 20):
        down |= between(made, hour + 0.2, hour + 0.4)
    found = incidents(replace(made, listed=~down))
    assert [one.cause for one in found].count("outage") == 12


def test_sends_that_go_missing_from_a_moment_on_name_the_key_and_the_process() -> None:
    made = sends(600)
    late = between(made, 16, 24)
    [incident] = incidents(replace(made, listed=~late))
    assert (incident.cause, incident.findings) == ("key_or_process", int(late.sum()))
    assert incident.summary.startswith(f"All {int(late.sum())} sends since 16:0")


def test_messages_that_nothing_recorded_for_a_while_are_an_outage_of_the_records() -> None:
    made = sends(600)
    down = between(made, 12, 12.7)
    [incident] = incidents(replace(made, recorded=~down))
    assert (incident.cause, incident.kinds) == (
        "recording_outage",
        {"missing_locally": int(down.sum())},
    )


def test_messages_that_nothing_records_any_more_are_since_a_moment() -> None:
    made = sends(600)
    late = between(made, 20.5, 24)
    [incident] = incidents(replace(made, recorded=~late))
    assert (incident.cause, incident.findings) == ("recording_stopped", int(late.sum()))


def test_a_stretch_of_which_half_is_affected_is_no_outage_though_its_hour_stands_out() -> None:
    made = sends(600)
    half = between(made, 10, 11) & (np.arange(600) % 2 == 0)
    found = incidents(replace(made, listed=~half))
    assert [one.cause for one in found] == ["hour"]


def test_four_sends_in_a_row_are_none() -> None:
    made = sends(600)
    few = np.isin(np.arange(600), np.argsort(made.seconds)[100:104])
    assert incidents(replace(made, listed=~few)) == []


# --- numbers and hours -------------------------------------------------------------------------


def test_one_country_is_one_incident() -> None:
    made = sends(600)
    british = made.numbers // 10**7 == 44
    [incident] = incidents(replace(made, listed=~british))
    assert (incident.cause, incident.findings) == ("country", int(british.sum()))
    assert f"All {int(british.sum())} sends to numbers that begin with +44 are" in incident.summary


def test_the_messages_that_are_missing_do_not_count_as_healthy_ones_of_their_country() -> None:
    made = sends(400)
    # These are the messages that a sample of the day consists of.
    italian = np.arange(400) % concentration.SAMPLED == 0
    numbers = np.where(italian, 393_331_230_000 + np.arange(400), made.numbers)
    [incident] = incidents(replace(made, numbers=numbers, recorded=~italian))
    assert (incident.cause, incident.kinds) == ("country", {"missing_locally": 25})


def test_one_network_of_a_country_is_one_incident() -> None:
    made = sends(600)
    numbers = made.numbers.copy()
    some = np.flatnonzero(numbers // 10**7 == 353)[:60]
    numbers[some] = 353_86_00000 + some
    network = numbers // 10**5 == 35386
    [incident] = incidents(replace(made, numbers=numbers, recorded=~network))
    assert (incident.cause, incident.kinds) == ("country", {"missing_locally": int(network.sum())})
    assert "+35386" in incident.summary


def test_a_day_of_one_country_only_accuses_no_country() -> None:
    made = sends(300)
    made = replace(made, numbers=353 * 10**7 + made.numbers % 10**7)
    scattered = np.arange(300) % 3 == 0
    assert incidents(replace(made, listed=~scattered)) == []


def test_an_hour_that_holds_most_findings_is_one_incident() -> None:
    made = sends(900, seed=3)
    sixth = between(made, 15, 16) & (np.arange(900) % 3 == 0)
    [incident] = incidents(replace(made, recorded=~sixth))
    assert (incident.cause, incident.findings) == ("hour", int(sixth.sum()))
    assert "lie between 15:00 and 16:00" in incident.summary


# --- chance ------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("lost", [0.002, 0.02, 0.08, 0.4])
def test_scattered_findings_are_no_incident(lost: float) -> None:
    days = 250
    for verdict in judged(sends(40, days=days, seed=int(lost * 1000), lost=lost), days=days):
        assert verdict.incidents == ()


# --- properties --------------------------------------------------------------------------------


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), start=st.floats(7, 20), hours=st.floats(0.1, 8))
def test_incidents_do_not_depend_on_the_order_of_the_rows(
    seed: int, start: float, hours: float
) -> None:
    made = sends(150, seed=seed, lost=0.02)
    made = replace(made, listed=made.listed & ~between(made, start, start + hours))
    assert incidents(made) == incidents(made, shuffled=seed)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), start=st.floats(7, 20), hours=st.floats(0.1, 8))
def test_an_incident_never_goes_on_over_healthy_sends(
    seed: int, start: float, hours: float
) -> None:
    made = sends(150, seed=seed, lost=0.02)
    made = replace(made, listed=made.listed & ~between(made, start, start + hours))
    [verdict] = judged(made)
    healthy = np.sort(made.seconds[made.listed & made.recorded])
    for one in verdict.incidents:
        if one.cause not in {"outage", "key_or_process"}:
            continue
        mine = verdict.findings["incident_id"] == one.incident_id
        times = verdict.findings.loc[mine, "local_sent_at"].sort_values()
        seconds = (times - pd.Timestamp(MIDNIGHT).tz_localize("UTC")).dt.total_seconds().to_numpy()
        places = np.searchsorted(healthy, seconds)
        assert np.diff(places).max(initial=0) <= 2
        assert len(seconds) >= 0.75 * (len(seconds) + places[-1] - places[0])


def test_an_incident_keeps_its_id_when_most_of_its_findings_stay() -> None:
    made = sends(600)
    down = between(made, 10, 11)
    [before] = incidents(replace(made, listed=~down))
    [verdict] = judged(replace(made, listed=~down))
    first = verdict.findings["discrepancy_id"].min()
    found_since = down & (np.arange(600) % 10 == 0)
    found_since[int(verdict.findings.set_index("discrepancy_id")["local_id"][first]) - 1] = False
    [after] = incidents(replace(made, listed=~down | found_since))
    assert after.incident_id == before.incident_id
    assert after.findings < before.findings
