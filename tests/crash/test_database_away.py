"""PostgreSQL ends all connections at any moment: an error in words, and the next run is right.

So it does when it is restarted, fails over, or an administrator ends sessions.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from recon.errors import TemporaryError
from tests.crash.conftest import WHOLE
from tests.crash.killing import Killing
from tests.crash.scenes import SCENES, Scene

#: What is disturbed, and how many edges lie between two of those at which it is, in `make crash`.
_STEPS = {"collect": 1, "purge": 1, "ack": 1, "mail": 1, "run": 50}
#: Differences in what was mailed and sent.
_TOLD = ("tables: notifications", "tables: mail", "mails: ")
_CASES = [scene for scene in SCENES if scene.name in (_STEPS if WHOLE else {"collect"})]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("killing", _CASES, indirect=True, ids=[one.name for one in _CASES])
def test_the_next_run_is_right(
    killing: Killing, record_property: Callable[[str, object], None]
) -> None:
    scene: Scene = killing.scene
    reached = killing.play()
    undisturbed = killing.undisturbed()
    codes = []
    step = _STEPS[scene.name] if WHOLE else len(reached) // 3
    for number in range(1, len(reached) + 1, step):
        where = f"{number}, before {reached[number - 1]}"
        code, said = killing.disturbed(number, killing.start.await_the_end)
        assert code in {0, TemporaryError.exit_code}, (where, said)
        assert "Traceback" not in said, (where, said)
        assert code == 0 or "try again later" in said, (where, said)
        codes.append(code)
        killing.again()
        wrong = killing.outcome().differences(undisturbed)
        # A night that fails is reported itself.
        assert [one for one in wrong if code == 0 or not one.startswith(_TOLD)] == [], where
    assert TemporaryError.exit_code in codes
    record_property(
        "crash points",
        f"{scene.name}, postgresql: connections ended at {len(codes)} of {len(reached)}, "
        f"{codes.count(0)} went on",
    )
