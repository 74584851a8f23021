"""What can go wrong on the way: faults that the server plays instead of its answer."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Protocol

from recon.simulator import simulated_responses
from recon.simulator.rate_limits import RetryForm
from recon.simulator.simulated_responses import SimulatedResponse

_BLOCK: Final = 64 * 1024
_HTML: Final = {"Content-Type": "text/html; charset=utf-8"}


class FaultKind(Enum):
    """How an answer goes wrong."""

    SERVER_ERROR = "500 with an error in JSON"
    UNAVAILABLE = "503 with a page of HTML"
    RESET = "the connection is reset"
    TRUNCATED = "the body ends in the middle"
    NOT_JSON = "200 with a page of HTML"
    DRIP = "the body comes byte by byte"
    TIMEOUT = "no answer comes"
    RATE_LIMITED = "429"
    REDIRECT = "302 to another place"
    NOT_FOUND_PAGE = "404 with a page of HTML"
    PASSING = "400 with an error in JSON that speaks of a passing condition"
    DENIED = "400 with the error of an id that does not exist"
    OVERSIZE = "the body does not end for a long time"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    `seconds` is, by kind, the pause between two bytes, how long no answer comes, or how far away
    the retry stamp is.
    """

    kind: FaultKind
    seconds: float = 0.0
    form: RetryForm = RetryForm.HEADER_SECONDS
    location: str = ""
    size: int = 0


def server_error() -> Fault:
    """A 500 in the provider's own form."""
    return Fault(FaultKind.SERVER_ERROR)


def unavailable() -> Fault:
    """A 503 from something in front of the provider, in HTML."""
    return Fault(FaultKind.UNAVAILABLE)


def reset() -> Fault:
    """A connection that is reset before the answer."""
    return Fault(FaultKind.RESET)


def truncated() -> Fault:
    """The right answer, closed after half of its body."""
    return Fault(FaultKind.TRUNCATED)


def not_json() -> Fault:
    """A 200 whose body is a login page."""
    return Fault(FaultKind.NOT_JSON)


def drip(pause: float = 0.05) -> Fault:
    """The right answer, one byte each `pause` seconds."""
    return Fault(FaultKind.DRIP, seconds=pause)


def timeout(seconds: float = 60.0) -> Fault:
    """No answer at all; the connection closes after `seconds`."""
    return Fault(FaultKind.TIMEOUT, seconds=seconds)


def rate_limited(form: RetryForm = RetryForm.HEADER_SECONDS, seconds: float = 1.0) -> Fault:
    """A 429 that asks in `form` to come back after `seconds` of the simulated clock."""
    return Fault(FaultKind.RATE_LIMITED, seconds=seconds, form=form)


def redirect(location: str = "https://login.example.com/") -> Fault:
    """A 302; who follows it may carry the key to a stranger."""
    return Fault(FaultKind.REDIRECT, location=location)


def not_found_page() -> Fault:
    """A 404 from something in front of the provider, in HTML."""
    return Fault(FaultKind.NOT_FOUND_PAGE)


def passing() -> Fault:
    """A 400 with an undocumented error code, whose text says to try again."""
    return Fault(FaultKind.PASSING)


def denied() -> Fault:
    """A 400 with the error of an id that does not exist, for whichever id was asked for."""
    return Fault(FaultKind.DENIED)


def oversize(size: int = 256 * 1024 * 1024) -> Fault:
    """A 200 with `size` bytes of JSON, sent until the client hangs up."""
    return Fault(FaultKind.OVERSIZE, size=size)


class Wire(Protocol):
    """What a fault needs of the connection that it spoils."""

    connection: socket.socket
    close_connection: bool

    def give(self, answer: SimulatedResponse, *, length: int | None = None) -> None:
        """Send an answer; `length` is what the header claims, where that is not true."""

    def give_bytes(self, content: bytes) -> None:
        """Send more of a body."""

    def pause(self, seconds: float) -> bool:
        """Wait; `True` where the server stops meanwhile."""

    def hang_up(self) -> None:
        """Close the connection at once, without the usual farewell."""


def play(
    fault: Fault, wire: Wire, answer: SimulatedResponse, *, now: datetime, request_id: str
) -> None:
    """Spoil the sending of `answer` as `fault` says; `now` is the simulated clock."""
    acts: dict[FaultKind, Callable[[], None]] = {
        FaultKind.RESET: lambda: _reset(wire),
        FaultKind.TRUNCATED: lambda: _truncate(wire, answer),
        FaultKind.DRIP: lambda: _drip(wire, answer, fault.seconds),
        FaultKind.TIMEOUT: lambda: _say_nothing(wire, fault.seconds),
        FaultKind.OVERSIZE: lambda: _flood(wire, fault.size),
    }
    act = acts.get(fault.kind)
    if act is None:
        wire.give(_instead(fault, now, request_id))
    else:
        wire.close_connection = True
        act()


def _instead(fault: Fault, now: datetime, request_id: str) -> SimulatedResponse:
    match fault.kind:
        case FaultKind.RATE_LIMITED:
            until = now + timedelta(seconds=fault.seconds)
            return simulated_responses.rate_limited(fault.form, until, now, request_id=request_id)
        case FaultKind.UNAVAILABLE:
            return SimulatedResponse(503, b"<html><body>Service Unavailable</body></html>", _HTML)
        case FaultKind.NOT_JSON:
            return SimulatedResponse(200, b"<html><body>Please log in.</body></html>", _HTML)
        case FaultKind.NOT_FOUND_PAGE:
            return SimulatedResponse(404, b"<html><body>Not Found</body></html>", _HTML)
        case FaultKind.PASSING:
            text = "The message store is temporarily unavailable, try again later."
            return simulated_responses.error(400, text, request_id=request_id, code=7)
        case FaultKind.DENIED:
            text, code = "There is no message with this id.", simulated_responses.NO_SUCH_MESSAGE
            return simulated_responses.error(400, text, request_id=request_id, code=code)
        case FaultKind.REDIRECT:
            return SimulatedResponse(302, b"", {"Location": fault.location})
        case _:
            return simulated_responses.error(
                500, "Internal server error.", request_id=request_id, code=99
            )


def _reset(wire: Wire) -> None:
    # Closing with unsent time zero makes the kernel send RST instead of FIN.
    wire.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.hang_up()


def _truncate(wire: Wire, answer: SimulatedResponse) -> None:
    half = answer.body[: len(answer.body) // 2]
    wire.give(replace(answer, body=half), length=len(answer.body))


def _drip(wire: Wire, answer: SimulatedResponse, pause: float) -> None:
    wire.give(replace(answer, body=b""), length=len(answer.body))
    for at in range(len(answer.body)):
        if wire.pause(pause):
            return
        wire.give_bytes(answer.body[at : at + 1])


def _say_nothing(wire: Wire, seconds: float) -> None:
    wire.pause(seconds)


def _flood(wire: Wire, size: int) -> None:
    opening = b'{"messages": ["'
    wire.give(SimulatedResponse(200, opening, {"Content-Type": "application/json"}), length=size)
    block = b"x" * _BLOCK
    for _ in range(max(0, size - len(opening)) // _BLOCK):
        wire.give_bytes(block)
