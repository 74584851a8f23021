"""A total deadline for one request, from resolving the host's name to the last byte of the answer.

The time-outs of sockets limit only a single read. A server that sends a byte now and then, repeats
`100 Continue`, or has several addresses that do not answer, can prolong a request without limit. So
the request runs in its own thread. At the deadline its connection is shut down, in whatever state
it is, and the caller stops waiting for the thread.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from requests.adapters import HTTPAdapter

from recon import deadlines
from recon.deadlines import DeadlineError

Result = TypeVar("Result")


class WatchedRequest:
    """One request: its progress, and the connection to shut down at the deadline."""

    def __init__(self) -> None:
        self.sent = False
        """Whether a request was sent, to the server or a proxy."""
        self.answered = False
        """Whether the headers of an answer arrived; set by the code that reads them."""
        self.reused = False
        """Whether it was sent over a connection that an earlier request had opened."""
        self._over = False
        self._connection: Any = None
        self._socket: Any = None
        self._lock = threading.Lock()

    def run(self, seconds: float, work: Callable[[], Result]) -> Result:
        """Call `work`, which makes the request, and return its result or raise its exception.

        Args:
            seconds: the longest time that it may take, in real time.
            work: makes one request through a session with a `DeadlineAdapter`.

        Raises:
            DeadlineError: it took longer.
        """

        def run() -> Result:
            _watched.set(self)
            return work()

        return deadlines.run(seconds, run, give_up=self._end, name="octopods-request")

    def hold(self, connection: Any) -> None:  # noqa: ANN401 - a class of urllib3's or a mixture
        """Store which connection makes the request.

        Raises:
            DeadlineError: the deadline has passed.
        """
        with self._lock:
            self._connection, self._socket = connection, connection.sock or self._socket
            if self._over:
                connection.close()
                raise DeadlineError

    def _end(self) -> None:
        with self._lock:
            self._over = True
            # An answer that closes the connection takes the socket out of it, and reads on.
            for one in (self._socket, getattr(self._connection, "sock", None)):
                # Within a TLS proxy's TLS, the socket is one further down.
                bare = one if isinstance(one, socket.socket) else getattr(one, "socket", None)
                if isinstance(bare, socket.socket):
                    with suppress(OSError):
                        # Not an SSL socket's own method, which takes away what the thread reads by.
                        socket.socket.shutdown(bare, socket.SHUT_RDWR)


#: The request of this thread; none in a thread that has not begun one.
_watched: Final[ContextVar[WatchedRequest | None]] = ContextVar("watched", default=None)


class _Watching:
    """A base class for urllib3's connections, so that requests can be shut down."""

    sock: Any

    def connect(self) -> None:
        """Connect, unless it is too late."""
        _hold(self)
        super().connect()  # type: ignore[misc]
        _hold(self)

    def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the class below has it
        """Send a request, unless it is too late."""
        reused = self.sock is not None
        if not reused:
            self.connect()
        _hold(self)
        if (watched := _watched.get()) is not None:
            watched.sent, watched.reused = True, reused
        super().request(*args, **kwargs)  # type: ignore[misc]


def _hold(connection: _Watching) -> None:
    if (watched := _watched.get()) is not None:
        watched.hold(connection)


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections can be shut down by the thread that watches the request."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as it is called
        """Set up the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        _watch_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401 - as it is typed
        """Return the pools of connections through a proxy."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not known:
            _watch_pools(manager)
        return manager


def _watch_pools(manager: Any) -> None:  # noqa: ANN401 - of either kind, as above
    manager.pool_classes_by_scheme = {
        scheme: _watched_pool(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _watched_pool(pool: Any) -> type:  # noqa: ANN401 - a class of urllib3's
    connection = type("WatchedConnection", (_Watching, pool.ConnectionCls), {})
    return type("WatchedPool", (pool,), {"ConnectionCls": connection})
