"""Secrets and phone numbers: what each command shows, logs, stores, writes and sends, searched.

Every secret and every number here is made up for this file, so that one that is found anywhere
comes from the program.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa

from recon.simulator.channel import Channel
from recon.simulator.server import serve
from recon.store.engine import connect
from tests import leaks, postgres
from tests.cli.mailing import add_to_config
from tests.cli.workshop import ACCOUNT, CONFIG, Ended, Workshop
from tests.listener import listener
from tests.smtp import PASSWORD, USER, MailBox, free_port, mail_server

pytestmark = [
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
    pytest.mark.thorough,  # the tour runs each command
]

KEY, KEY_OF_FILE = "canary-key-of-variable", "canary-key-of-file"
DATABASE_PASSWORD, RECORDS_PASSWORD = "canary-database-word", "canary-records-word"
PROXY_PASSWORD = "canary-proxy-word"
TOKEN = "secret-token"
SECRETS = (KEY, KEY_OF_FILE, DATABASE_PASSWORD, RECORDS_PASSWORD, PASSWORD, TOKEN, PROXY_PASSWORD)
#: Of all numbers: the digits behind the country code, so that other spellings are found too.
NUMBER = "+4915770{:05}"
DIGITS = re.compile(r"15770\d{5}")

#: What a script reads holds whole numbers, as the CSV report does.
FOR_SCRIPTS = {
    f"{command} --format {form}"
    for command in ("discrepancies --status all", "retries --date yesterday")
    for form in ("csv", "json")
}

MORE = """
[email]
host = "127.0.0.1"
port = {smtp}
security = "none"
username = "{user}"
password_file = "{path}/smtp-password"
sender = "recon@example.com"
recipients = ["ops@example.com"]

[notify]
urls_env = "NOTIFY_URLS"
when = "always"

[monitoring]
ping_url = "{ping}"
metrics_file = "{path}/recon.prom"

[accounts.second]
api_key_file = "{path}/second-key"

[accounts.second.local]
url = "{records}"
table = "sends"
"""


@dataclass
class Tour:
    """What all commands left behind."""

    said: dict[str, Ended] = field(default_factory=dict)
    """What each command said, by its words."""
    mails: list[bytes] = field(default_factory=list)
    box: MailBox = field(default_factory=MailBox)
    told: list[str] = field(default_factory=list)
    """What was posted to the heartbeat and to the chat."""
    stored: str = ""
    """Every cell of every table."""
    room: Path = Path()

    def files(self, *patterns: str) -> dict[str, str]:
        """Return the texts of the files that were written, by their names."""
        found = (path for pattern in patterns for path in self.room.glob(pattern))
        return {path.name: path.read_text("utf-8", "replace") for path in found if path.is_file()}


def _fill(workshop: Workshop, channel: Channel, day: datetime) -> None:
    """Make a day with findings of several kinds."""
    rows: list[tuple[int, int | None, str, datetime, str]] = []
    for n in range(12):
        at = day + timedelta(hours=9, minutes=n)
        sent = channel.send(NUMBER.format(n), at)
        number = NUMBER.format(n if n != 3 else 99)
        if n != 5:
            rows.append((n, sent.message_id, number, at, "sent" if n != 7 else "failed"))
    rows.append((40, 4_000_000, NUMBER.format(40), day + timedelta(hours=9), "sent"))
    rows.append((41, None, "015770" + "1" * 30, day + timedelta(hours=9), "sent"))
    workshop.add_records(*rows)


def _commands(yesterday: str, before: str) -> Iterator[tuple[str, ...]]:
    yield ("check",)
    yield ("check", "--send-test")
    yield ("collect",)
    yield ("run", "--date", yesterday)
    yield ("run", "--from", before, "--to", yesterday, "--no-email")
    yield ("run", "--date", yesterday, "--dry-run")
    yield ("report", "--date", yesterday)
    yield ("report", "--email")
    for form in ("table", "csv", "json"):
        yield ("discrepancies", "--status", "all", "--format", form)
        yield ("retries", "--date", yesterday, "--format", form)
        yield ("stats", "--format", form)
    yield ("explain", "104")
    yield ("explain", "104", "--format", "json")
    yield ("status",)
    yield ("status", "--format", "json")
    yield ("dashboard", "--output", "dashboard.html")
    yield ("dashboard", "--json")
    yield ("config",)
    yield ("config", "--format", "json")
    yield ("db", "current")
    yield ("purge", "--older-than", "100", "--dry-run")
    yield ("purge", "--phone-number", NUMBER.format(1))
    yield ("discrepancies", "--nonsense")


@pytest.fixture(scope="module")
def tour(
    tmp_path_factory: pytest.TempPathFactory, migrated_postgres: str, postgres_url: str
) -> Iterator[Tour]:
    """Run every command once, at the highest verbosity, with a canary for each secret."""
    room = tmp_path_factory.mktemp("tour")
    admin = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(postgres.copying(admin, migrated_postgres, "canaries"))
    url = sa.make_url(postgres_url).set(database="canaries")
    # The server lets everybody in, whatever the password.
    own = url.set(password=DATABASE_PASSWORD).render_as_string(hide_password=False)
    records = url.set(password=RECORDS_PASSWORD).render_as_string(hide_password=False)
    workshop, made = Workshop(room), Tour(room=room)
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    channel = Channel(first_id=101, keys=[KEY, KEY_OF_FILE])
    _fill(workshop, channel, day)
    for name, secret in (("second-key", KEY_OF_FILE), ("smtp-password", PASSWORD)):
        (room / name).touch(0o600)
        (room / name).write_text(secret)
    with (
        mail_server(room, login=True, box=made.box),
        listener() as noted,
        serve(channel, clock=lambda: datetime.now(UTC)) as base_url,
    ):
        workshop.environ = {
            "KEY": KEY,
            "NOTIFY_URLS": noted.url.replace("http://", "json://"),
            "RECON_DATABASE__URL": own,
        }
        (room / "recon.toml").touch(0o600)
        (room / "recon.toml").write_text(
            CONFIG.format(base_url=base_url, max_wait=0)
            + ACCOUNT.format(name="main", key_env="KEY", records=room / "sends.db")
            + MORE.format(smtp=made.box.port, user=USER, path=room, ping=noted.url, records=records)
        )
        engine = connect(own)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TABLE sends (id int, message_id bigint, phone_number text, "
                "sent_at timestamptz, status text)"
            )
        for number, command in enumerate(_commands(f"{day:%F}", f"{day - timedelta(days=2):%F}")):
            form = ("--log-format", "json") if number % 2 else ()
            words = " ".join(command).replace(f"{day:%F}", "yesterday")
            made.said[words] = workshop.recon("-vv", *form, *command)
        made.told = [body for _path, body in noted.told]
    made.mails = [one.mail.as_bytes(policy=policy.SMTP) for one in made.box.mails]
    tables = [name for name in sa.inspect(engine).get_table_names() if name != "sends"]
    with engine.connect() as connection:
        made.stored = "\n".join(
            f"{name} {row}"
            for name in tables
            for row in connection.exec_driver_sql(
                f'SELECT t::text FROM "{name}" t'  # noqa: S608 - our own tables
            ).scalars()
        )
    engine.dispose()
    yield made
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE canaries WITH (FORCE)")


def test_the_tour_went_everywhere(tour: Tour) -> None:
    codes = {words: ended.code for words, ended in tour.said.items() if ended.code}
    assert codes == {"discrepancies --nonsense": 2}
    assert len(tour.mails) >= 2
    assert any("customer" in body for body in tour.told)
    assert "missing_at_provider" in tour.stored
    assert DIGITS.search(tour.stored)  # so that a search for numbers finds them


def test_no_secret_is_shown_or_logged(tour: Tour) -> None:
    for ended in tour.said.values():
        leaks.refuse_any(ended.out + ended.err, SECRETS)


def test_no_secret_is_stored_written_or_sent(tour: Tour) -> None:
    leaks.refuse_any(tour.stored, SECRETS)
    for text in tour.files("reports/**/*", "*.html", "*.prom").values():
        leaks.refuse_any(text, SECRETS)
    for mail in tour.box.mails:
        leaks.refuse_any(mail.text() + mail.html(), SECRETS)
        leaks.refuse_any("".join(map(str, mail.files().values())), SECRETS)
    for text in (*map(str, tour.mails), *tour.told):
        leaks.refuse_any(text, SECRETS)


def test_no_whole_number_is_logged_or_shown_to_people(tour: Tour) -> None:
    for words, ended in tour.said.items():
        assert not DIGITS.search(ended.err), words
        if words not in FOR_SCRIPTS:
            shown = ended.out.replace(NUMBER.format(1), "") if "purge" in words else ended.out
            assert not DIGITS.search(shown), words


def test_no_whole_number_leaves_by_page_mail_or_chat(tour: Tour) -> None:
    pages = tour.files("reports/**/*.html", "*.html", "*.prom")
    assert pages
    for name, text in pages.items():
        assert not DIGITS.search(text), name
    for mail in tour.box.mails:
        assert not DIGITS.search(mail.text() + mail.html())
        for name, content in mail.files().items():
            assert not DIGITS.search(content.decode("utf-8", "replace")), name
    for body in tour.told:
        assert not DIGITS.search(body)


def test_only_the_owner_may_read_what_was_written(tour: Tour) -> None:
    written = [path for path in tour.room.glob("reports/**/*") if path.is_file()]
    assert written
    for path in [*written, tour.room / "dashboard.html"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


# --- what a stranger says must not come out again ----------------------------------------------


@contextmanager
def _echo(status: int) -> Iterator[str]:
    """Serve what repeats all that it was told, the key and a number among it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = {"error": {"code": 99, "message": f"{dict(self.headers)} {NUMBER.format(1)}"}}
            body = json.dumps(said | dict(self.headers.items())).encode()
            self.send_response(status, f"{self.headers['X-Octopods-Auth']} {NUMBER.format(1)}")
            for name, value in self.headers.items():
                self.send_header(f"X-Was-{name}", value)
            if status == 302:
                self.send_header("Location", f"https://{NUMBER.format(1)}.example.com/?k={KEY}")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 429, 500])
@pytest.mark.parametrize("command", ["check", "collect"])
def test_a_server_that_repeats_what_it_was_told_is_not_quoted(
    workshop: Workshop, status: int, command: str
) -> None:
    workshop.add_records()
    workshop.environ["OCTOPODS_API_KEY"] = KEY
    with _echo(status) as url:
        workshop.configure(url)
        ended = workshop.recon("-vv", command)
    assert ended.code != 0
    assert ended.code != 70, ended.err
    leaks.refuse_any(ended.out + ended.err, SECRETS)
    assert not DIGITS.search(ended.out + ended.err)
    assert KEY.encode() not in (workshop.path / "recon.db").read_bytes()


UNREACHABLE = {
    "RECON_DATABASE__URL": f"postgresql+psycopg://recon:{DATABASE_PASSWORD}@127.0.0.1:1/recon",
    "RECON_ACCOUNTS__MAIN__LOCAL__URL": f"mysql+pymysql://shop:{RECORDS_PASSWORD}@127.0.0.1:1/shop",
    "HTTP_PROXY": f"http://proxy:{PROXY_PASSWORD}@127.0.0.1:1",
}


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("variable", UNREACHABLE)
@pytest.mark.parametrize("command", ["check", "run"])
def test_what_cannot_be_reached_is_named_without_its_password(
    workshop: Workshop, variable: str, form: str, command: str
) -> None:
    workshop.add_records()
    workshop.configure(f"http://127.0.0.1:{free_port()}")
    workshop.environ |= {"OCTOPODS_API_KEY": KEY, variable: UNREACHABLE[variable]}
    ended = workshop.recon("-vv", "--log-format", form, command)
    assert ended.code in {69, 75, 78}, ended.err
    leaks.refuse_any(ended.out + ended.err, SECRETS)


@pytest.mark.parametrize("place", ["database.url", "local.url", "ping_url", "api_key"])
def test_a_configuration_that_cannot_be_used_is_refused_without_its_secret(
    workshop: Workshop, place: str
) -> None:
    workshop.configure("http://127.0.0.1:1")
    line = {
        "database.url": f'[database]\nurl = "postgres://recon:{DATABASE_PASSWORD}@[::1/recon"\n',
        "local.url": f'[accounts.b.local]\nurl = "nosuch://u:{DATABASE_PASSWORD}@h:x/d"\n',
        "ping_url": f'[monitoring]\nping_url = "ftp://example.com/{TOKEN}"\n',
        "api_key": f'[accounts.b]\napi_key = "{KEY}"\n',
    }[place]
    add_to_config(workshop.path, "\n" + line)
    for command in ("check", "run", "config"):
        ended = workshop.recon("-vv", command)
        assert ended.code == 78, ended.err
        leaks.refuse_any(ended.out + ended.err, SECRETS)


def test_no_process_carries_a_secret_in_its_command_line(workshop: Workshop) -> None:
    """Also those that a backfill starts: everybody on the machine can read command lines."""
    seen: set[str] = set()
    channel = Channel(first_id=101, keys=[KEY])
    workshop.add_records()
    workshop.environ["OCTOPODS_API_KEY"] = KEY

    def looking() -> datetime:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
            except OSError:
                continue  # it has ended
        return datetime(2026, 4, 24, 6, tzinfo=UTC)

    with serve(channel, clock=looking) as url:
        workshop.configure(url)
        days = ["--from", "2026-04-21", "--to", "2026-04-23"]
        process = workshop.start("run", *days, "--workers", "2", "--no-email")
        _out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert any("--workers 2" in line for line in seen)
    for line in seen:
        leaks.refuse_any(line, [KEY])
