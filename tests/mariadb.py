"""A real MariaDB server for the tests, thrown away at the end.

The server is the machine's own (Debian's package `mariadb-server`). It has a data directory of its
own and listens on nothing but a socket in it.
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from tests import memory

#: Speed and little memory, for what is thrown away.
_SETTINGS = (
    "--no-defaults",
    "--skip-networking",
    "--skip-log-bin",
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=0",
    "--sync-frm=0",
    "--innodb-fast-shutdown=2",
    "--key-buffer-size=1M",
    "--max-connections=20",
)

#: Why tests are skipped where the server cannot be started.
MISSING = "mariadbd is not installed (Debian's package mariadb-server)"


def is_missing() -> bool:
    """Say whether this machine has no MariaDB server."""
    return not (_program("mariadbd") and _program("mariadb-install-db"))


@contextmanager
def server() -> Iterator[str]:
    """Start a server, give the URL of its empty database `records`, and stop it."""
    # The path of a socket has to be short.
    room = Path(tempfile.mkdtemp(prefix="recon-my-", dir=memory.directory()))
    try:
        _make_data_directory(room)
        with _running(room):
            yield f"mysql+pymysql://root@localhost/records?unix_socket={room / 'socket'}"
    finally:
        shutil.rmtree(room)


def _make_data_directory(room: Path) -> None:
    try:
        subprocess.run(  # noqa: S603 - found by us, nothing from outside
            [
                _program("mariadb-install-db"), "--no-defaults", f"--datadir={room / 'data'}",
                f"--user={getpass.getuser()}", "--skip-test-db", "--skip-name-resolve",
                "--auth-root-authentication-method=normal",
            ],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"mariadb-install-db failed:\n{error.stdout}{error.stderr}") from error


@contextmanager
def _running(room: Path) -> Iterator[None]:
    start = room / "start.sql"
    start.write_text("CREATE DATABASE records CHARACTER SET utf8mb4;\n")
    process = subprocess.Popen(  # noqa: S603 - found by us, nothing from outside
        [
            _program("mariadbd"), *_SETTINGS, f"--datadir={room / 'data'}",
            f"--socket={room / 'socket'}", f"--pid-file={room / 'pid'}",
            f"--user={getpass.getuser()}", f"--init-file={start}",
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            if "ready for connections" in line:
                break
        else:
            raise RuntimeError("mariadbd did not start:\n" + "".join(said))
        # What it says from here on is thrown away, so that it never waits for a reader.
        reader = Thread(target=process.stderr.read)
        reader.start()
        try:
            yield
        finally:
            process.terminate()
            reader.join()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def _program(name: str) -> str:
    """Return the path of one of the server's programs, or nothing."""
    # The server itself stands in a directory that is not on every user's path.
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") or ""
