"""Standard output that nobody reads to its end, or that cannot be written."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from recon.simulator.channel import Channel
from recon.simulator.server import serve
from tests.cli.workshop import MORNING_AFTER, NUMBER, RECON, Workshop, minute
from tests.clocks import ManualClock
from tests.factories import DAY

pytestmark = pytest.mark.thorough  # each starts processes


@pytest.fixture
def shop(workshop: Workshop) -> Iterator[Workshop]:
    """A workshop whose records and provider agree, the provider running."""
    channel = Channel(first_id=101)
    channel.send(NUMBER.format(1), minute(1))
    workshop.add_records((1, 101, NUMBER.format(1), minute(1), "sent"))
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        yield workshop


def shell(shop: Workshop, redirection: str) -> subprocess.CompletedProcess[str]:
    """Run the day with standard output or error redirected."""
    return subprocess.run(  # noqa: S602 - our own command, nothing from outside
        f"{RECON} run --exit-code --date {DAY} {redirection}",
        shell=True,
        cwd=shop.path,
        env=shop.environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("findings", [0, 1])
def test_a_reader_that_leaves_early_changes_no_exit_code(shop: Workshop, findings: int) -> None:
    if findings:
        shop.add_records((2, None, NUMBER.format(2), minute(2), "sent"))
    with shop.start("run", "--exit-code", "--date", DAY) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == findings
    assert "Traceback" not in said
    assert sum(shop.report()["discrepancies"].values()) == findings


def test_nobody_need_read_the_log(shop: Workshop) -> None:
    with shop.start("run", "--exit-code", "--date", DAY) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stderr.close()
        said = process.stdout.read()
    assert said.startswith("CLEAN")
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_output_that_cannot_be_written_is_reported(shop: Workshop) -> None:
    ended = shell(shop, ">/dev/full")
    assert ended.returncode == 73
    assert "standard output cannot be written: No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert shop.report()["verdict"] == "clean"


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_cause_no_error(shop: Workshop, redirection: str) -> None:
    assert shell(shop, redirection).returncode == 0
    assert shop.report()["verdict"] == "clean"
