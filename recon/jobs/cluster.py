"""Run the tasks of a backfill on a Dask cluster. No other module uses Dask."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import recon
from recon.errors import ConfigError, InputError, TemporaryError
from recon.jobs.backfill import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

P = ParamSpec("P")
T = TypeVar("T")

#: How long the scheduler may take to answer, and the first worker to be there, in seconds.
PATIENCE: Final = 30.0
_LOST: Final = "the connection to the Dask scheduler was lost"


@contextmanager
def workers(address: str, patience: float = PATIENCE) -> Iterator[Workers]:
    """Provide the workers of a Dask cluster.

    If a worker is lost, another one does its task. Tasks that are not done at the end of the block
    are cancelled. Functions, arguments and results are pickled, so workers need the same version of
    recon.

    Args:
        address: the scheduler's, such as `tcp://scheduler:8786`, or `tls://…` with the certificates
            in Dask's own configuration.
        patience: how many seconds to wait for the scheduler and for a first worker.

    Raises:
        ConfigError: Dask is not installed.
        InputError: the address is not valid, or a worker has another version of recon or lacks it.
        TemporaryError: the scheduler cannot be reached, or has no worker.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError(
            "--scheduler needs Dask, which is not installed",
            hint="Install the extra: `pip install 'octopods-recon[dask]'`.",
        ) from error
    try:
        client = Client(address, timeout=patience, set_as_default=False, name="recon")
    except ValueError as error:
        raise InputError(
            f"--scheduler {address}: not an address of a Dask scheduler: {error}",
            hint="Write it as tcp://HOST:8786; `dask scheduler` prints its address when it starts.",
        ) from error
    except OSError as error:
        raise TemporaryError(
            f"the Dask scheduler at {address} cannot be reached: {error}",
            hint="Check that the scheduler is running and that --scheduler is its address.",
        ) from error
    # Dask logs a lost connection with tracebacks; recon's own errors say it in words.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with client:
        count = _ready(client, address, patience)
        yield Workers(_OnCluster(client), count, have_our_files=False)


class _OnCluster(Executor):
    """Dask's own executor, with the standard library's errors for lost workers."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tasks = client.get_executor(pure=False)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand a task to the scheduler."""
        try:
            theirs = self._tasks.submit(fn, *args, **kwargs)
        except Exception as error:
            # A client that has lost its scheduler for good takes nothing more.
            if self._client.status == "running":
                raise
            raise BrokenExecutor(_LOST) from error
        ours: Future[T] = Future()
        theirs.add_done_callback(lambda done: _pass_on(done, ours))
        return ours


def _pass_on(theirs: Future[T], ours: Future[T]) -> None:
    from distributed import KilledWorker

    if theirs.cancelled():
        # Only the loss of the scheduler cancels what nobody has cancelled here.
        ours.set_exception(BrokenExecutor(_LOST))
        return
    error = theirs.exception()
    if isinstance(error, KilledWorker):
        ours.set_exception(BrokenExecutor("several Dask workers were lost with the same task"))
    elif error is not None:
        ours.set_exception(error)
    else:
        ours.set_result(theirs.result())


def _ready(client: Client, address: str, patience: float) -> int:
    """Wait for a worker, check that all have this version, and count their threads."""
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError as error:
        raise TemporaryError(
            f"the Dask scheduler at {address} has no worker",
            hint=f"Start workers: `dask worker {address} --nworkers auto --nthreads 1`.",
        ) from error
    for worker, version in client.run(_version, on_error="return").items():
        if version != recon.__version__:
            has = version if isinstance(version, str) else f"none that works ({version})"
            raise InputError(
                f"the Dask worker {worker} has another version of recon: {has}",
                hint=f"Install octopods-recon {recon.__version__} on each worker.",
            )
    return sum(client.nthreads().values())


def _version() -> str:
    return recon.__version__
