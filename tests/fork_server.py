"""Forks processes that have imported recon already, for `tests/forked.py`.

A fresh interpreter spends a second on imports before it does anything. What is forked here has them
behind it, and is a process like any other: with streams, a directory, an environment, signals and
an exit code of its own. It ends with its parent, and that with this process, which ends with the
test process, however each of them ends.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import warnings
from typing import Any

import recon.cli
import recon.jobs
import recon.report

#: What most commands load, in the order of their start.
_ALSO = (
    "pandas", "pyarrow", "psycopg", "alembic.command", "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite", "recon.store.schema", "tests.factories",
)  # fmt: skip


def _import_all() -> None:
    for package in (recon.cli, recon.jobs, recon.report):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for name in _ALSO:
        importlib.import_module(name)


#: https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def end_with(parent: int) -> None:
    """Let SIGKILL end this process when its parent ends, whose number this is."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it has ended before
        os._exit(1)


def _next_request(control: socket.socket) -> dict[str, Any] | None:
    """Return a request in the process forked for it, or nothing when nobody can ask any more."""
    server = os.getpid()
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 4)
        if not descriptors:
            return None
        if os.fork() == 0:
            end_with(server)
            control.close()
            return _forked(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _forked(stdin: int, stdout: int, stderr: int, status: int) -> dict[str, Any]:
    """Fork once more: the parent waits and says how the child ended, the child returns."""
    with socket.socket(fileno=status) as line, line.makefile("rw") as told:
        request: dict[str, Any] = json.loads(told.readline())
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        between = os.getpid()
        child = os.fork()
        if child:
            for descriptor in (stdin, stdout, stderr):
                os.close(descriptor)
            told.write(f"{child}\n")
            told.flush()
            _, ended = os.waitpid(child, 0)
            told.write(f"{os.waitstatus_to_exitcode(ended)}\n")
            told.flush()
            os._exit(0)
    end_with(between)
    for number, descriptor in enumerate((stdin, stdout, stderr)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    return request


def main() -> None:
    """Serve until the socket whose number is given is closed at the other end."""
    # Nobody waits for the processes between: the system may forget them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # The one thread besides is that of pyarrow's allocator, which knows of forks.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    _import_all()
    # Collecting what was imported would copy it into each process.
    gc.freeze()
    request = _next_request(socket.socket(fileno=int(sys.argv[1])))
    if request is None:
        return
    # A test run in the background ignores some signals.
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv = request["argv"]
    exec(request["code"], {"__name__": "__main__"})  # noqa: S102 - the tests' own code


if __name__ == "__main__":
    main()
