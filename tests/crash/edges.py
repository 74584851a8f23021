"""The edges of what a process does to the world: noted one by one, or the last thing it does.

An edge is the moment before something that others could see, or that would be lost with the
process: a statement, a commit, a file opened for writing, synced, renamed or removed, a lock, a
request, an answer. Between two edges nothing changes outside, so a process that is killed at each
of them leaves everything that one killed at any moment can leave.

So all that a kill can leave is also what is there while the process is held before an edge: files
as they are, and of a database what is committed. Holding it before one edge after the other shows
where there is something new.

`main` is for a process of its own. What it instruments stays so until the process ends. It runs
the command once, which loads and compiles all that the command needs, and is forked from then on.
"""

from __future__ import annotations

import ctypes
import http.client
import os
import re
import select
import signal
import smtplib
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import sqlalchemy as sa

from recon import cli
from recon.cli import common
from recon.jobs.runtime import Runtime
from tests import statement_cache
from tests.fork_server import end_with

#: Said to the process in place of a number: run the command, and hold it before each edge.
HOLD: Final = "hold"
#: What the process says then; it goes on with the next line.
HELD: Final = "held"

#: What the process runs; its arguments are those of `main`.
CODE: Final = "import sys; from tests.crash import edges; edges.main(*sys.argv[1:])"

_READS: Final = frozenset({"SELECT", "PRAGMA", "SHOW", "SET", "WITH"})
_WROTE: Final = "wrote"
#: What the name of a temporary file has of its own.
RANDOM_NAME: Final = re.compile(r"\.[a-z0-9_]{8}\.tmp")


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge: of what kind, and what it is about (a path, a statement, an address)."""

    kind: str
    about: str

    def __str__(self) -> str:
        return f"{self.kind} {self.about}".strip()


@dataclass(slots=True)
class Recorder:
    """Notes each edge in a file; at one of them it kills the process, or it waits at each."""

    noted: Path
    """The file."""
    room: str
    """Only files below this directory count."""
    descriptor: int = -1
    told: int = -1
    """Where the process says that it is held."""
    last: int = 0
    is_held: bool = False
    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, what: str) -> None:
        """Begin anew; kill the process at the edge with this number, from 1, and at 0 at none."""
        self.count, self.is_held = 0, what == HOLD
        self.last = 0 if self.is_held else int(what)
        os.chdir(self.room)
        self.descriptor = os.open(self.noted, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def reached(self, kind: str, about: str = "") -> None:
        """Note an edge, and end the process as a SIGKILL from outside does, if this is the one."""
        with self.lock:
            self.count += 1
            text = " ".join(about.split()).replace(f"{self.room}/", "").replace(self.room, ".")
            text = RANDOM_NAME.sub(".tmp", text)
            os.write(self.descriptor, f"{kind}\t{text[:200]}\n".encode())
            if self.count == self.last:
                os.kill(os.getpid(), signal.SIGKILL)
            if self.is_held:
                os.write(self.told, f"{HELD}\n".encode())
                sys.stdin.readline()

    def is_mine(self, path: object) -> bool:
        """Say whether a path lies in the room."""
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self.room)


def read(path: Path) -> list[Edge]:
    """Return the edges that a process has noted."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Edge(*line.split("\t", 1)) for line in lines]


@dataclass(slots=True)
class _Pauses:
    """A clock that only pauses move on; a command that stays is asked to end in its second one."""

    stays: bool
    seconds: float = 0.0
    count: int = 0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.count += 1
        if self.stays and self.count > 1:
            os.kill(os.getpid(), signal.SIGTERM)

    def monotonic(self) -> float:
        return self.seconds


def main(noted: str, room: str, now: str, *argv: str) -> None:
    """Run a recon command whenever a line comes, with every edge noted; say how each ended.

    A line is the number of the edge at which the command is killed, 0 or `HOLD`. The first is 0.

    Args:
        noted: the file for the edges.
        room: the directory to work in, there anew each time.
        now: the time, which stands still.
        argv: the command.
    """
    told = os.dup(1)
    for number in (1, 2):
        os.dup2(os.open(f"{noted}.said", os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    recorder = Recorder(Path(noted), room, told=told)
    # Else the first command would try whether it can write there, and the others not.
    tempfile.tempdir = os.environ["TMPDIR"]

    def runtime() -> Runtime:
        pauses = _Pauses(stays="--follow" in argv)
        return Runtime(
            clock=lambda: datetime.fromisoformat(now),
            monotonic=pauses.monotonic,
            sleep=pauses.sleep,
            rng=Random(7),
        )

    vars(cli)["Runtime"] = runtime
    statement_cache.share()
    # As where it is not installed: it takes longer to draw a chart than all else together.
    sys.modules["matplotlib"] = None  # type: ignore[assignment]
    _watch_files(recorder)
    _watch_databases(recorder)
    _watch_servers(recorder)
    common.show_data = _before(common.show_data, partial(recorder.reached, "output"))
    sys.argv = ["recon", *argv]
    has_workers = "--workers" in argv
    if has_workers:
        _adopt_orphans()
    while line := sys.stdin.readline().strip():
        is_here = line == "0" and not has_workers
        code = _main(recorder, line) if is_here else _forked(recorder, line)
        os.write(told, f"{code}\n".encode())


def _main(recorder: Recorder, what: str) -> int:
    recorder.start(what)
    try:
        cli.main()
    except SystemExit as end:
        recorder.reached("exit")
        return int(end.code or 0)


def _forked(recorder: Recorder, what: str) -> int:
    parent, child = os.getpid(), os.fork()
    if child == 0:
        end_with(parent)
        sys.exit(_main(recorder, what))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(ChildProcessError):
        while True:  # its own processes, which end with it but not at once
            os.waitpid(-1, 0)
    return code


def _adopt_orphans() -> None:
    """Let this process be the parent of those whose parent has ended.

    It is `PR_SET_CHILD_SUBREAPER` (https://man7.org/linux/man-pages/man2/prctl.2.html).
    """
    assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0


def _before(do: Callable[..., Any], edge: Callable[[], None]) -> Callable[..., Any]:
    def done(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
        edge()
        return do(*args, **options)

    return done


def _watch_files(recorder: Recorder) -> None:
    """Watch what is opened for writing, made, synced, renamed, removed, locked and sent."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        edge = _AUDITED.get(event)
        if edge is not None:
            edge(recorder, *args)

    synced = os.fsync

    def fsync(number: int) -> None:
        recorder.reached("fsync", _path_of(number))
        synced(number)

    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(hook)


def _opened(recorder: Recorder, path: object, _mode: object, flags: int) -> None:
    if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and recorder.is_mine(path):
        recorder.reached("open", str(path))


def _named(recorder: Recorder, kind: str, path: object, target: object = "") -> None:
    if recorder.is_mine(path):
        recorder.reached(kind, f"{path} {target}")


def _locked(recorder: Recorder, number: int, _operation: int) -> None:
    path = _path_of(number)
    # Those that lie about are looked through in the order of the file system.
    recorder.reached("lock", "a temporary file" if path.endswith(".tmp") else path)


def _made(recorder: Recorder, path: str | os.PathLike[str]) -> None:
    if not Path(path).exists():
        _named(recorder, "mkdir", path)


def _path_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def _line(data: bytes | str) -> str:
    start = data[:60]
    text = start if isinstance(start, str) else start.decode(errors="replace")
    return text.partition("\r\n")[0]


#: What Python tells of (https://docs.python.org/3/library/audit_events.html), before it happens.
_AUDITED: Final[dict[str, Callable[..., None]]] = {
    "open": _opened,
    "os.mkdir": lambda recorder, path, *_: _made(recorder, path),
    "os.remove": lambda recorder, path, *_: _named(recorder, "remove", path),
    "os.rename": lambda recorder, path, target, *_: _named(recorder, "rename", path, target),
    "fcntl.flock": _locked,
    "socket.connect": lambda recorder, _, address: recorder.reached("connect", str(address)),
    "http.client.send": lambda recorder, _, data: recorder.reached("request", _line(data)),
    "smtplib.send": lambda recorder, _, data: recorder.reached("smtp", _line(data)),
}


def _watch_databases(recorder: Recorder) -> None:
    """Watch connections, statements and commits, of recon's own database and of the records."""

    def connecting(*_: object) -> None:
        recorder.reached("database")

    def executing(connection: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
        word = statement.split(None, 1)[0].upper()
        kind = "read" if word in _READS else "begin" if word == "BEGIN" else "write"
        if kind == "write":
            connection.info[_WROTE] = True
        recorder.reached(kind, statement)

    def committing(connection: sa.Connection) -> None:
        recorder.reached("commit" if connection.info.pop(_WROTE, False) else "end of reading")

    sa.event.listen(sa.Engine, "do_connect", connecting)
    sa.event.listen(sa.Engine, "before_cursor_execute", executing)
    sa.event.listen(sa.Engine, "commit", committing)
    sa.event.listen(sa.Engine, "rollback", lambda _: recorder.reached("rollback"))


def _watch_servers(recorder: Recorder) -> None:
    """Watch answers: of HTTP when it is there, of the mail server before it is read."""
    responded = http.client.HTTPConnection.getresponse

    def getresponse(self: http.client.HTTPConnection) -> http.client.HTTPResponse:
        response = responded(self)
        recorder.reached("response", str(response.status))
        return response

    replied = smtplib.SMTP.getreply

    def getreply(self: smtplib.SMTP) -> tuple[int, bytes]:
        # The server has done what it replies to; nothing of the reply is read yet.
        assert self.sock is not None
        select.select([self.sock], [], [])
        recorder.reached("reply")
        return replied(self)

    http.client.HTTPConnection.getresponse = getresponse  # type: ignore[method-assign]
    smtplib.SMTP.getreply = getreply  # type: ignore[method-assign]
