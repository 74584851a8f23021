"""The clock, pauses and environment of a job, passed in so that tests and the demo can set them."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recon.octopods.pacing import Pacer


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Clock, pauses, random numbers and environment."""

    clock: Callable[[], datetime] = _now
    """Returns the current time, aware and in UTC."""
    monotonic: Callable[[], float] = time.monotonic
    """Returns seconds that never decrease."""
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.SystemRandom)
    """For the jitter of pauses."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    mail_seconds: float = 120
    """How many seconds the mail server may take for one mail."""
    pacers: dict[str, Pacer] = field(default_factory=dict)
    """By the fingerprint of a key: its pacer, which spaces its requests, from any account."""
