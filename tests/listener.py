"""An HTTP server on loopback that notes what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(slots=True)
class Listener:
    """An HTTP server that notes what it is told."""

    url: str = ""
    status: int = 200
    told: list[tuple[str, str]] = field(default_factory=list)
    """Path and body."""


@contextmanager
def listener() -> Iterator[Listener]:
    """Serve until the block ends."""
    noted = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            noted.told.append((self.path, self.rfile.read(size).decode()))
            self.send_response(noted.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        noted.url = f"http://127.0.0.1:{server.server_port}/secret-token"
        try:
            yield noted
        finally:
            # Without this the thread would go on with a socket that is closed, for ever.
            server.shutdown()
            thread.join()
