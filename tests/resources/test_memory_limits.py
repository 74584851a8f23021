"""A process that gets no more memory: whatever ends it, the next command is right."""

from __future__ import annotations

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


@pytest.mark.thorough
@pytest.mark.parametrize("command", _COMMANDS)
def test_a_command_without_memory_does_not_pass_for_done_and_the_next_is_right(
    tmp_path: Path, migrated_sqlite: Path, command: str
) -> None:
    (tmp_path / "recon.db").write_bytes(migrated_sqlite.read_bytes())
    with nights(tmp_path, f"sqlite:///{tmp_path / 'recon.db'}") as made:
        made.send(3, start=NOON)
        made.send(1, start=NOON.replace(hour=13), recorded=False)
        for name in ("local.csv", "provider.csv"):
            rows = (f"{n},{n},+3538712{n:05},{NOON.isoformat()},sent" for n in range(1, 20_000))
            text = "\n".join(["id,message_id,phone_number,sent_at,status", *rows])
            (tmp_path / name).write_text(text)
        for limit in (2, 2_000):
            process = Forked(
                _RUN, str(limit), *_COMMANDS[command], cwd=tmp_path, environ={"KEY": made.key}
            )
            _, said = process.communicate()
            if limit == 2_000:
                assert process.returncode == 0, said
                continue
            # Mostly 75. But C code that gets no memory does not always say so: it may raise another
            # error, or end the process, as a kill does.
            assert process.returncode not in {0, 1, 3}, said
