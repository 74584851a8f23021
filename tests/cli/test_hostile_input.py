"""Input that nobody means: a sentence and an exit code, and never a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recon.simulator.channel import Channel
from recon.simulator.server import serve
from tests.cli.workshop import MORNING_AFTER, NUMBER, Ended, Workshop, minute
from tests.clocks import ManualClock
from tests.descriptors import few_files
from tests.factories import DAY

DIGITS = "7" * 5_000
USAGE, INPUT, OUTPUT, TEMPORARY, CONFIG = 2, 65, 73, 75, 78
EDGES = ("0001-01-01", "9999-12-31")


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    """A workshop with one record and no provider."""
    workshop.add_records((1, 101, NUMBER.format(1), minute(1), "sent"))
    workshop.configure("http://127.0.0.1:9")
    return workshop


def ended(shop: Workshop, *args: str | Path) -> Ended:
    """Run a command that may end in any way but by a bug."""
    how = shop.recon(*args)
    assert "Traceback" not in how.err, how.err
    assert "internal error" not in how.err, how.err
    assert how.code != 70
    return how


def files(shop: Workshop) -> tuple[str, str]:
    """Write two files of one row each, for `recon diff`."""
    row = {"message_id": 1, "phone_number": NUMBER.format(1), "sent_at": f"{DAY}T12:00:00Z"}
    for name in ("local.jsonl", "provider.jsonl"):
        (shop.path / name).write_text(json.dumps(row | {"id": 1, "status": "sent"}) + "\n")
    return "local.jsonl", "provider.jsonl"


# --- dates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "zone"), [(EDGES[0], "Pacific/Kiritimati"), (EDGES[1], "Etc/GMT+12")]
)
def test_the_first_and_the_last_day_of_the_calendar(shop: Workshop, day: str, zone: str) -> None:
    config = shop.path / "recon.toml"
    config.write_text(config.read_text().replace('"UTC"', f'"{zone}"', 1))
    pair = files(shop)
    for command in (
        ["run", "--offline", "--date", day],
        ["run", "--offline", "--from", day, "--to", day],
        ["report", "--date", day],
        ["discrepancies", "--date", day],
        ["discrepancies", "--from", EDGES[0], "--to", EDGES[1]],
        ["diff", *pair, "--date", day],
        ["diff", *pair, "--from", EDGES[0], "--to", EDGES[1]],
    ):
        assert ended(shop, *command).code in {0, USAGE, INPUT}


@pytest.mark.parametrize("day", ["0000-01-01", "10000-01-01", "-001-01-01", "2026-02-30", DIGITS])
def test_days_that_no_calendar_has(shop: Workshop, day: str) -> None:
    for command in ("run", "report", "discrepancies"):
        assert ended(shop, command, "--date", day).code == USAGE


@pytest.mark.parametrize("day", EDGES)
def test_rows_at_the_edges_of_the_calendar(shop: Workshop, day: str) -> None:
    local, provider = files(shop)
    for name in (local, provider):
        path = shop.path / name
        path.write_text(path.read_text() + path.read_text().replace(DAY, day))
    assert ended(shop, "diff", local, provider).code == 0


# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [
        ["purge", "--older-than", DIGITS],
        ["purge", "--older-than", "999999999999"],
        ["run", "--workers", DIGITS],
        ["run", "--memory-limit", f"{DIGITS}MB"],
        ["run", "--memory-limit", "9e9999GiB"],
        ["demo", "--seed", DIGITS],
        ["simulate", "--port", DIGITS],
        ["simulate", "--port", "65536"],
        ["ack", DIGITS, "--reason", "x"],
    ],
    ids=lambda args: " ".join(args)[:30],
)
def test_numbers_without_end_on_the_command_line(shop: Workshop, args: list[str]) -> None:
    shop.recon("run", "--offline", "--date", DAY)
    assert ended(shop, *args).code in {0, USAGE, INPUT}


def as_json_array(path: Path, field: str) -> Path:
    path = path.with_suffix(".json")
    text = json.dumps([{"message_id": 1, "phone_number": "+353871234567", "sent_at": DAY}] * 2)
    path.write_text(text.replace('"message_id": 1', f'"{field}": {DIGITS}', 1))
    return path


def as_json_lines(path: Path, field: str) -> Path:
    path = path.with_suffix(".jsonl")
    good = '{"message_id": 1, "phone_number": "+353871234567", "sent_at": "2026-04-23T12:00:00Z"}\n'
    path.write_text(good + good.replace('"message_id": 1', f'"{field}": {DIGITS}'))
    return path


def as_csv(path: Path, field: str) -> Path:
    path = path.with_suffix(".csv")
    path.write_text(f"{field},phone_number,sent_at\n{DIGITS},+353871234567,{DAY}T12:00:00Z\n")
    return path


def as_parquet(path: Path, field: str) -> Path:
    path = path.with_suffix(".parquet")
    cells = {field: [DIGITS], "phone_number": ["+353871234567"], "sent_at": [f"{DAY}T12:00:00Z"]}
    pq.write_table(pa.table(cells), path)
    return path


@pytest.mark.parametrize("write", [as_json_array, as_json_lines, as_csv, as_parquet])
def test_an_id_without_end_in_a_file_costs_its_row_alone(
    shop: Workshop, write: Callable[[Path, str], Path]
) -> None:
    _, provider = files(shop)
    for field in ("message_id", "id"):
        path = write(shop.path / f"own-{field}", field)
        assert ended(shop, "diff", path, provider).code in {0, INPUT}
        assert ended(shop, "diff", provider, path).code in {0, INPUT}


def test_an_id_without_end_in_a_table_costs_its_row_alone(shop: Workshop) -> None:
    shop.change_records("CREATE TABLE texts (id TEXT, message_id TEXT, phone_number TEXT, "
                        "sent_at TEXT, status TEXT)")  # fmt: skip
    cells = ", ".join(f"'{cell}'" for cell in (DIGITS, DIGITS, "+353871234567", DAY, "sent"))
    shop.change_records(f"INSERT INTO texts VALUES ({cells})")  # noqa: S608 - our own cells
    config = shop.path / "recon.toml"
    config.write_text(config.read_text().replace('"sends"', '"texts"'))
    assert ended(shop, "run", "--offline", "--date", DAY).code in {0, INPUT}
    assert ended(shop, "check").code != 0


# --- NUL ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [
        ["--config", "a\0b", "run"],
        ["run", "--offline", "--output", "a\0b"],
        ["report", "--output", "a\0b"],
        ["diff", "a\0b", "local.jsonl"],
        ["diff", "local.jsonl", "a\0b"],
        ["diff", "local.jsonl", "provider.jsonl", "--output", "a\0b"],
        ["demo", "--output", "a\0b"],
        ["ack", "a\0b", "--reason", "a\0b"],
        ["ack", "--from-csv", "a\0b"],
        ["run", "--account", "a\0b"],
        ["discrepancies", "--account", "a\0b"],
        ["a\0b"],
    ],
    ids=repr,
)
def test_nul_in_an_argument(shop: Workshop, args: list[str]) -> None:
    files(shop)
    assert ended(shop, *args).code in {USAGE, INPUT, OUTPUT, CONFIG}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('url = "sqlite:///', 'url = "sqlite:///a\\u0000b/'),
        ('table = "sends"', 'table = "a\\u0000b"'),
        ('timezone = "UTC"', 'timezone = "a\\u0000b"'),
        ("[octopods]", '[report]\ndirectory = "a\\u0000b"\n[octopods]'),
        ("[octopods]", '[database]\nurl = "sqlite:///a\\u0000b"\n[octopods]'),
        ('base_url = "http://127.0.0.1:9"', 'base_url = "http://a\\u0000b"'),
        ('api_key_env = "OCTOPODS_API_KEY"', 'api_key_env = "a\\u0000b"'),
        ('api_key_env = "OCTOPODS_API_KEY"', 'api_key_file = "a\\u0000b"'),
        ("[octopods]", '[monitoring]\nmetrics_file = "a\\u0000b"\n[octopods]'),
        ("[octopods]", '[monitoring]\nping_url = "http://127.0.0.1/a\\u0000b"\n[octopods]'),
    ],
    ids=lambda text: text[:40],
)
def test_nul_in_the_configuration(shop: Workshop, old: str, new: str) -> None:
    config = shop.path / "recon.toml"
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new, 1))
    for command in (["run", "--date", DAY], ["check"]):
        ended(shop, *command)


# --- TOML --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b"timezone = " + b"[" * 100_000,
        b"timezone = " + b"[" * 5_000 + b"]" * 5_000,
        b"a" + b".a" * 5_000 + b" = 1",
        b"[octopods]\ntimeout_seconds = " + DIGITS.encode(),
        b"[octopods]\ntimeout_seconds = 1e999",
        b"[octopods]\ntimeout_seconds = nan",
        b"[octopods]\nmin_interval_seconds = 1e300",
        b"[octopods]\nmax_wait_seconds = 1e300",
        b"[retention]\ndays = 9223372036854775808",
        b"[matching]\ntolerance_seconds = 9223372036854775807",
        b"[matching]\nstuck_after_hours = 9223372036854775807",
        b"[collect]\nmax_interval_minutes = 9223372036854775807",
        b"timezone = 2026-04-23",
        b"timezone = 2026-04-23T12:00:00Z\n[database]\nurl = 12:00:00",
        b"database = 2026-04-23",
        b"accounts = 7",
        b"accounts = []",
        b"[accounts]\nmain = 1979-05-27",
        b"[accounts.main.local]\nurl = [1, 2]",
        b"[accounts.main.local.columns]\nid = {a = 1}",
        b"[accounts.main.local.statuses]\nsent = 7",
        b"timezone = 'UTC'\ntimezone = 'UTC'",
        b"[a]\n[a]",
        b"timezone = '\xff\xfe'",
        b"\xff\xfet\0i\0m\0e\0",
        b"\0",
        b"",
        b"timezone = '\\u0000'",
        b'timezone = "' + b"a" * 1_000_000 + b'"',
    ],
    ids=lambda text: repr(text[:40]),
)
def test_absurd_toml(shop: Workshop, text: bytes) -> None:
    (shop.path / "recon.toml").write_bytes(text)
    assert ended(shop, "run", "--offline", "--date", DAY).code == CONFIG


def test_a_directory_in_place_of_the_configuration(shop: Workshop) -> None:
    (shop.path / "recon.toml").unlink()
    (shop.path / "recon.toml").mkdir()
    assert ended(shop, "check").code == CONFIG


@pytest.mark.parametrize(
    "setting",
    [
        "RECON_OCTOPODS__TIMEOUT_SECONDS=" + DIGITS,
        "RECON_RETENTION__DAYS=" + DIGITS,
        "RECON_ACCOUNTS=[[[[",
        "RECON_ACCOUNTS__MAIN=" + "[" * 10_000,
        "RECON_DATABASE__URL=http://",
        "RECON_DATABASE__URL=sqlite:///a?nonsense=1",
        "RECON_MATCHING__GUARD_ROWS=\udcff",
        "RECON_ACCOUNTS__MAIN__LOCAL__URL=\udcff",
    ],
    ids=lambda text: repr(text[:40]),
)
def test_absurd_variables(shop: Workshop, setting: str) -> None:
    name, value = setting.split("=", 1)
    shop.environ[name] = value
    assert ended(shop, "run", "--offline", "--date", DAY).code in {OUTPUT, CONFIG, INPUT}


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///sends.db?nonsense=1",
        "postgresql+psycopg://127.0.0.1:1/x?nonsense=1",
        "postgresql+psycopg://127.0.0.1:1/x?connect_timeout=soon",
        "postgresql+psycopg2://127.0.0.1:1/x?nonsense=1",
        "postgresql+pg8000://127.0.0.1:1/x?nonsense=1",
        "mysql+pymysql://127.0.0.1:1/x?nonsense=1",
        "mysql+pymysql://127.0.0.1:1/x?connect_timeout=soon",
        "duckdb:///sends.duckdb?nonsense=1",
        "mssql+pyodbc://127.0.0.1/x?nonsense=1",
        "sqlite:///sends.db?" + "&".join(f"a{n}=1" for n in range(999)),
        "nonsense://",
        "sqlite+nonsense:///a",
        "postgresql+psycopg://127.0.0.1:99999999/x",
    ],
    ids=lambda text: text[:50],
)
@pytest.mark.parametrize("setting", ["DATABASE__URL", "ACCOUNTS__MAIN__LOCAL__URL"])
def test_unknown_options_of_a_database_url(shop: Workshop, url: str, setting: str) -> None:
    shop.environ[f"RECON_{setting}"] = url
    how = ended(shop, "run", "--offline", "--date", DAY)
    assert how.code in {INPUT, OUTPUT, TEMPORARY, CONFIG}


def test_an_option_of_the_records_that_sqlite_would_ignore_is_named(shop: Workshop) -> None:
    shop.environ["RECON_ACCOUNTS__MAIN__LOCAL__URL"] = "sqlite:///sends.db?tiemout=5"
    how = ended(shop, "run", "--offline", "--date", DAY)
    assert how.code == CONFIG
    assert "accounts.main.local.url has an option that SQLite does not know: tiemout" in how.err


# --- file descriptors --------------------------------------------------------------------------


def test_too_few_file_descriptors(workshop: Workshop) -> None:
    channel = Channel(first_id=101)
    channel.send(NUMBER.format(1), minute(1))
    workshop.add_records((1, 101, NUMBER.format(1), minute(1), "sent"))
    pair = files(workshop)
    with serve(channel, clock=ManualClock(MORNING_AFTER)) as url:
        workshop.configure(url)
        # The server, in this process, lacks descriptors too, and then answers nothing.
        workshop.environ["RECON_OCTOPODS__TIMEOUT_SECONDS"] = "0.5"
        commands = (
            ["run", "--date", DAY],
            ["collect", "--force"],
            ["check"],
            ["diff", *pair],
        )
        for command in commands:
            assert workshop.recon(*command).code == 0
        for command in commands:
            for left in (2, 3, 4, 6, 9, 12, 15):
                with few_files(left):
                    how = ended(workshop, *command)
                assert how.code in {0, TEMPORARY}, (command, left, how)
                assert how.code == 0 or "ulimit -n" in how.err + how.out, (command, left, how)


def test_a_process_with_too_few_file_descriptors_says_what_to_raise(shop: Workshop) -> None:
    shop.recon("run", "--offline", "--date", DAY)
    with few_files(2):
        how = ended(shop, "run", "--offline", "--date", DAY)
    assert how.code == TEMPORARY
    assert "Raise the limit of open files: ulimit -n" in how.err
