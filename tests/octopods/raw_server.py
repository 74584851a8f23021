"""A server of bare sockets on loopback, for what no HTTP server would send."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Handler = Callable[[socket.socket, threading.Event], None]


@dataclass(slots=True)
class RawServer:
    """Where it listens, and how many connections it has at the moment."""

    port: int
    ended: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released once for each connection that is over."""

    def url(self, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}"


@contextmanager
def raw_server(handler: Handler) -> Iterator[RawServer]:
    """Hand each connection to `handler`, in a thread of its own, until the block ends."""
    over = threading.Event()
    threads: list[threading.Thread] = []
    open_: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = RawServer(listening.getsockname()[1])

        def handle(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                handler(connection, over)
            server.ended.release()

        def accept() -> None:
            with suppress(OSError):
                while not over.is_set():
                    connection, _ = listening.accept()
                    thread = threading.Thread(target=handle, args=(connection,), daemon=True)
                    threads.append(thread)
                    open_.append(connection)
                    thread.start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)
            for connection in open_:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in [accepting, *threads]:
                thread.join(5)


def answers(content: bytes) -> Handler:
    """Read a request, send these bytes, and close."""

    def handler(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)

    return handler


def drips(begin: bytes, again: bytes, pause: float = 0.02) -> Handler:
    """Read a request, send `begin`, then a byte of `again` at a time, over and over."""

    def handler(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(begin)
        while True:
            for at in range(len(again)):
                if over.wait(pause):
                    return
                connection.sendall(again[at : at + 1])

    return handler
