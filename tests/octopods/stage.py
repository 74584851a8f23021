"""A server on loopback that plays what a test wrote for it, and clocks that only sleeping moves."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from pydantic import SecretStr

from recon.octopods.client import Client
from recon.octopods.pacing import Pacer

NOW = datetime(2026, 4, 24, 10, 23, 45, tzinfo=UTC)
KEY = "wa-key-7f3b9c2d"


class Player(BaseHTTPRequestHandler):
    """Hands each request to the next act of the stage."""

    protocol_version = "HTTP/1.1"
    stage: Stage

    def do_GET(self) -> None:
        self.stage.perform(self)

    def log_message(self, *_: object) -> None:
        """Keep standard error clean."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        del timestamp
        return format_datetime(self.stage.date, usegmt=True)

    def give(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | dict(headers)).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(content)
        except ConnectionError:
            self.close_connection = True

    def reset(self) -> None:
        """Close so that the kernel sends RST: closing with unsent time zero makes it."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RD)
        self.rfile.close()
        self.connection.close()
        self.close_connection = True


Act = Callable[[Player], None]


@dataclass(slots=True)
class Stage:
    """What the server plays, one act a request (the last one again and again), and what it saw."""

    acts: Sequence[Act] = ()
    date: datetime = NOW
    """What the `Date` header says."""
    seen: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def perform(self, player: Player) -> None:
        act = self.acts[min(len(self.seen), len(self.acts) - 1)]
        self.seen.append((player.path, dict(player.headers.items())))
        act(player)


class Server(ThreadingHTTPServer):
    """Does not wait for connections that a client keeps open, nor tell that one hung up."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        del request, client_address


@contextmanager
def staged() -> Iterator[Stage]:
    """Serve a stage on a free port of loopback."""
    stage = Stage()
    player = type("Staged", (Player,), {"stage": stage})
    with Server(("127.0.0.1", 0), player) as server:
        stage.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield stage
        finally:
            stage.over.set()
            server.shutdown()
            thread.join()


# --- acts --------------------------------------------------------------------------------------


def says(body: object, status: int = 200, **headers: str) -> Act:
    """Answer with JSON, or with text as it stands; `_` in a header's name is `-`."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda player: player.give(status, content, named)


def sends(content: bytes, **headers: str) -> Act:
    """Answer 200 with these bytes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda player: player.give(200, content, named)


def fails(status: int, code: object = None, text: str = "It did not work.", **headers: str) -> Act:
    """Answer an error in the provider's own form."""
    body: dict[str, object] = {"request_id": "req-1", "error": text}
    return says(body if code is None else body | {"error_code": code}, status, **headers)


def resets(player: Player) -> None:
    """Break the connection before the answer."""
    player.reset()


def drips(content: bytes, pause: float, stage: Stage) -> Act:
    """Answer byte by byte."""

    def act(player: Player) -> None:
        player.close_connection = True
        player.give(200, b"", {"Content-Length": str(len(content))})
        for at in range(len(content)):
            if stage.over.wait(pause):
                return
            player.wfile.write(content[at : at + 1])

    return act


def stalls(stage: Stage) -> Act:
    """Never answer."""

    def act(player: Player) -> None:
        player.close_connection = True
        stage.over.wait(30)

    return act


# --- clocks and clients ------------------------------------------------------------------------


@dataclass(slots=True)
class Clock:
    """A time of day and seconds that only sleeping moves."""

    now: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def time(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return (self.now - NOW).total_seconds() + 1000

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes clients of the stage."""

    stage: Stage
    clock: Clock
    session: requests.Session

    def __call__(self, min_interval_seconds: float = 0.0, **changed: Any) -> Client:  # noqa: ANN401 - whatever a test changes
        return Client(
            **{
                "base_url": self.stage.url,
                "api_key": SecretStr(KEY),
                "account": "main",
                "session": self.session,
                "timeout_seconds": 10.0,
                "max_wait_seconds": 900.0,
                "clock": self.clock.time,
                "monotonic": self.clock.monotonic,
                "sleep": self.clock.sleep,
                "rng": random.Random(7),
                "pacer": self.pacer(min_interval_seconds),
                **changed,
            }
        )

    def pacer(self, seconds: float) -> Pacer:
        return Pacer(seconds, monotonic=self.clock.monotonic)
