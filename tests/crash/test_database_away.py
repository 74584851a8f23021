"""PostgreSQL goes away at any moment: an error in words, and the next run is right.

All connections end, as when a server fails over or an administrator ends sessions; the server
crashes and is back before the command goes on; or it comes back after the command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from recon.errors import TemporaryError
from recon.store import schema
from recon.store.engine import connect
from tests import postgres
from tests.crash.conftest import WHOLE
from tests.crash.killing import Killing
from tests.crash.scenes import SCENES, Scene

pytestmark = pytest.mark.thorough

#: What is disturbed, and how many edges lie between two of those at which it is, in `make crash`.
_STEPS = {"collect": 1, "purge": 1, "ack": 1, "mail": 1, "run": 50}
#: Differences in what was mailed and sent.
_TOLD = ("tables: notifications", "tables: mail", "mails: ")
_CASES = [scene for scene in SCENES if scene.name in (_STEPS if WHOLE else {"collect"})]


@pytest.fixture(scope="module")
def own_server() -> Iterator[postgres.Server]:
    """A server that may be stopped."""
    with postgres.own_server() as server:
        yield server


@pytest.fixture
def postgres_url(own_server: postgres.Server) -> str:
    """The URL of its own database."""
    return own_server.url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """The URL of a database on it, with the schema that the migrations build."""
    server = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE recon")
    url = sa.make_url(postgres_url).set(database="recon").render_as_string(hide_password=False)
    engine = connect(url)
    schema.upgrade(engine)
    engine.dispose()
    yield url
    with server.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE recon WITH (FORCE)")


@pytest.mark.parametrize("how", ["connections ended", "server restarted", "server stopped"])
@pytest.mark.parametrize("killing", _CASES, indirect=True, ids=[one.name for one in _CASES])
def test_the_next_run_is_right(
    killing: Killing,
    how: str,
    own_server: postgres.Server,
    record_property: Callable[[str, object], None],
) -> None:
    disturb, mend = {
        "connections ended": (killing.start.await_the_end, lambda: None),
        "server restarted": (own_server.restart, lambda: None),
        "server stopped": (own_server.stop, own_server.start),
    }[how]
    scene: Scene = killing.scene
    reached = killing.play()
    undisturbed = killing.undisturbed()
    codes = []
    third = len(reached) // 3
    numbers = range(1, len(reached) + 1, _STEPS[scene.name]) if WHOLE else [third, 2 * third]
    for number in numbers:
        where = f"{number}, before {reached[number - 1]}"
        code, said = killing.disturbed(number, disturb, mend)
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
        f"{scene.name}, postgresql: {how} at {len(codes)} of {len(reached)}, "
        f"{codes.count(0)} went on",
    )
