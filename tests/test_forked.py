"""What the tests fork ends with them: nothing goes on for a test process that was killed."""

from __future__ import annotations

import os
import select
import signal

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
