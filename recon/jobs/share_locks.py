"""Locks with which several commands share the days of an account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from recon.store import lock
from recon.store.lock import LockHeldError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.core.shards import Share
    from recon.jobs.runtime import Runtime


@contextmanager
def held(engine: Engine, account: str, share: Share | None) -> Iterator[None]:
    """Lock an account, or only a part of its days.

    A lock of a part excludes a run of the whole account, and the reverse.

    Raises:
        LockHeldError: another run works on them.
    """
    if share is None or share.parts == 1:
        with lock.hold(engine, account):
            yield
        return
    # No account has this name, because names cannot contain a colon.
    days = f"days:{account}:{share.first}:{share.last}"
    with lock.hold(engine, account, shared=True), ExitStack() as stack:
        try:
            stack.enter_context(lock.hold(engine, days))
        except LockHeldError as error:
            raise LockHeldError(
                f"another command is processing {share.first} to {share.last} of account "
                f"{account!r}",
                hint="Try again when it has ended.",
            ) from error
        yield


@contextmanager
def turn_to_ask(
    engine: Engine, share: Share, settings: Settings, runtime: Runtime
) -> Iterator[None]:
    """Let only one of the commands that share an account make requests at a time; others wait.

    Raises:
        LockHeldError: others took longer than a run may wait.
    """
    if share.parts == 1:
        yield
        return
    most = settings.octopods.max_wait_seconds
    with ExitStack() as stack:
        try:
            turn = lock.hold_in_turn(engine, f"ask:{share.account}", sleep=runtime.sleep, most=most)
            stack.enter_context(turn)
        except LockHeldError as error:
            raise LockHeldError(
                f"account {share.account!r}: other parts of the range are still making requests "
                f"after {most:g} seconds, the longest wait of a run (octopods.max_wait_seconds)",
                hint="Try again when they have ended.",
            ) from error
        # Another one may have made a request just now.
        runtime.sleep(settings.octopods.min_interval_seconds)
        yield
