"""From a file to settings, or to a sentence for every error."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import phonenumbers
import pydantic
import pytest

from recon import config
from recon.config import known_keys
from recon.config.value_types import REGIONS
from recon.errors import ConfigError

from .conftest import ACCOUNT, Load, Refused


def account(lines: str = "", local: str = 'url = "sqlite:///shop.db"\ntable = "sends"') -> str:
    return f'[accounts.main]\napi_key_env = "KEY"\n{lines}\n[accounts.main.local]\n{local}\n'


def test_defaults_are_those_that_are_promised(load: Load) -> None:
    settings = load()
    assert settings.timezone == "UTC"
    assert settings.database.url.get_secret_value() == "sqlite:///recon.db"
    assert settings.octopods.model_dump() == {
        "base_url": "https://app.octopods.io",
        "timeout_seconds": 30,
        "min_interval_seconds": 1,
        "max_wait_seconds": 900,
        "status_lookups_per_run": 200,
        "allow_http": False,
    }
    assert settings.matching.model_dump() == {
        "tolerance_seconds": 120,
        "drift_seconds": 300,
        "duplicate_seconds": 60,
        "stuck_after_hours": 24,
        "default_region": "",
        "status_policy": "compatible",
        "guard_rows": 10,
    }
    assert settings.collect.model_dump() == {"max_interval_minutes": 360, "min_overlap": 5}
    assert settings.report.model_dump() == {
        "directory": Path("reports"),
        "mask_phone_numbers": True,
    }
    assert settings.email is None
    assert settings.notify is None
    assert settings.monitoring.model_dump() == {
        "ping_url": None,
        "fail_on": "trouble",
        "metrics_file": None,
    }
    assert settings.retention.days == 400
    local = settings.accounts["main"].local
    assert local.timezone == "UTC"
    fields = ("id", "message_id", "phone_number", "sent_at", "status")
    assert local.columns.model_dump() == {name: name for name in fields} | {"category": ""}
    assert local.statuses == {}


def test_accounts_keep_the_order_of_the_file(load: Load) -> None:
    second = ACCOUNT.replace("main", "another")
    assert list(load(account=ACCOUNT + second).accounts) == ["main", "another"]


def test_settings_cannot_be_changed(load: Load) -> None:
    settings = load()
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        settings.matching.guard_rows = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.accounts["other"] = settings.accounts["main"]  # type: ignore[index]
    with pytest.raises(TypeError):
        settings.accounts["main"].local.statuses["ok"] = "sent"  # type: ignore[index]


def test_a_file_may_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "recon.toml"
    path.write_text(ACCOUNT, encoding="utf-8-sig")
    assert list(config.load(path, {}).accounts) == ["main"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            'timezone = "Dublin"',
            'timezone: is "Dublin", which is not a time zone; did you mean "Eur',
        ),
        ('timezone = "europe/dublln"', 'did you mean "Europe/Dublin"'),
        ('timezone = "qqqqqq"', 'write one such as "Europe/Dublin"'),
        ('timezone = ""', 'timezone: is "", which is not a time zone'),
        ('timezone = "../x"', "not a time zone"),
        (
            "timezone = 1",
            "timezone: is 1, but must be text in quotes; write for example timezo",
        ),
        ("timezne = 1", "timezne: is not a known key; did you mean timezone?"),
        ("[databas]", "databas: is not a known key; did you mean database?"),
        ("[database]\nguard_rows = 1", "is not a key of this section; it belongs in [matching]"),
        ("[database]\ntimezone = 1", "belongs at the top, above the first [section]"),
        ("[report]\ncolour = 1", "is not a known key; known here: directory, mask_phone_numbers"),
        ('database = "x"', "database: is a section, not a value; write [database] and its keys"),
        ('[octopods]\nbase_url = "octopods.io"', "not a web address; write one that starts with"),
        ('[octopods]\nbase_url = "ftp://a"', "octopods.base_url: is not a web address"),
        ('[octopods]\nbase_url = "https://a:b"', "octopods.base_url: is not a web address"),
        ('[octopods]\nbase_url = "https://k@a/?b"', "may have only a scheme, a host and a path"),
        ('[octopods]\ntimeout_seconds = "x"', 'is "x", but must be a number'),
        ("[octopods]\ntimeout_seconds = 0", "is 0, but must be more than 0"),
        ("[octopods]\ntimeout_seconds = 601", "is 601, but must be at most 600"),
        ("[octopods]\ntimeout_seconds = nan", "but must be a finite number"),
        ("[octopods]\ntimeout_seconds = []", "octopods.timeout_seconds: must be a number"),
        ("[octopods]\nmin_interval_seconds = true", "is true, but must be a number"),
        ("[octopods]\nmax_wait_seconds = -1", "is -1, but must be at least 0"),
        ("[octopods]\nstatus_lookups_per_run = 1.5", "is 1.5, but must be a whole number"),
        ("[matching]\ntolerence_seconds = 1", "did you mean tolerance_seconds?"),
        (
            '[matching]\ndefault_region = "UK"',
            'not a country code; did you mean "GB"? ("" for none)',
        ),
        ('[matching]\ndefault_region = "Ireland"', 'write two letters, such as "IE" ("" for none)'),
        ('[matching]\nstatus_policy = "strct"', 'but must be "compatible" or "strict"; did you me'),
        ("[matching]\nguard_rows = 0", "is 0, but must be at least 1"),
        ("[collect]\nmin_overlap = 100", "is 100, but must be at most 99"),
        ("[retention]\ndays = 9", "is 9, but must be at least 10"),
        ('[report]\ndirectory = ""', "report.directory: is empty; write a path"),
        ('[report]\ndirectory = "~/x"', 'starts with "~", which is not expanded'),
        ("[report]\ndirectory = 3", "report.directory: is 3, but must be text in quotes"),
        ('[report]\nmask_phone_numbers = "maybe"', 'is "maybe", but must be true or false'),
        ('[monitoring]\nping_url = "hc-ping.com/x"', "monitoring.ping_url: is not a web address"),
        ('[database]\nurl = ""', 'is not a database URL; write one such as "sqlite:///recon.db"'),
        (
            "[database]\nurl = 3",
            "database.url: must be text in quotes; write for example url =",
        ),
        ('[database]\nurl = "sqlite://recon.db"', "needs three slashes before a relative path"),
        ('[database]\nurl = "postgres://a/b"', 'write "postgresql+psycopg://"'),
    ],
)
def test_each_error_is_reported(refused: Refused, text: str, says: str) -> None:
    [error] = refused(text)
    assert says in error


GOOD_EMAIL = {
    "host": '"mx"',
    "sender": '"Recon <recon@example.com>"',
    "recipients": '["ops@example.com"]',
}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"host": None}, 'email.host: is missing; write for example host = "smtp.example.com"'),
        ({"host": '""'}, 'email.host: is empty; write for example host = "smtp.example.com"'),
        ({"port": "0"}, "email.port: is 0, but must be at least 1"),
        ({"security": '"ssl"'}, 'is "ssl", but must be "starttls", "tls" or "none"'),
        ({"when": '"discrepancy"'}, 'did you mean "discrepancies"?'),
        ({"sender": '"nobody"'}, 'is "nobody", but must be a mail address, such as "ops@ex'),
        ({"sender": '"a@b.c\\nBcc: x@y.z"'}, "but must be a mail address"),
        ({"recipients": '"ops@example.com"'}, "must be a list; write for example recipients = ["),
        ({"recipients": "[]"}, "email.recipients: is empty; write for example recipients = ["),
        ({"recipients": '["a@b.c", "x"]'}, 'email.recipients, item 2: is "x", but must be a mail'),
        ({"password": '"hunter2"'}, "a password must not be in this file; say where it is with"),
        ({"username": '"u"', "password_file": '" "'}, "email: username needs password_env or"),
        ({"username": '"u"'}, "email: username needs password_env or password_file too"),
        ({"password_env": '"P"'}, "email: password_env needs username too"),
        (
            {"username": '"u"', "password_env": '"P"', "password_file": '"f"'},
            "email: password_env and password_file are both set; keep one of them",
        ),
    ],
)
def test_each_error_of_the_mail_is_reported(
    refused: Refused, changes: dict[str, str | None], says: str
) -> None:
    lines = [f"{key} = {value}" for key, value in (GOOD_EMAIL | changes).items() if value]
    [error] = refused("[email]\n" + "\n".join(lines))
    assert says in error
    assert "hunter2" not in error


NO_TIME = "must select a time range; write WHERE sent_at >= :start AND sent_at < :end"
DB = 'url = "sqlite:///shop.db"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[accounts.main]", "accounts.main.local: is missing; write [accounts.main.local] and"),
        (
            account('api_key = "hunter2"'),
            "accounts.main.api_key: an API key must not be in this file",
        ),
        (
            account() + '[octopods]\napi_key = "hunter2"',
            "say where it is with api_key_env or api_key_file in [accounts.NAME]",
        ),
        (account('api_key_file = "k.txt"'), "api_key_env and api_key_file are both set"),
        (
            account().replace('api_key_env = "KEY"', ""),
            'accounts.main: does not say where its API key is; write api_key_env = "OCTOPODS_API_',
        ),
        (account().replace('"KEY"', '" "'), "accounts.main: does not say where its API key is"),
        (account('colour = "x"'), "known here: api_key_env, api_key_file, local"),
        ("accounts = 1", "accounts: is a section, not a value; write [accounts] and its keys"),
        (account(local=""), "accounts.main.local: does not say where your own records are"),
        (account(local=DB), 'accounts.main.local: url needs table = "…" or query = "…" beside it'),
        (account(local='url = "\t"'), "accounts.main.local: does not say where your own records"),
        (account(local=DB + 'table = " "'), "accounts.main.local: url needs table ="),
        (account(local=DB + 'table = "t"\nfile = "f.csv"'), "url and file are both set"),
        (account(local=DB + 'table = "t"\nquery = ":start :end"'), "table and query are both set"),
        (
            account(local='file = "f.csv"\ntable = "t"'),
            "local.table: can be used only with url, not with file",
        ),
        (
            account(local='file = "f.csv"\nwhere = "x"'),
            "local.where: can be used only with url, not with file",
        ),
        (
            account(local=DB + 'query = ":start :end"\nwhere = "x"'),
            "can be used only with table; write it",
        ),
        (account(local=DB + 'query = "SELECT 1"'), f"accounts.main.local.query: {NO_TIME}"),
        (account(local=DB + 'query = ":start"'), NO_TIME),
        (account(local=DB + "query = 'x::start \\:end'"), NO_TIME),
        (
            account(local=DB + 'query = ":start :end :x"'),
            "contains :x, which recon does not fill in",
        ),
        (account(local=DB + 'table = "t"\ntimezone = "Moon"'), "accounts.main.local.timezone: is"),
        (
            account(local=DB + 'table = "t"\ncolumns.sent_at = ""'),
            'accounts.main.local.columns.sent_at: is empty; write for example sent_at = "sent_at"',
        ),
        (account(local=DB + 'table = "t"\ncolumns.sent = "x"'), "did you mean sent_at?"),
        (
            account(local=DB + 'table = "t"\ncolumns = {message_id = "", phone_number = ""}'),
            "message_id and phone_number are both empty; set one of them",
        ),
        (
            account(local=DB + 'table = "t"\nstatuses.ok = "delivred"'),
            'local.statuses.ok: is "delivred", which is not a status of Octopods; did you mean "',
        ),
        (
            account(local=DB + 'table = "t"\nstatuses.ok = "qqqq"'),
            'write "sent", "delivered", "read", "failed", "deleted", "unknown" or "not_sent"',
        ),
        (account(local=DB + 'table = "t"\nstatuses.ok = 3'), "statuses.ok: is 3, but must be te"),
        (
            ACCOUNT.replace("main", "diff"),
            "accounts.diff: is reserved for the reports of recon diff",
        ),
        (
            ACCOUNT.replace("main", '"a b"'),
            'accounts."a b": is not a valid account name; use letter',
        ),
        (ACCOUNT.replace("main", '"../a"'), "is not a valid account name"),
        (ACCOUNT.replace("main", "a" * 65), "is not a valid account name"),
        (ACCOUNT + ACCOUNT.replace("main", "Main"), 'accounts.Main: differs from "main" in case'),
    ],
)
def test_each_error_of_an_account_is_reported(refused: Refused, text: str, says: str) -> None:
    errors = refused(account=text)
    assert any(says in error for error in errors), errors
    assert "hunter2" not in "".join(errors)


@pytest.mark.parametrize(
    "local",
    [
        DB + 'query = "SELECT t::text WHERE :start <= t AND t < :end"',
        DB + "query = \"SELECT 1 WHERE t BETWEEN :start_epoch AND :end_epoch AND h > '10:30'\"",
        DB + 'query = "SELECT 1 WHERE t BETWEEN :start_ms AND :end_ms"',
        DB + 'table = "t"\nwhere = "x = 1"',
        DB + 'table = "t"\ncolumns = {id = "", message_id = "", status = ""}',
        DB + 'table = "t"\nquery = ""',
        'file = "sends.parquet"',
    ],
)
def test_records_of_every_kind_are_accepted(load: Load, local: str) -> None:
    assert load(account=account(local=local)).accounts["main"].local


def test_a_status_may_be_written_in_capitals(load: Load) -> None:
    text = account(local=DB + 'table = "t"\nstatuses = {OK = "SENT", Queued = "not_sent"}')
    assert load(account=text).accounts["main"].local.statuses == {
        "OK": "sent",
        "Queued": "not_sent",
    }


def test_the_region_may_be_written_in_small_letters(load: Load) -> None:
    assert load('[matching]\ndefault_region = "ie"').matching.default_region == "IE"


def test_the_regions_are_those_that_the_number_parser_knows() -> None:
    assert set(phonenumbers.SUPPORTED_REGIONS) == REGIONS


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:80", "127.3.4.5"])
def test_plain_http_is_allowed_to_this_machine(load: Load, host: str) -> None:
    assert load(f'[octopods]\nbase_url = "http://{host}"').octopods.base_url == f"http://{host}"


@pytest.mark.parametrize("more", ["", "allow_http = false"])
def test_plain_http_to_another_machine_is_refused_with_the_remedy(load: Load, more: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(f'[octopods]\nbase_url = "http://octopods.example"\n{more}')
    assert "octopods.base_url: would send the API key" in caught.value.message
    assert "octopods.allow_http = true" in caught.value.message


@pytest.mark.parametrize("more", ["allow_http = true", 'allow_http = "yes"'])
def test_plain_http_to_another_machine_can_be_allowed(load: Load, more: str) -> None:
    url = "http://octopods.example"
    assert load(f'[octopods]\nbase_url = "{url}"\n{more}').octopods.base_url == url


def test_the_slash_at_the_end_of_the_base_url_is_taken_off(load: Load) -> None:
    settings = load('[octopods]\nbase_url = "http://127.0.0.1:8080/octopods/"')
    assert settings.octopods.base_url == "http://127.0.0.1:8080/octopods"


def test_all_errors_are_reported_at_once_each_on_a_line_of_its_own(refused: Refused) -> None:
    errors = refused(
        'timezone = "Dublin"\nzone = 1\n[octopods]\ntimeout_seconds = 0\n[email]\nport = "x"\n',
        account=account('api_key_file = "x"', 'where = "x"\ncolumns.sent_at = ""'),
        RECON_MATCHING__GUARD_ROWS="many",
        RECON_MATCHING__GARD_ROWS="1",
    )
    assert [error.split(": ")[0] for error in errors] == [
        "RECON_MATCHING__GARD_ROWS",
        "timezone",
        "octopods.timeout_seconds",
        "RECON_MATCHING__GUARD_ROWS",
        "email.host",
        "email.port",
        "email.sender",
        "email.recipients",
        "accounts.main.local.columns.sent_at",
        "accounts.main.local",
        "accounts.main.local.where",
        "accounts.main",
        "zone",
    ]


def test_the_count_of_errors_and_the_file_come_first(load: Load, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load("a = 1\nb = 2")
    head, *rest = str(caught.value).splitlines()
    assert head == f"the configuration ({tmp_path / 'recon.toml'}) has 2 errors:"
    assert len(rest) == 2


def test_no_sentence_speaks_the_language_of_the_library(refused: Refused) -> None:
    wrong_values = ["true", "3", "-3.5", '"x"', "[1]", "{x = 1}", "1979-05-27", '""']
    for way, value in itertools.product(known_keys.all_keys(), wrong_values):
        dotted = ".".join(way).replace("*", "main")
        try:
            errors = refused(f"{dotted} = {value}", account="")
        except pytest.fail.Exception:
            continue
        told = " ".join(errors)
        assert not re.search(r"pydantic|input|valid |string|dict|int_|_type|None|NoneType", told)
        assert "cannot be used" not in told


def test_a_syntax_error_is_reported_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "recon.toml"
    path.write_text('timezone = "UTC"\n[database\n')
    with pytest.raises(ConfigError, match=r"recon\.toml, line 2, column 10: expected '\]'"):
        config.load(path, {})


@pytest.mark.parametrize("time", ["09:00", "9:30  # every morning"])
def test_a_time_without_seconds_is_said_to_lack_them(tmp_path: Path, time: str) -> None:
    path = tmp_path / "recon.toml"
    path.write_text(f"[[accounts.main.expected]]\nfrom = {time}\r\nto = 10:00:00\n")
    with pytest.raises(
        ConfigError, match=r"line 2, column \d+: a time of day needs seconds, as in"
    ):
        config.load(path, {})


def test_a_directory_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path, {})
    assert caught.value.hint == f"Name the file in it: --config {tmp_path / 'recon.toml'}"


def test_an_unfinished_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "recon.toml"
    path.write_text("timezone =")
    with pytest.raises(ConfigError, match=r"recon\.toml, (end of document|line 1)"):
        config.load(path, {})


def test_a_file_in_another_encoding_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "recon.toml"
    path.write_bytes("# Grüße".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"recon\.toml is not text in UTF-8"):
        config.load(path, {})


def test_a_directory_in_the_place_of_the_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory"):
        config.load(tmp_path, {})


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no configuration file .*prod\.toml") as caught:
        config.load(tmp_path / "prod.toml", {}, require_accounts=False)
    assert "docs/configuration.md" in str(caught.value)


def test_the_file_of_the_working_directory_is_found(tmp_path: Path) -> None:
    (tmp_path / "recon.toml").write_text(ACCOUNT)
    assert list(config.load(None, {}).accounts) == ["main"]


def test_without_any_configuration_the_user_hears_how_to_start() -> None:
    with pytest.raises(ConfigError, match=r"there is no configuration") as caught:
        config.load(None, {})
    assert caught.value.exit_code == 78
    assert "Write one with `recon init`" in str(caught.value)
    assert "RECON_ACCOUNTS__MAIN__API_KEY_ENV" in str(caught.value)


def test_without_any_configuration_defaults_do_where_no_account_is_needed() -> None:
    assert config.load(None, {}, require_accounts=False) == config.Settings()


def test_a_file_without_an_account_is_reported(load: Load) -> None:
    with pytest.raises(ConfigError, match="has no account"):
        load(account="")


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000 + "]" * 5000,
        "a = " + "{b = " * 3000 + "1" + "}" * 3000,
        ".".join(["a"] * 5000) + " = 1",
    ],
)
def test_what_lies_too_deep_is_reported(load: Load, text: str) -> None:
    with pytest.raises(ConfigError, match="too deep"):
        load(text)


def test_a_number_of_too_many_digits_is_reported(load: Load) -> None:
    with pytest.raises(ConfigError, match="too many digits"):
        load("[octopods]\nmax_wait_seconds = " + "9" * 5000)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[report]\ndirectory = "a\\u0000b"', "report.directory"),
        ('[database]\nurl = "sqlite:///a\\u0000b"', "database.url"),
        ('[email]\nrecipients = ["a\\u0000@b"]', "email.recipients, item 1"),
    ],
)
def test_a_text_with_a_nul_is_reported_with_its_place(load: Load, text: str, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert f"{where}: contains an invalid character" in caught.value.message
