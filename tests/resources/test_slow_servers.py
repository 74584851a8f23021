"""Servers that send a byte now and then: a command ends in its time, and the next one is right."""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from recon.cli.common import Session
from recon.cli.run import command
from recon.errors import MailError, TemporaryError
from recon.simulator import http_faults
from tests.cli.mailing import EMAIL, add_to_config, report_email
from tests.cli.nights import Nights, nights
from tests.factories import DAY, NOON
from tests.octopods.raw_server import raw_server
from tests.smtp import mail_server


def _drip(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"220 mail.test\r\n")
    while not over.wait(0.02):
        connection.sendall(b"2")


def test_octopods(tmp_path: Path, migrated_sqlite: Path) -> None:
    url = f"sqlite:///{tmp_path / 'recon.db'}"
    (tmp_path / "recon.db").write_bytes(migrated_sqlite.read_bytes())
    drips = [http_faults.drip(0.02)]
    with nights(tmp_path, url, octopods="timeout_seconds = 0.3", script=drips) as made:
        made.send(3, start=NOON)
        begun = time.monotonic()
        assert made.run() == TemporaryError.exit_code
        assert time.monotonic() - begun < 5
        assert made.run() == 0
        assert made.workshop.report()["verdict"] == "clean"


def test_the_mail_server(tmp_path: Path, migrated_sqlite: Path) -> None:
    url = f"sqlite:///{tmp_path / 'recon.db'}"
    (tmp_path / "recon.db").write_bytes(migrated_sqlite.read_bytes())
    with raw_server(_drip) as slow, nights(tmp_path, url) as made, mail_server(tmp_path) as box:
        made.send(3, start=NOON)
        add_to_config(tmp_path, EMAIL.format(port=slow.port, more=""))
        begun = time.monotonic()
        assert _run(made, mail_seconds=0.3) == MailError.exit_code
        assert time.monotonic() - begun < 5
        config = tmp_path / "recon.toml"
        config.write_text(re.sub(r"\nport = \d+", f"\nport = {box.port}", config.read_text()))
        assert report_email(made) == 0
        assert report_email(made) == 0
        assert len(box.mails) == 1


def _run(made: Nights, *, mail_seconds: float) -> int:
    with ExitStack() as at_exit:
        runtime = replace(made.runtime(), mail_seconds=mail_seconds)
        session = Session(made.workshop.path / "recon.toml", runtime, at_exit)
        argv = ["--date", DAY, "--output", str(made.workshop.path / "reports")]
        return int(command.main(argv, obj=session, standalone_mode=False))
