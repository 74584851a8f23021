"""A process that gets no more memory: whatever ends it, the next command is right."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

from tests.cli.nights import nights
from tests.factories import DAY, NOON
from tests.forked import Forked

#: What is loaded before takes no part: without the memory for that, Python itself fails.
_RUN = """
import importlib, resource, sys
from pathlib import Path
import pydantic, recon.config, recon.jobs.wiring
from recon.cli import main
limit = int(sys.argv.pop(1)) << 20
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + limit,) * 2)
main()
"""
_COMMANDS = {
    "diff": ["diff", "local.csv", "provider.csv"],
    "run": ["run", "--date", DAY],
}
_REPORTS = {"diff": "diff/all.csv", "run": f"main/{DAY}.csv"}


@pytest.mark.thorough
@pytest.mark.parametrize("command", _COMMANDS)
def test_a_command_short_of_memory_is_right_or_does_not_pass_for_done_and_the_next_is_right(
    tmp_path: Path, migrated_sqlite: Path, command: str
) -> None:
    (tmp_path / "recon.db").write_bytes(migrated_sqlite.read_bytes())
    with nights(tmp_path, f"sqlite:///{tmp_path / 'recon.db'}") as made:
        made.send(3, start=NOON)
        made.send(1, start=NOON.replace(hour=13), recorded=False)
        for name, end in (("local.csv", 20_000), ("provider.csv", 20_001)):
            rows = (f"{n},{n},+3538712{n:05},{NOON.isoformat()},read" for n in range(1, end))
            text = "\n".join(["id,message_id,phone_number,sent_at,status", *rows])
            (tmp_path / name).write_text(text)
        for limit in (2, 2_000):
            with Forked(
                _RUN, str(limit), *_COMMANDS[command], cwd=tmp_path, environ={"KEY": made.key}
            ) as process:
                try:
                    _, said = process.communicate(timeout=30 if limit == 2 else None)
                except subprocess.TimeoutExpired:
                    # A thread that gets no memory while it starts is waited for without end:
                    # https://github.com/python/cpython/issues/140746.
                    process.kill()
                    continue
            # Mostly 75. But C code that gets no memory does not always say so: it may raise another
            # error, or end the process, as a kill does. And what was free before may be enough.
            if limit == 2_000 or process.returncode in {0, 1, 3}:
                assert process.returncode == 0, said
                (finding,) = csv.DictReader(
                    (tmp_path / "reports" / _REPORTS[command]).read_text().splitlines()
                )
                assert finding["kind"] == "missing_locally"
