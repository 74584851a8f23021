"""Every key of the configuration does something: two values of it are told apart from outside."""

from __future__ import annotations

import json
import re
import shutil
import socket
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from recon import config
from recon.cli import collect, run
from recon.cli.common import Session
from recon.config import Settings, environment, known_keys
from recon.config.expected_settings import Expected
from recon.config.retry_settings import Rule
from recon.core import calendar, failure_reasons
from recon.errors import ConfigError, ReconError
from recon.jobs import mailing, notifying, retries, wiring
from recon.jobs.expected_rules import ExpectedRules
from recon.jobs.runtime import Runtime
from recon.simulator.channel import SIMULATED_KEY
from tests.cli.mailing import lose
from tests.cli.nights import nights
from tests.factories import DAY, NOON
from tests.listener import Listener, listener
from tests.octopods.raw_server import answers, raw_server
from tests.smtp import MailBox, mail_server

pytestmark = pytest.mark.thorough  # a night for each key

BASE = """
[email]
host = "127.0.0.1"
security = "none"
sender = "recon@example.com"
recipients = ["ops@example.com"]

[notify]
urls_env = "URLS"

[accounts.main]
api_key_env = "KEY"
[accounts.main.local]
url = "sqlite:///shop.db"
table = "sends"
"""

ENVIRON = {
    "KEY": SIMULATED_KEY,
    "OTHER": "another",
    "URLS": "json://one",
    "URLS2": "json://1",
    "PASSWORD": "p1ssw0rd",
}

Values = Mapping[str, str]
"""Dotted keys, `main` for an account, each with its value as a variable has it."""


@dataclass(slots=True)
class Room:
    """Where a probe works."""

    path: Path
    database: Path

    def settings(self, values: Values, base: str = BASE) -> Settings:
        """Load a configuration with these values over the base."""
        (self.path / "recon.toml").write_text(base)
        return config.load(self.path / "recon.toml", variables(values))


def variables(values: Values) -> dict[str, str]:
    return {environment.name_of(key.split(".")): value for key, value in values.items()}


Observe = Callable[[Room, Values], object]


def policy(room: Room, values: Values) -> object:
    return wiring.policy(room.settings(values))


def source(room: Room, values: Values) -> object:
    made = wiring.source(room.settings(values).accounts["main"].local, "main")
    return replace(made, columns=dict(made.columns))


def api_key(room: Room, values: Values) -> object:
    (room.path / "key").write_text("from-a-file")
    account = room.settings(values).accounts["main"]
    return account.api_key(ENVIRON, "main").get_secret_value()


def expected_rules(room: Room, values: Values) -> object:
    return ExpectedRules.of(room.settings(values), "main").rules


def cost_rates(room: Room, values: Values) -> object:
    cost = room.settings(values).cost
    assert cost is not None
    return cost.as_rates


def failure_reason(room: Room, values: Values) -> object:
    rules = room.settings(values).retries.as_rules
    return [failure_reasons.explain(text, rules) for text in ("(#7777) Quota", "Limit hit")]


def categories(room: Room, values: Values) -> object:
    """Return the categories of the records, which have a column `kind`."""
    with closing(sqlite3.connect("shop.db")) as connection, connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS sends AS SELECT 7 AS id, 1 AS message_id, "
            "'+353871234567' AS phone_number, '2026-04-23T12:00:00' AS sent_at, 'sent' AS status, "
            "'Utility' AS kind"
        )
    days = calendar.windows(date(2026, 4, 23), date(2026, 4, 23), "UTC")
    return retries.categories(room.settings(values), "main", days)


def mail_rules(room: Room, values: Values) -> object:
    made = notifying.Notifier(room.settings(values), Runtime(environ=ENVIRON), NOON, batch="b")
    return made.announcement()


def login(room: Room, values: Values) -> object:
    (room.path / "password").write_text("from-a-file")
    email = room.settings(values).email
    assert email is not None
    made = mailing.open_server(email, Runtime(environ=ENVIRON))
    return made, None if made.password is None else made.password.get_secret_value()


def mail_of_a_test(room: Room, values: Values) -> object:
    with mail_server(room.path) as box:
        email = room.settings({"email.port": str(box.port), **values}).email
        assert email is not None
        mailing.send_test(email, Runtime(environ=ENVIRON))
    [one] = box.mails
    return one.recipients, one.mail["From"]


def chat_urls(room: Room, values: Values) -> object:
    (room.path / "urls").write_text("json://two")
    notify = room.settings(values).notify
    assert notify is not None
    return [url.get_secret_value() for url in notify.urls(ENVIRON)]


def loading(room: Room, values: Values) -> object:
    try:
        room.settings({"octopods.base_url": "http://octopods.example.com", **values})
    except ReconError:
        return "refused"
    return "accepted"


def requests_of_a_client(room: Room, values: Values) -> object:
    """Return how two polls in a row end, and what pauses they take."""
    limited = (
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nConnection: close\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    slept: list[float] = []
    runtime = Runtime(environ=ENVIRON, monotonic=lambda: 0.0, sleep=slept.append)
    said = []
    with raw_server(answers(limited)) as limiting, wiring.KeptSession() as session:
        base = {"octopods.base_url": limiting.url(), "octopods.max_wait_seconds": "0"}
        settings = room.settings({**base, **values})
        client, _ = wiring.open_client(settings, "main", runtime, session)
        for _ in range(2):
            with pytest.raises(ReconError) as ended:
                client.latest()
            said.append(ended.value.one_line)
    return re.sub(r"\d\d:\d\d:\d\d|:\d{4,5}", "", " ".join(said)), [round(one) for one in slept]


def an_answer_that_never_comes(room: Room, values: Values) -> object:
    def say_nothing(_connection: socket.socket, over: threading.Event) -> None:
        over.wait(2)

    with raw_server(say_nothing) as silent, wiring.KeptSession() as session:
        settings = room.settings({"octopods.base_url": silent.url(), **values})
        runtime = Runtime(environ=ENVIRON, sleep=lambda _: None)
        client, _ = wiring.open_client(settings, "main", runtime, session)
        with pytest.raises(ReconError) as ended:
            client.latest()
    return re.sub(r":\d{4,5}", "", ended.value.one_line)


def polls_of_half_an_hour(room: Room, values: Values) -> object:
    with nights(room.path, f"sqlite:///{room.database}") as made:
        for _ in range(2):
            _invoke(room.path, values, made.runtime(), collect.command)
            made.clock.advance(1800)
        return len(made.requests)


def night(room: Room, values: Values) -> object:
    """Return all that is seen of a night from outside."""
    days = [OLD_DAY, DAY] if "retention.days" in values else [DAY]
    with (
        listener() as pinged,
        mail_server(room.path) as box,
        nights(room.path, f"sqlite:///{room.database}") as made,
    ):
        text = (room.path / "recon.toml").read_text()
        if "email.one_per" in values:
            other = text[text.index("[accounts.main]") :]
            text += other.replace("accounts.main", "accounts.shop")
        email = BASE[: BASE.index("[notify]")]
        (room.path / "recon.toml").write_text(text + email)
        made.send(3, start=NOON.replace(hour=23, minute=20))
        lose(made, 3)
        base = {"email.port": str(box.port), "monitoring.ping_url": pinged.url}
        told = [
            _invoke(room.path, {**base, **values}, made.runtime(), run.command, "--date", day)
            for day in days
        ]
        assert ConfigError.exit_code not in told
        stored = made.workshop.query("SELECT count(*) FROM runs")
        return told, _seen(room.path, box, pinged), stored, len(made.requests)


OLD_DAY = "2026-04-10"


def _seen(path: Path, box: MailBox, pinged: Listener) -> object:
    files = sorted(
        str(one.relative_to(path)) for one in path.rglob("*") if one.suffix in (".json", ".prom")
    )
    reports = [json.loads((path / one).read_text()) for one in files if one.endswith("json")]
    pages = [one.read_text() for one in sorted(path.rglob(f"{DAY}.html"))]
    return (
        files,
        [(one["window"], one["verdict"], one["discrepancies"]) for one in reports],
        [("+353••" in one, "+353871200500" in one) for one in pages],
        len(box.mails),
        [way for way, _ in pinged.told],
    )


def _invoke(path: Path, values: Values, runtime: Runtime, command: object, *argv: str) -> int:
    with ExitStack() as at_exit, pytest.MonkeyPatch.context() as patched:
        patched.chdir(path)
        environ = {**runtime.environ, **variables(values)}
        session = Session(path / "recon.toml", replace(runtime, environ=environ), at_exit)
        try:
            ended = command.main(list(argv), obj=session, standalone_mode=False)  # type: ignore[attr-defined]
        except ReconError as error:
            return error.exit_code
        return int(ended)


@dataclass(frozen=True, slots=True)
class Probe:
    """Two configurations that differ in one key (and what that one needs), and what tells them."""

    observe: Observe
    one: Values
    other: Values


def of_policy(name: str, one: str, other: str) -> tuple[str, Probe]:
    return name, Probe(policy, {name: one}, {name: other})


def of_source(name: str, one: str, other: str, **needs: str) -> tuple[str, Probe]:
    key = f"accounts.main.local.{name}"
    more = {f"accounts.main.local.{need}": value for need, value in needs.items()}
    return key, Probe(source, {key: one}, {key: other, **more})


def of_expected(name: str, *words: str) -> tuple[str, Probe]:
    """Build the probe of a key of `[[accounts.NAME.expected]]`, written as JSON."""
    plain = '"kind": "stuck", "reason": "r", "until": "2030-01-01"'
    more = ", ".join([plain, *words])
    key = "accounts.main.expected"
    probe = Probe(expected_rules, {key: f"[{{{plain}}}]"}, {key: f"[{{{more}}}]"})
    return f"{key} {name}", probe


def of_cost(name: str, value: str) -> tuple[str, Probe]:
    """Build the probe of a key of `[cost]`."""
    base = {"cost.currency": "EUR", "cost.rates.353": "0.05"}
    return f"cost.{name}", Probe(cost_rates, base, base | {f"cost.{name}": value})


def of_retries(name: str, *words: str) -> tuple[str, Probe]:
    """Build the probe of a key of `[[retries.rules]]`, written as JSON."""
    plain = {"pattern": "quota", "decision": "retry", "why": "w"}
    other = json.loads("{" + ", ".join(words) + "}")
    rules = [json.dumps([rule]) for rule in (plain, {**plain, **other})]
    probe = Probe(failure_reason, *({"retries.rules": rule} for rule in rules))
    return f"retries.rules {name}", probe


LOGIN = {"email.username": "recon", "email.password_env": "PASSWORD"}

PROBES: Mapping[str, Probe] = dict(
    [
        ("timezone", Probe(night, {}, {"timezone": "Asia/Kolkata"})),
        ("database.url", Probe(night, {}, {"database.url": "sqlite:///other.db"})),
        (
            "octopods.base_url",
            Probe(night, {}, {"octopods.base_url": "http://127.0.0.1:1"}),
        ),
        (
            "octopods.timeout_seconds",
            Probe(
                an_answer_that_never_comes,
                {"octopods.timeout_seconds": "0.05"},
                {"octopods.timeout_seconds": "0.06"},
            ),
        ),
        (
            "octopods.min_interval_seconds",
            Probe(
                requests_of_a_client,
                {"octopods.min_interval_seconds": "1"},
                {"octopods.min_interval_seconds": "7"},
            ),
        ),
        (
            "octopods.max_wait_seconds",
            Probe(
                requests_of_a_client,
                {"octopods.max_wait_seconds": "0"},
                {"octopods.max_wait_seconds": "20"},
            ),
        ),
        (
            "octopods.status_lookups_per_run",
            Probe(night, {}, {"octopods.status_lookups_per_run": "0"}),
        ),
        ("octopods.allow_http", Probe(loading, {}, {"octopods.allow_http": "true"})),
        of_policy("matching.tolerance_seconds", "1", "2"),
        of_policy("matching.drift_seconds", "1", "2"),
        of_policy("matching.duplicate_seconds", "1", "2"),
        of_policy("matching.stuck_after_hours", "1", "2"),
        of_policy("matching.default_region", "", "IE"),
        of_policy("matching.status_policy", "compatible", "strict"),
        of_policy("matching.guard_rows", "1", "2"),
        of_policy("collect.min_overlap", "1", "2"),
        (
            "collect.max_interval_minutes",
            Probe(polls_of_half_an_hour, {}, {"collect.max_interval_minutes": "10"}),
        ),
        ("report.directory", Probe(night, {}, {"report.directory": "elsewhere"})),
        ("report.mask_phone_numbers", Probe(night, {}, {"report.mask_phone_numbers": "false"})),
        ("email.host", Probe(login, {}, {"email.host": "mail.example.com"})),
        ("email.port", Probe(login, {}, {"email.port": "25"})),
        ("email.security", Probe(login, {}, {"email.security": "tls"})),
        ("email.username", Probe(login, LOGIN, {**LOGIN, "email.username": "other"})),
        ("email.password_env", Probe(login, LOGIN, {**LOGIN, "email.password_env": "OTHER"})),
        (
            "email.password_file",
            Probe(
                login, LOGIN, {**LOGIN, "email.password_env": "", "email.password_file": "password"}
            ),
        ),
        ("email.sender", Probe(mail_of_a_test, {}, {"email.sender": "other@example.com"})),
        ("email.recipients", Probe(mail_of_a_test, {}, {"email.recipients": "a@x.org,b@x.org"})),
        ("email.one_per", Probe(night, {"email.one_per": "run"}, {"email.one_per": "account"})),
        ("email.when", Probe(mail_rules, {}, {"email.when": "changes"})),
        ("email.remind_after_days", Probe(mail_rules, {}, {"email.remind_after_days": "9"})),
        ("notify.urls_env", Probe(chat_urls, {}, {"notify.urls_env": "URLS2"})),
        (
            "notify.urls_file",
            Probe(chat_urls, {}, {"notify.urls_env": "", "notify.urls_file": "urls"}),
        ),
        ("notify.when", Probe(mail_rules, {}, {"notify.when": "always"})),
        ("monitoring.ping_url", Probe(night, {}, {"monitoring.ping_url": ""})),
        ("monitoring.fail_on", Probe(night, {}, {"monitoring.fail_on": "discrepancies"})),
        ("monitoring.metrics_file", Probe(night, {}, {"monitoring.metrics_file": "r.prom"})),
        (
            "retention.days",
            Probe(
                night,
                {"retention.automatic": "true", "retention.days": "300"},
                {"retention.automatic": "true", "retention.days": "10"},
            ),
        ),
        (
            "retention.automatic",
            Probe(
                night,
                {"retention.automatic": "false", "retention.days": "10"},
                {"retention.automatic": "true", "retention.days": "10"},
            ),
        ),
        (
            "accounts.main.api_key_env",
            Probe(api_key, {}, {"accounts.main.api_key_env": "OTHER"}),
        ),
        (
            "accounts.main.api_key_file",
            Probe(
                api_key, {}, {"accounts.main.api_key_env": "", "accounts.main.api_key_file": "key"}
            ),
        ),
        ("accounts.main.expected", of_expected("", '"at_most": 9')[1]),
        of_cost("currency", "USD"),
        of_cost("rates.353", "0.06"),
        of_cost("changes", '[{"from": "2026-07-01", "rates": {"353": 0.06}}]'),
        ("retries.rules", of_retries("", '"wait_hours": 9')[1]),
        of_source("url", "sqlite:///a.db", "sqlite:///b.db"),
        of_source("file", "", "sends.csv", url="", table=""),
        of_source("table", "a", "b"),
        of_source(
            "query", "", "SELECT 1 FROM t WHERE sent_at >= :start AND sent_at < :end", table=""
        ),
        of_source("where", "", "a = 1"),
        of_source("timezone", "UTC", "Asia/Tokyo"),
        of_source("columns.id", "id", "nr"),
        of_source("columns.message_id", "message_id", "nr"),
        of_source("columns.phone_number", "phone_number", "nr"),
        of_source("columns.sent_at", "sent_at", "nr"),
        of_source("columns.status", "status", "nr"),
        (
            "accounts.main.local.columns.category",
            Probe(categories, {}, {"accounts.main.local.columns.category": "kind"}),
        ),
        of_source("statuses.accepted", "sent", "failed"),
    ]
)

#: The keys within `[[retries.rules]]`, a list of sections.
RETRY_PROBES: Mapping[str, Probe] = dict(
    [
        of_retries("pattern", '"pattern": "limit"'),
        of_retries("code", '"pattern": null, "code": 131026'),
        of_retries("decision", '"decision": "do_not_retry"'),
        of_retries("wait_hours", '"wait_hours": 3'),
        of_retries("why", '"why": "another"'),
    ]
)

#: The keys within `[[accounts.NAME.expected]]`, a list of sections.
EXPECTED_PROBES: Mapping[str, Probe] = dict(
    [
        of_expected("kind", '"kind": "missing_locally"'),
        of_expected("phone_number", '"phone_number": "+353*"'),
        of_expected("from", '"from": "22:00"', '"to": "06:00"'),
        of_expected("to", '"from": "22:00"', '"to": "07:00"'),
        of_expected("status", '"status": "failed"'),
        of_expected("failure_reason", '"failure_reason": "*no*"'),
        of_expected("at_most", '"at_most": 3'),
        of_expected("reason", '"reason": "another"'),
        of_expected("until", '"until": "2031-01-01"'),
    ]
)


def general(key: str) -> tuple[str, ...]:
    """Put `*` for the names that a user chooses."""
    parts = ["*" if part == "main" else part for part in key.split(".")]
    return tuple([*parts[:-1], "*"] if parts[-2:-1] in (["statuses"], ["rates"]) else parts)


def test_every_key_has_a_probe() -> None:
    assert {general(key) for key in PROBES} == set(known_keys.all_keys())
    names = {field.alias or name for name, field in Expected.model_fields.items()}
    assert {key.split()[1] for key in EXPECTED_PROBES} == names
    of_rules = {field.alias or name for name, field in Rule.model_fields.items()}
    assert {key.split()[1] for key in RETRY_PROBES} == of_rules


@pytest.mark.parametrize("key", RETRY_PROBES)
def test_a_key_of_a_retry_rule_does_something(key: str, tmp_path: Path) -> None:
    probe, room = RETRY_PROBES[key], Room(tmp_path, tmp_path / "recon.db")
    assert failure_reason(room, probe.one) != failure_reason(room, probe.other)


@pytest.mark.parametrize("key", EXPECTED_PROBES)
def test_a_key_of_an_expectation_does_something(key: str, tmp_path: Path) -> None:
    probe, room = EXPECTED_PROBES[key], Room(tmp_path, tmp_path / "recon.db")
    assert expected_rules(room, probe.one) != expected_rules(room, probe.other)


@pytest.fixture(scope="module")
def usual_night(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> object:
    """What is seen of a night without any value of its own."""
    return observed(Probe(night, {}, {}), {}, tmp_path_factory.mktemp("usual"), migrated_sqlite)


def observed(probe: Probe, values: Values, path: Path, migrated: Path) -> object:
    """Observe a probe in a room of its own."""
    room = Room(path, path / "recon.db")
    shutil.copy(migrated, room.database)
    with pytest.MonkeyPatch.context() as patched:
        if probe.observe not in (night, polls_of_half_an_hour):
            patched.chdir(room.path)
        return probe.observe(room, values)


@pytest.mark.parametrize("key", PROBES)
def test_a_key_does_something(
    key: str, tmp_path: Path, migrated_sqlite: Path, usual_night: object
) -> None:
    probe = PROBES[key]
    assert key in {*probe.one, *probe.other}
    rooms = tmp_path / "one", tmp_path / "other"
    for room in rooms:
        room.mkdir()
    one = (
        usual_night
        if probe.observe is night and not probe.one
        else observed(probe, probe.one, rooms[0], migrated_sqlite)
    )
    assert one != observed(probe, probe.other, rooms[1], migrated_sqlite)


def test_a_night_is_seen_alike_where_nothing_differs(
    tmp_path: Path, migrated_sqlite: Path, usual_night: object
) -> None:
    assert observed(Probe(night, {}, {}), {}, tmp_path, migrated_sqlite) == usual_night
