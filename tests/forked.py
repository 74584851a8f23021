"""Processes that start at once, because they are forked from one that has imported recon."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Mapping
from concurrent import futures
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

_ROOT = Path(__file__).parents[1]


class Forked:
    """Such a process, used as a `subprocess.Popen` with pipes for text.

    It runs `code` as a main program with these arguments. One that a failing test leaves behind is
    killed, and its pipes are closed, when nothing refers to it any more: Python would warn of them
    in whichever test runs by then.
    """

    def __init__(
        self,
        code: str,
        *arguments: str,
        cwd: Path = _ROOT,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        (stdin, to), (out, stdout), (err, stderr) = os.pipe(), os.pipe(), os.pipe()
        self._status, its = socket.socketpair()
        given = (stdin, stdout, stderr, its.detach())
        socket.send_fds(_server(), [b"+"], given)
        for descriptor in given:
            os.close(descriptor)
        self.stdin, self.stdout, self.stderr = os.fdopen(to, "w"), os.fdopen(out), os.fdopen(err)
        request = {
            "code": code,
            "argv": ["-c", *arguments],
            "cwd": str(cwd),
            "environ": dict(os.environ if environ is None else environ),
        }
        self._status.sendall(json.dumps(request).encode() + b"\n")
        self.pid = self._told()
        self.returncode: int | None = None
        """The exit code, or minus the number of the signal that ended it; None until then."""
        self._texts: list[futures.Future[str]] = []
        self._pipes: list[TextIO] = [self.stdin, self.stdout, self.stderr]
        self._left = weakref.finalize(self, _end_what_is_left, self.pid, self._status, self._pipes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(BrokenPipeError):
            self.stdin.close()
        try:
            self.wait()
        finally:
            self._close()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("forked", timeout or 0)
            self.returncode = self._told()
        return self.returncode

    def communicate(self, said: str = "", timeout: float | None = None) -> tuple[str, str]:
        """Say something, and return all that is said on both streams until the end."""
        if not self._texts:
            with suppress(BrokenPipeError):
                self.stdin.write(said)
                self.stdin.close()
            # Both at once, so that neither pipe is ever full. What times out goes on reading.
            self._pipes.clear()
            pool = futures.ThreadPoolExecutor(2)
            self._texts = [pool.submit(_all_of, file) for file in (self.stdout, self.stderr)]
            pool.shutdown(wait=False)
        if futures.wait(self._texts, timeout).not_done:
            raise subprocess.TimeoutExpired("forked", timeout or 0)
        self.wait()
        self._close()
        out, err = (text.result() for text in self._texts)
        return out, err

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without giving it a chance to do anything."""
        self.send_signal(signal.SIGKILL)

    def _told(self) -> int:
        # Without a buffer, so that select() knows of all that was not read yet.
        with self._status.makefile("rb", buffering=0) as file:
            line = file.readline()
        assert line, "the fork server ended; its standard error says why"
        return int(line)

    def _close(self) -> None:
        self._left.detach()
        for file in (self.stdout, self.stderr, self._status):
            file.close()


def _all_of(pipe: TextIO) -> str:
    with pipe:
        return pipe.read()


def _end_what_is_left(pid: int, status: socket.socket, pipes: list[TextIO]) -> None:
    """Kill a process unless its end has been told, and close these pipes."""
    with status:
        if not select.select([status], [], [], 0)[0]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    for pipe in pipes:
        with suppress(BrokenPipeError):
            pipe.close()


@cache
def _server() -> socket.socket:
    """Start the fork server of this test process; return the socket to ask it."""
    ours, its = socket.socketpair()
    with its:
        server = subprocess.Popen(  # noqa: S603 - our own code
            [sys.executable, "-m", "tests.fork_server", str(its.fileno())],
            cwd=_ROOT,
            # Threads do not survive a fork.
            env=dict(os.environ) | {"OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
        )

    @atexit.register
    def end() -> None:
        ours.close()
        server.wait()

    return ours
