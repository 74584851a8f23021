"""A process that gets no more memory: an error in words, and the next command is right."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from recon.errors import TemporaryError
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


@pytest.mark.parametrize("command", _COMMANDS)
def test_a_command_without_memory_ends_in_words_and_the_next_is_right(
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
            # A library's own threads that cannot start end the process, as a kill does. A thread of
            # a request that cannot start is noticed at the request's deadline.
            assert process.returncode in {TemporaryError.exit_code, -signal.SIGABRT}, said
