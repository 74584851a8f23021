"""A command that is killed in this process: from one edge on nothing that it does gets out.

A killed process does nothing more, whatever its handlers would do. So from the edge on each further
statement, commit, request, mail command, sync, rename or removal fails too: only what a server does
for a closed connection is left. The edges are those of `tests.crash.edges`, which kills processes.
"""

from __future__ import annotations

import http.client
import os
import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import sqlalchemy as sa


class Killed(BaseException):
    """The end of a process that was killed."""


class Killer:
    """Counts the edges that a command reaches, and ends it at one of them."""

    def __init__(self) -> None:
        self.is_dead = False
        self._left: int | None = None
        self._lock = threading.Lock()

    @contextmanager
    def killing(self, edge: int | None) -> Iterator[None]:
        """End what runs in the block at this edge, counted from 1; `None` is never."""
        self.is_dead, self._left = False, edge or 0
        try:
            yield
        except Killed:
            pass
        finally:
            self._left = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the block do what it likes: it is not what the process does."""
        left, self._left = self._left, None
        try:
            yield
        finally:
            self._left = left

    def kill(self) -> None:
        """End the command now."""
        self.is_dead = True
        raise Killed

    def reached(self, *_: object) -> None:
        """Count an edge."""
        with self._lock:
            if self._left is None:
                return
            if self.is_dead:
                raise Killed
            self._left -= 1
            self.is_dead = self._left == 0
        if self.is_dead:
            raise Killed


def _before(do: Callable[..., Any], killer: Killer) -> Callable[..., Any]:
    def done(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
        killer.reached()
        return do(*args, **options)

    return done


def _after(do: Callable[..., Any], killer: Killer) -> Callable[..., Any]:
    def done(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
        result = do(*args, **options)
        killer.reached()
        return result

    return done


_BEFORE: tuple[tuple[Any, str], ...] = (
    (os, "fsync"),
    (os, "replace"),
    (os, "unlink"),
    (http.client.HTTPConnection, "endheaders"),
    (smtplib.SMTP, "connect"),
    (smtplib.SMTP, "send"),
)
#: The other side has done what it answers to, and nobody knows yet.
_AFTER: tuple[tuple[Any, str], ...] = (
    (http.client.HTTPConnection, "getresponse"),
    (smtplib.SMTP, "getreply"),
)


@contextmanager
def installed() -> Iterator[Killer]:
    """Watch the edges of this process until the block ends."""
    killer = Killer()
    with ExitStack() as undoing:
        for event in ("do_connect", "before_cursor_execute", "commit"):
            sa.event.listen(sa.Engine, event, killer.reached)
            undoing.callback(sa.event.remove, sa.Engine, event, killer.reached)
        for edges, watched in ((_BEFORE, _before), (_AFTER, _after)):
            for owner, name in edges:
                made = watched(getattr(owner, name), killer)
                undoing.enter_context(mock.patch.object(owner, name, made))
        yield killer
