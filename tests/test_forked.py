"""What the tests fork ends with them: nothing goes on for a test that failed or was killed."""

from __future__ import annotations

import gc
import os
import select
import signal
import subprocess

import pytest

from tests.forked import Forked

_GOES_ON = """
import os, time
print(os.getppid(), flush=True)
while True:
    time.sleep(60)
"""


def test_a_process_ends_with_its_parent() -> None:
    process = Forked(_GOES_ON)
    os.kill(int(process.stdout.readline()), signal.SIGKILL)
    assert select.select([process.stdout], [], [], 30)[0]
    assert process.stdout.read() == ""
    with pytest.raises(AssertionError, match="the fork server ended"), process:
        pass


@pytest.mark.parametrize("is_waited_for", [False, True])
def test_a_process_ends_when_its_test_has_forgotten_it(is_waited_for: bool) -> None:  # noqa: FBT001 - a parameter
    process = Forked(_GOES_ON)
    with os.fdopen(os.pidfd_open(process.pid)) as its:
        if is_waited_for:
            with pytest.raises(subprocess.TimeoutExpired):
                process.communicate(timeout=0.01)
        del process
        gc.collect()  # pytest makes an error of a pipe that nobody has closed
        assert select.select([its], [], [], 30)[0]
