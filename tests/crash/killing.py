"""A command that is played again and again from the same start, and disturbed at its edges."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Container, Iterator
from contextlib import chdir, contextmanager
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
from tests.crash.outcomes import LATER, Outcome
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
        self._say(str(last))
        self._ended(self.process.stdout.readline(), -signal.SIGKILL if last else 0)
        return edges.read(self.noted)

    def news(self) -> dict[int, object]:
        """Run the command from the start, and hold it before each edge to see what there is then.

        Returns:
            The edges, by their number, before which there is something that was not there before
            the others; each with what there is.
        """
        found: dict[int, object] = {}
        number = 0
        self.begin()
        self._say(edges.HOLD)
        while (said := self.process.stdout.readline().strip()) == edges.HELD:
            number += 1
            if (state := self.state()) not in found.values():
                found[number] = state
            self._say("on")
        self._ended(said, 0)
        return found

    def disturbed(
        self, number: int, disturb: Callable[[], None], mend: Callable[[], None] = lambda: None
    ) -> tuple[int, str]:
        """Run the command from the start, and let something happen while it is held at an edge.

        Args:
            number: of the edge, from 1.
            disturb: what happens.
            mend: what happens when the command has ended.

        Returns:
            Its exit code, and what it printed.
        """
        file = self.noted.with_suffix(".said")
        before = file.stat().st_size
        self.begin()
        self._say(edges.HOLD)
        count = 0
        while (said := self.process.stdout.readline().strip()) == edges.HELD:
            count += 1
            if count == number:
                disturb()
            self._say("on")
        mend()
        self.start.await_the_end()
        return int(said), file.read_text()[before:]

    def _say(self, line: str) -> None:
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def _ended(self, said: str, code: int) -> None:
        assert int(said) == code, self.noted.with_suffix(".said").read_text()
        self.start.await_the_end()

    def begin(self) -> None:
        """Let all be as it was before the command."""
        self.start.put_back()
        self.box.mails.clear()
        self.listening.told.clear()
        self.made.clock.now = self.now

    def again(self) -> None:
        """Run the command in this process, a little later than it was run before."""
        self.made.clock.now = self.now + LATER
        argv = self.scene.repeated or self.scene.argv
        self.run(argv, codes={0, self.scene.done_already})

    def undisturbed(self, *then: Argv) -> list[Outcome]:
        """Return what is there after the command, and after a second one.

        Args:
            then: commands that are run after them.
        """
        self.play()
        self.run(*then)
        once = self.outcome()
        self.begin()
        self.again()
        self.again()
        self.run(*then)
        return [once, self.outcome()]

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
        told = len(self.box.mails), list(self.listening.told)
        with self._at_rest() as (engine, room):
            return outcomes.state(engine, room, told)

    def tables(self) -> object:
        """Return what is stored now."""
        with self._at_rest() as (engine, _):
            return outcomes.tables(engine)

    @contextmanager
    def _at_rest(self) -> Iterator[tuple[sa.Engine, Path]]:
        """Give the database and the directory, of SQLite a copy: to look at it may change it."""
        room, copy = self.made.workshop.path, self.noted.with_name("copy")
        if self.engine.dialect.name != "sqlite":
            try:
                yield self.engine, room
            finally:
                self.engine.dispose()
            return
        shutil.copytree(room, copy)
        engine = connect(f"sqlite:///{copy / 'recon.db'}")
        try:
            yield engine, copy
        finally:
            engine.dispose()
            shutil.rmtree(copy)


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Where the commands work, and all they write is."""
    made = tmp_path / "room"
    (made / outcomes.SCRATCH).mkdir(parents=True)
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
    monkeypatch.setattr(tempfile, "tempdir", str(room / outcomes.SCRATCH))
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
        environ = {"KEY": made.key, "TMPDIR": str(room / outcomes.SCRATCH)}
        arguments = (str(noted), str(room), made.clock.now.isoformat(), *scene.argv)
        with (
            stores.start(room, room.parent / "start", url, server) as start,
            Forked(edges.CODE, *arguments, environ=environ) as process,
        ):
            yield Killing(
                scene, made, box, pinged, start, connect(url), process, made.clock.now, noted
            )
