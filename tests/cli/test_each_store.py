"""The commands for people, on a store that is empty, fresh or partly purged."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from recon.cli.ack import command as ack
from recon.cli.check import command as check
from recon.cli.discrepancies import command as discrepancies
from recon.cli.explain import command as explain
from recon.cli.purge import command as purge
from recon.cli.report import command as report
from recon.cli.retries import command as retries
from recon.cli.status import command as status
from recon.errors import InputError
from tests.cli.nights import Nights, nights
from tests.cli.workshop import minute
from tests.factories import DAY

pytestmark = pytest.mark.thorough  # each command on each kind of store

#: The message that no record holds, and one that was sent 30 days before.
UNRECORDED, OLD = 106, 101


def empty(_night: Nights) -> None:
    """Leave a store as a migration makes it."""


def fresh(night: Nights) -> None:
    night.send(5, start=minute(0))
    night.send(1, start=minute(30), recorded=False)
    assert night.run() == 0


def purged(night: Nights) -> None:
    night.send(5, start=minute(0) - timedelta(days=30))
    night.run(day="2026-03-24")
    night.send(1, start=minute(30), recorded=False)
    assert night.run() == 0
    assert night.invoke(purge, "--older-than", "20") == 0


@pytest.mark.parametrize(("store", "known"), [(empty, False), (fresh, True), (purged, True)])
def test_each_command_tells_what_it_knows(
    tmp_path: Path, database_url: str, store: Callable[[Nights], None], *, known: bool
) -> None:
    code = 0 if known else InputError.exit_code
    with nights(tmp_path, database_url) as night:
        store(night)
        assert night.invoke(status) == 0
        found = json.loads(night.shown(discrepancies, "--format", "json"))
        assert [one["message_id"] for one in found] == [UNRECORDED] * known
        assert night.invoke(explain, str(UNRECORDED)) == code
        assert night.invoke(explain, str(OLD)) == code
        finding = found[0]["discrepancy_id"] if known else "0" * 16
        assert night.invoke(explain, finding) == code
        assert night.invoke(ack, finding, "--reason", "a test number") == code
        assert night.shown(discrepancies) == "No findings.\n"
        assert night.invoke(report, "--output", str(tmp_path / "again")) == code
        assert night.invoke(purge, "--older-than", "10", "--dry-run") == 0
        assert night.invoke(retries, "--date", DAY) == 0
        assert night.invoke(check) == 0
