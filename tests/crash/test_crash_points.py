"""A process that is killed anywhere: the next command ends as if nothing had happened.

`make crash` kills each command at every edge. The ordinary tests kill it at some of them.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from recon.store.engine import connect
from tests.cli.mailing import add_to_config, mailed_nights
from tests.cli.nights import Nights
from tests.crash import edges, outcomes, stores
from tests.crash.edges import Edge
from tests.crash.order import undone_by_a_power_cut
from tests.crash.outcomes import LATER, Outcome, copies
from tests.crash.scenes import SCENES, Argv, Scene, recon
from tests.forked import Forked
from tests.listener import Listener, listener
from tests.smtp import MailBox

_CHAT: Final = "/chat"
_MORE: Final = """
[report]
directory = "{room}/reports"

[monitoring]
ping_url = "{ping}"
metrics_file = "{room}/reports/recon.prom"
"""


@dataclass(frozen=True, slots=True)
class Killing:
    """A scene, ready to be played as often as it takes."""

    scene: Scene
    made: Nights
    box: MailBox
    listening: Listener
    """Heartbeat and chat."""
    start: stores.Start
    engine: sa.Engine
    process: Forked
    now: datetime
    noted: Path
    """The file in which the process notes its edges."""

    def play(self, last: int = 0) -> list[Edge]:
        """Run the command in a process of its own from the start, and kill it at an edge.

        Returns:
            The edges that it reached; all of them, at 0.
        """
        self.begin()
        self.process.stdin.write(f"{last}\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        assert code == (-signal.SIGKILL if last else 0), self.noted.with_suffix(".said").read_text()
        self.start.await_the_end()
        return edges.read(self.noted)

    def begin(self) -> None:
        """Let all be as it was before the command."""
        self.start.put_back()
        self.box.mails.clear()
        self.listening.told.clear()
        self.made.clock.now = self.now

    def again(self) -> None:
        """Run the command in this process, a little later than it was run before."""
        self.made.clock.now = self.now + LATER
        self.run(self.scene.argv, codes={0, self.scene.done_already})

    def chats(self) -> int:
        """Return how often the chat service was told something."""
        return [path for path, _ in self.listening.told].count(_CHAT)

    def run(self, *commands: Argv, codes: Container[int] = (0,)) -> None:
        """Run commands in this process, in the directory of the scene."""
        with chdir(self.made.workshop.path):
            for argv in commands:
                assert recon(self.made, *argv) in codes, argv

    def outcome(self) -> Outcome:
        """Return what is there now."""
        try:
            return outcomes.outcome(self.engine, self.made.workshop.path, self.box, self.now)
        finally:
            self.engine.dispose()

    def state(self) -> object:
        """Return what there is now to go on from."""
        try:
            return outcomes.state(self.engine, self.made.workshop.path, self.box)
        finally:
            self.engine.dispose()


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Where the commands work, and all they write is."""
    made = tmp_path / "room"
    made.mkdir()
    return made


@pytest.fixture
def url(room: Path, database_url: str) -> str:
    """The URL of a database that the migrations have built, in the room or of a server."""
    if not database_url.startswith("sqlite"):
        return database_url
    shutil.move(database_url.removeprefix("sqlite:///"), room / "recon.db")
    return f"sqlite:///{room / 'recon.db'}"


@pytest.fixture(params=SCENES, ids=[scene.name for scene in SCENES])
def killing(
    room: Path, url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Killing]:
    """Each scene, with what there is before its command."""
    # As where it is not installed: it takes longer to draw a chart than all else together.
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    scene: Scene = request.param
    server = None if url.startswith("sqlite") else request.getfixturevalue("postgres_url")
    noted = room.parent / "edges"
    with (
        listener() as pinged,
        mailed_nights(room, url, more='when = "changes"') as (made, box),
    ):
        add_to_config(room, _MORE.format(room=room, ping=pinged.url))
        scene.prepare(made, box, url)
        service = room / "urls"
        service.touch(0o600)
        service.write_text(pinged.url.replace("http://", "json://").rpartition("/")[0] + _CHAT)
        add_to_config(room, scene.config.format(room=room))
        arguments = (str(noted), str(room), made.clock.now.isoformat(), *scene.argv)
        with (
            stores.start(room, room.parent / "start", url, server) as start,
            Forked(edges.CODE, *arguments, environ={"KEY": made.key}) as process,
        ):
            yield Killing(
                scene, made, box, pinged, start, connect(url), process, made.clock.now, noted
            )


def some(reached: Sequence[Edge], scene: Scene) -> list[int]:
    """Choose edges, by their number from 1: the middle one of each kind, and three more at least.

    These are spread evenly over the edges right after a commit or a rename, where there is
    something new that may be lost or done twice.
    """
    numbers: dict[str, list[int]] = {}
    for number, edge in enumerate(reached, 1):
        numbers.setdefault(edge.kind, []).append(number)
    kinds = numbers.keys() if scene.kinds is None else scene.kinds & numbers.keys()
    chosen = {numbers[kind][len(numbers[kind]) // 2] for kind in kinds}
    after = {n + 1 for kind in ("commit", "rename") for n in numbers.get(kind, [])}
    others = sorted(after - chosen - {len(reached) + 1})
    lacking = min(max(scene.points - len(chosen), 3), len(others))
    return sorted(chosen | {others[at * len(others) // lacking] for at in range(lacking)})


def unanswered(reached: Sequence[Edge]) -> set[int]:
    """Return the edges at which the mail server has a mail, and the outbox does not know yet."""
    found = set()
    said = ["", ""]
    accepted = False
    for number, edge in enumerate(reached, 1):
        if edge.kind == "smtp":
            said = [said[-1], edge.about.lower()]
        accepted = accepted or (edge.kind == "reply" and said[0] == "data")
        if accepted:
            found.add(number)
        if edge.kind == "commit":
            accepted, said = False, ["", ""]
    return found


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_nothing_is_lost_or_done_twice_by_a_power_cut_or_a_kill(
    killing: Killing, record_property: Callable[[str, object], None]
) -> None:
    every = os.environ.get("RECON_TESTS_CRASH") == "every"
    then = killing.scene.afterwards if every else ()
    reached = killing.play()
    assert undone_by_a_power_cut(reached) == []
    chats = killing.chats()
    killing.run(*then)
    undisturbed = [killing.outcome()]
    killing.begin()
    killing.again()
    killing.again()
    killing.run(*then)
    undisturbed.append(killing.outcome())
    twice = unanswered(reached)
    seen: list[object] = []
    wrong = []
    chosen = range(1, len(reached) + 1) if every else some(reached, killing.scene)
    for number in chosen:
        where = f"{number}, before {reached[number - 1]}"
        came = killing.play(number)
        ways = zip(came, reached, strict=False)
        wrong += [
            f"{where}: {one}, not {other}, came before" for one, other in ways if one != other
        ]
        if (left := killing.state()) in seen:
            continue
        seen.append(left)
        killing.again()
        killing.run(*then)
        wrong += [f"{where}: {one}" for one in killing.outcome().differences(undisturbed)]
        # A service that has answered before the commit is told again.
        if not chats <= killing.chats() <= 2 * chats:
            wrong.append(f"{where}: chat was told {killing.chats()} times")
        most = 2 if number in twice else 1
        wrong += [
            f"{where}: {found} copies of a mail"
            for found in copies(killing.box).values()
            if found > most
        ]
    backend = killing.engine.dialect.name
    record_property(
        "crash points",
        f"{killing.scene.name}, {backend}: {len(chosen)} of {len(reached)}, "
        f"which left {len(seen)} different states",
    )
    assert not wrong, "\n".join(wrong)
