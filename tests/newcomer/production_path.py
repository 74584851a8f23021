"""The production path of README.md, command by command, as a newcomer types it.

    python -m tests.newcomer.production_path DIST PACKAGES

DIST is a directory with the wheel, PACKAGES one with what the wheel needs, so that nothing is
downloaded. Where root runs this, the newcomer is another user. Only what no test machine can have
is replaced: host names, and the directories of the system, which lie in a directory of this test.

Its days are simulated ones, by libfaketime: the first night, a good night, and one with a send that
Octopods never got. The nights and polls run by the lines of deploy/crontab, as cron runs them.
"""

from __future__ import annotations

import csv
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from recon.simulator.channel import SIMULATED_KEY, Channel
from recon.simulator.server import serve
from tests import postgres, smtp

ROOT: Final = Path(__file__).parents[2]
DUBLIN: Final = ZoneInfo("Europe/Dublin")
#: When the newcomer begins, after a day of which Octopods lists the second half only.
FIRST_MORNING: Final = datetime(2026, 4, 23, 9, tzinfo=DUBLIN)
_SYSTEM: Final = re.compile(r"/(?:opt|etc|var/lib)/recon\b")
_BLOCK: Final = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
#: What cron of Debian, RHEL and Alpine sets, and no more.
_CRON: Final = ("HOME", "LOGNAME", "SHELL", "PATH")


def blocks() -> list[tuple[str, list[str]]]:
    """Return the blocks of README.md's production path: language and lines."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [path] = re.findall(r"^## In production\n(.*?)^## ", readme, re.MULTILINE | re.DOTALL)
    return [
        (language, [line.strip() for line in body.splitlines() if line.strip()])
        for language, body in _BLOCK.findall(path)
    ]


@dataclass
class Clock:
    """The time of the simulated days."""

    ahead: timedelta = timedelta()

    def set(self, to: datetime) -> None:
        self.ahead = to - datetime.now(UTC)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True)
class Newcomer:
    """The user, and the directory that stands for the machine."""

    room: Path
    user: str | None
    """`None` for the user of this process."""
    python: Path
    clock: Clock
    faketime: str
    replaced: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.room / "var/lib/recon"

    def real(self, text: str) -> str:
        """Return a text of the page with this machine's hosts and directories."""
        for wanted, instead in self.replaced.items():
            text = text.replace(wanted, instead)
        return _SYSTEM.sub(lambda found: f"{self.room}{found[0]}", text)

    def run(self, line: str, *, more: str = "") -> subprocess.CompletedProcess[str]:
        """Run a line as cron and a login shell would: with `sh -c`, at home, few variables."""
        environ = {
            "HOME": str(self.home),
            "LOGNAME": "recon",
            "SHELL": "/bin/sh",
            "PATH": f"{self.python.parent}:/usr/bin:/bin",
        }
        assert tuple(environ) == _CRON
        environ |= {
            "LD_PRELOAD": self.faketime,
            # Of an interpreter that was copied.
            "LD_LIBRARY_PATH": str(self.python.parents[1] / "lib"),
            "FAKETIME": f"{self.clock.ahead.total_seconds():+.3f}",
            "NO_FAKE_STAT": "1",
            # Nothing is downloaded: what the wheel needs is there.
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        entry = None if self.user is None else pwd.getpwnam(self.user)
        return subprocess.run(  # noqa: S603 - the page's own commands
            ["/bin/sh", "-c", more + self.real(line)],
            check=False,
            cwd=self.home,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            user=None if entry is None else entry.pw_uid,
            group=None if entry is None else entry.pw_gid,
            extra_groups=None if entry is None else (),
            umask=0o022,
        )

    def type(self, line: str) -> str:
        """Run a command of the page, which must succeed; return what it says."""
        show(f"$ {line}")
        ended = self.run(line)
        if ended.returncode:
            raise SystemExit(f"ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def cron(self, line: str, at: datetime) -> str:
        """Run a line of the crontab at a time; return what cron would mail."""
        self.clock.set(at)
        ended = self.run(line)
        must(ended.returncode == 0, f"cron's line ended with {ended.returncode}: {ended.stderr}")
        return ended.stdout + ended.stderr

    def report(self, day: date) -> dict[str, object]:
        path = self.home / f"reports/main/{day}.json"
        found: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
        return found


def show(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a script


def must(holds: object, otherwise: str) -> None:
    if not holds:
        raise SystemExit(f"the production path failed: {otherwise}")


@dataclass(frozen=True)
class Shop:
    """The newcomer's business: what it sends, and records in PostgreSQL."""

    channel: Channel
    owner: sa.Engine

    def create(self) -> None:
        with self.owner.begin() as connection:
            connection.execute(
                sa.text(
                    "CREATE TABLE sends (id bigserial PRIMARY KEY, octopods_id bigint, "
                    "recipient text, sent_at timestamptz, status text)"
                )
            )

    def send(self, day: date, count: int) -> None:
        """Send and record messages between ten and eight."""
        first = datetime(day.year, day.month, day.day, 10, tzinfo=DUBLIN)
        for number in range(count):
            at = first + number * timedelta(hours=10) / count
            message = self.channel.send(f"+353871{number:06}", at)
            self.record(message.message_id, f"+353871{number:06}", at)

    def record(self, message_id: int, recipient: str, at: datetime) -> None:
        with self.owner.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO sends (octopods_id, recipient, sent_at, status) "
                    "VALUES (:id, :recipient, :at, 'sent')"
                ),
                {"id": message_id, "recipient": recipient, "at": at},
            )


def walk(newcomer: Newcomer, shop: Shop, box: smtp.MailBox) -> None:
    """Follow the page, then let two nights pass."""
    setting_up(newcomer, shop)
    ran = newcomer.report(date(2026, 4, 22))
    must(ran["verdict"] == "incomplete", f"the first night was {ran['verdict']}")
    must(box.mails, "no test mail came")
    must_only_read(newcomer)
    box.mails.clear()
    collect, night = crontab()

    shop.send(date(2026, 4, 23), 60)
    said = [newcomer.cron(collect, datetime(2026, 4, 23, hour, tzinfo=DUBLIN)) for hour in (14, 20)]
    said.append(newcomer.cron(night, datetime(2026, 4, 24, 3, 15, tzinfo=DUBLIN)))
    ran = newcomer.report(date(2026, 4, 23))
    show(f"second night: {ran['verdict']}")
    must(ran["verdict"] == "clean", f"the second night: {json.dumps(ran, indent=1)} {said}")
    must(not any(said), f"cron would mail about a good night: {said}")
    box.mails.clear()

    shop.send(date(2026, 4, 24), 30)
    shop.record(1, "+353871999999", datetime(2026, 4, 24, 12, tzinfo=DUBLIN))
    alert = newcomer.cron(night, datetime(2026, 4, 25, 3, 15, tzinfo=DUBLIN))
    show(f"bad night, mailed by cron:\n  {alert.strip()}")
    must(alert.startswith("attention: main 2026-04-24"), f"cron says {alert!r}")
    subjects = [mail.mail["Subject"] for mail in box.mails]
    show(f"bad night, mailed by recon: {subjects}")
    must(len(subjects) == 1 and subjects[0].startswith("[recon] main 2026-04-24: "), "no alert")
    with (newcomer.home / "reports/main/2026-04-24.csv").open(encoding="utf-8") as file:
        kinds = [row["kind"] for row in csv.DictReader(file)]
    must(kinds == ["missing_at_provider"], f"the bad night found {kinds}")


def must_only_read(newcomer: Newcomer) -> None:
    """Try to write to the records as the role that the page makes, with the password it keeps."""
    line = (newcomer.home / ".pgpass").read_text().strip()
    host, _, database, role, password = line.split(":")
    port = int(newcomer.replaced["@db.example.com"].rpartition(":")[2])
    url = sa.URL.create("postgresql+psycopg", role, password, host, port, database)
    reader = sa.create_engine(url, poolclass=sa.NullPool)
    with reader.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM sends"))
        try:
            connection.execute(sa.text("DELETE FROM sends"))
        except sa.exc.ProgrammingError:
            return
    must(holds=False, otherwise="the role of the records may write")


def setting_up(newcomer: Newcomer, shop: Shop) -> None:
    """Type all commands of the page, and edit what it says is to be edited."""
    config = newcomer.room / "etc/recon/recon.toml"
    for language, lines in blocks():
        if language == "sql":
            with shop.owner.begin() as connection:
                connection.exec_driver_sql("\n".join(lines))
            continue
        if language == "toml":
            # A server on loopback, where there is no certificate.
            more = [
                newcomer.real("\n".join(lines)),
                newcomer.real("port = MAIL_PORT"),
                'security = "none"\n',
            ]
            as_user(newcomer, config, config.read_text() + "\n" + "\n".join(more))
            continue
        for line in lines:
            typed(newcomer, line.removeprefix("$ "))


def typed(newcomer: Newcomer, line: str) -> None:
    if line.startswith("# useradd "):
        return
    if line.startswith("# install "):
        # Root's: the newcomer gets the directories, of which some are there already.
        for path in _SYSTEM.findall(line):
            own(newcomer, newcomer.room / path.removeprefix("/"))
        return
    if line.startswith("crontab "):
        show(f"$ {line}")
        return
    said = newcomer.type(f"{line} --base-url OCTOPODS" if " init " in line else line)
    if "-m venv" in line:
        [site] = (newcomer.room / "opt/recon/lib").glob("python3*/site-packages")
        as_user(newcomer, site / "packages.pth", f"{newcomer.room}/packages\n")
    if " init " in line:
        as_user(newcomer, newcomer.room / "etc/recon/octopods-api-key", SIMULATED_KEY)
    if line.endswith(" check"):
        must("WRONG" not in said and "note" not in said, f"check says:\n{said}")


def crontab() -> tuple[str, str]:
    """Return the lines of deploy/crontab that collect and that reconcile, without their times."""
    lines = (ROOT / "deploy/crontab").read_text().splitlines()
    jobs = [line.split(None, 5)[5] for line in lines if re.match(r"[*0-9]", line)]
    must(not any("%" in job for job in jobs), "cron reads a % as the end of the line")
    [collect] = [job for job in jobs if " collect" in job]
    [night] = [job for job in jobs if job != collect]
    return collect, night


def own(newcomer: Newcomer, path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    if newcomer.user is not None:
        shutil.chown(path, newcomer.user)


def as_user(newcomer: Newcomer, path: Path, text: str) -> None:
    """Edit a file as its owner does: owner and mode stay."""
    is_new = not path.exists()
    path.write_text(text)
    if is_new and newcomer.user is not None:
        shutil.chown(path, newcomer.user)


def reachable(source: Path, target: Path, without: Sequence[str] = ()) -> Path:
    """Link a tree, file by file, to where another user may go; copy across file systems."""

    def place(found: str, to: str) -> None:
        try:
            os.link(found, to)
        except OSError:
            shutil.copy2(found, to)

    shutil.copytree(
        source, target, symlinks=True, copy_function=place, ignore=shutil.ignore_patterns(*without)
    )
    return target


def interpreter(room: Path, user: str | None) -> Path:
    """Return a Python that the user may run."""
    here = Path(sys.base_prefix)
    if user is not None:
        ours = ("site-packages", "test", "tests", "__pycache__", "share", "idlelib")
        here = reachable(here, room / "python", without=ours)
        (here / "lib").chmod(0o755)
    return here / "bin/python3"


def libfaketime() -> str | None:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return str(found[0]) if found else None


@contextmanager
def directory() -> Iterator[Path]:
    room = Path(tempfile.mkdtemp(prefix="recon-newcomer-", dir="/tmp"))
    try:
        room.chmod(0o755)
        (room / "var/lib/recon").mkdir(parents=True)
        yield room
    finally:
        shutil.rmtree(room)


def main(dist: Path, packages: Path) -> None:
    faketime = libfaketime()
    if faketime is None:
        show("no libfaketime (Debian: faketime): the production path is not tried")
        return
    user = "nobody" if os.geteuid() == 0 else None
    clock = Clock()
    clock.set(FIRST_MORNING)
    channel = Channel()
    port = smtp.free_port()
    with (
        directory() as room,
        postgres.server(port) as url,
        serve(channel, clock=clock) as octopods,
        smtp.mail_server(room) as box,
    ):
        reachable(packages, room / "packages", without=("recon", "octopods_recon*", "_octopods*"))
        for wheel in dist.glob("*.whl"):
            shutil.copy(wheel, room / "var/lib/recon")
        hosts = {
            "@db.example.com": f"@127.0.0.1:{port}",
            "db.example.com": "127.0.0.1",
            "smtp.example.com": "127.0.0.1",
            "MAIL_PORT": str(box.port),
            "OCTOPODS": octopods,
        }
        newcomer = Newcomer(room, user, interpreter(room, user), clock, faketime, hosts)
        own(newcomer, newcomer.home)
        with shop_database(url) as owner:
            shop = Shop(channel, owner)
            shop.create()
            # A few more than are listed: the first night asks for each of those, one a second.
            shop.send(date(2026, 4, 22), 104)
            walk(newcomer, shop, box)


@contextmanager
def shop_database(url: str) -> Iterator[sa.Engine]:
    """Create the database `shop`, and connect as its owner."""
    create: Callable[[str], sa.Engine] = partial(sa.create_engine, poolclass=sa.NullPool)
    server = create(url)
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("CREATE DATABASE shop"))
    yield create(url.replace("/postgres?", "/shop?"))


if __name__ == "__main__":
    main(*(Path(argument).absolute() for argument in sys.argv[1:]))
