"""Locks of commands that share the days of an account, so that they work beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recon.store import lock

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.core.shards import Share
    from recon.jobs.runtime import Runtime


@contextmanager
def held(engine: Engine, account: str, share: Share | None) -> Iterator[None]:
    """Keep others from an account, or only from a part of its days.

    A part keeps runs of the whole account out, and these keep it out.

    Raises:
        LockHeldError: another run works on them.
    """
    if share is None or share.parts == 1:
        with lock.hold(engine, account):
            yield
        return
    # No account is called so: a colon cannot stand in its name.
    days = f"days:{account}:{share.first}:{share.last}"
    with lock.hold(engine, account, shared=True), lock.hold(engine, days):
        yield


@contextmanager
def turn_to_ask(
    engine: Engine, share: Share, settings: Settings, runtime: Runtime
) -> Iterator[None]:
    """Let one of the commands that share an account make requests at a time; the others wait.

    Raises:
        LockHeldError: it took others longer than a run may wait.
    """
    if share.parts == 1:
        yield
        return
    most = settings.octopods.max_wait_seconds
    with lock.hold_in_turn(engine, f"ask:{share.account}", sleep=runtime.sleep, most=most):
        # Another one may have made a request just now.
        runtime.sleep(settings.octopods.min_interval_seconds)
        yield
