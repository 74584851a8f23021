"""Settings from `RECON_…` variables."""

from __future__ import annotations

import pytest

from recon import config
from recon.config import environment, known_keys
from recon.errors import ConfigError

from .conftest import ACCOUNT, Load, Refused

ALONE = {
    "RECON_ACCOUNTS__MAIN__API_KEY_ENV": "KEY",
    "RECON_ACCOUNTS__MAIN__LOCAL__URL": "sqlite:///shop.db",
    "RECON_ACCOUNTS__MAIN__LOCAL__TABLE": "sends",
}


def test_the_environment_wins_over_the_file(load: Load) -> None:
    settings = load(
        'timezone = "Europe/Paris"\n[matching]\nguard_rows = 3\ndrift_seconds = 4',
        RECON_TIMEZONE="Europe/Dublin",
        RECON_MATCHING__GUARD_ROWS="7",
    )
    assert settings.timezone == "Europe/Dublin"
    assert settings.matching.guard_rows == 7
    assert settings.matching.drift_seconds == 4


def test_an_account_can_come_from_the_environment_alone() -> None:
    settings = config.load(None, ALONE)
    assert settings.accounts["main"].local.table == "sends"


def test_keys_of_an_account_of_the_file_can_be_replaced(load: Load) -> None:
    settings = load(
        RECON_ACCOUNTS__MAIN__API_KEY_ENV="OTHER",
        RECON_ACCOUNTS__MAIN__LOCAL__COLUMNS__SENT_AT="created",
        RECON_ACCOUNTS__MAIN__LOCAL__STATUSES__ACCEPTED="sent",
    )
    main = settings.accounts["main"]
    assert main.api_key_env == "OTHER"
    assert main.local.columns.sent_at == "created"
    assert main.local.statuses == {"accepted": "sent"}
    assert main.local.table == "sends"


@pytest.mark.parametrize(
    ("name", "variable"),
    [("Main", "MAIN"), ("eu-west.1", "EU_WEST_1"), ("a__b", "A__B"), ("main", "main")],
)
def test_an_account_is_found_whatever_a_variable_can_spell(
    load: Load, name: str, variable: str
) -> None:
    settings = load(
        account=ACCOUNT.replace("main", f'"{name}"'),
        **{f"RECON_ACCOUNTS__{variable}__API_KEY_ENV": "OTHER"},
    )
    assert [(key, each.api_key_env) for key, each in settings.accounts.items()] == [(name, "OTHER")]


TWINS = "".join(ACCOUNT.replace("main", f'"{name}"') for name in ("shop-a", "shop.a"))


@pytest.mark.parametrize("name", ["shop-a", "shop.a"])
def test_of_accounts_that_differ_in_punctuation_the_variable_names_the_one_it_spells(
    load: Load, name: str
) -> None:
    settings = load(account=TWINS, **{f"RECON_ACCOUNTS__{name.upper()}__API_KEY_ENV": "OTHER"})
    replaced = [key for key, each in settings.accounts.items() if each.api_key_env == "OTHER"]
    assert replaced == [name]


def test_a_variable_that_may_mean_two_accounts_is_an_error(refused: Refused) -> None:
    [error] = refused(account=TWINS, RECON_ACCOUNTS__SHOP_A__API_KEY_ENV="OTHER")
    assert error == (
        'RECON_ACCOUNTS__SHOP_A__API_KEY_ENV: may mean "shop-a" or "shop.a" in the file; write the '
        "name exactly as it is there"
    )


def test_an_empty_variable_takes_a_key_of_the_file_away(load: Load) -> None:
    settings = load(
        RECON_ACCOUNTS__MAIN__LOCAL__TABLE="",
        RECON_ACCOUNTS__MAIN__LOCAL__QUERY="SELECT 1 WHERE :start < :end",
    )
    local = settings.accounts["main"].local
    assert (local.table, local.query) == (None, "SELECT 1 WHERE :start < :end")


@pytest.mark.parametrize("value", ['["a@b.c", "d@e.f"]', "a@b.c, d@e.f", "a@b.c,d@e.f,"])
def test_a_list_is_json_or_separated_by_commas(load: Load, value: str) -> None:
    settings = load(
        RECON_EMAIL__HOST="mx", RECON_EMAIL__SENDER="a@b.c", RECON_EMAIL__RECIPIENTS=value
    )
    assert settings.email is not None
    assert settings.email.recipients == ("a@b.c", "d@e.f")


def test_a_section_may_be_a_json_object(load: Load) -> None:
    settings = load(
        RECON_ACCOUNTS__MAIN__LOCAL__STATUSES='{"Sent OK": "sent"}',
        RECON_MATCHING='{"guard_rows": 2}',
    )
    assert settings.accounts["main"].local.statuses == {"Sent OK": "sent"}
    assert settings.matching.guard_rows == 2


def test_flags_and_numbers_are_read_from_text(load: Load) -> None:
    settings = load(
        RECON_REPORT__MASK_PHONE_NUMBERS="false",
        RECON_OCTOPODS__TIMEOUT_SECONDS=" 2.5 ",
        RECON_RETENTION__DAYS="30",
    )
    assert settings.report.mask_phone_numbers is False
    assert settings.octopods.timeout_seconds == 2.5
    assert settings.retention.days == 30


def test_every_key_can_be_set_by_a_variable() -> None:
    for way in known_keys.all_keys():
        name = environment.name_of(way).replace("*", "MAIN")
        shape = known_keys.shape_at(way)
        assert shape is not None
        overlay = environment.overlay({}, {name: "[]" if shape.item is not None else "x"})
        assert overlay.errors == []
        [location] = overlay.origins
        assert tuple("*" if part == "main" else part for part in location) == way


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECON_CONFIG", "prod.toml"),
        ("RECON_SERVICE_HOST", "10.0.0.1"),
        ("RECON_SERVICE_PORT", "80"),
        ("RECON_PORT_80_TCP_PROTO", "tcp"),
        ("RECON_EMAIL_PORT", "tcp://10.0.0.1:25"),
        ("RECON_", "x"),
        ("RECONX__A", "x"),
        ("OTHER__A", "x"),
    ],
)
def test_variables_of_others_are_left_alone(load: Load, name: str, value: str) -> None:
    assert load(**{name: value}) == load()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("RECON_DATABSE__URL", "x", "is not a setting; did you mean RECON_DATABASE__URL?"),
        (
            "RECON_ACCOUNTS__MAIN__API_KEY_EN",
            "x",
            "is not a setting; did you mean RECON_ACCOUNTS__MAIN__API_KEY_ENV?",
        ),
        ("RECON_TIMEZON", "x", "is not a setting; did you mean RECON_TIMEZONE?"),
        ("RECON_TIME_ZONE", "x", "is not a setting; did you mean RECON_TIMEZONE?"),
        ("RECON_ZZ__QQ", "x", "is not a setting"),
        ("RECON_TIMEZONE__X", "x", "is not a setting"),
        ("RECON_DATABASE_URL", "x", "write RECON_DATABASE__URL (two underscores)"),
        (
            "RECON_ACCOUNTS_MAIN_LOCAL_URL",
            "x",
            "write RECON_ACCOUNTS__MAIN__LOCAL__URL (two underscores)",
        ),
        ("RECON_EMAIL_PORT", "25", "write RECON_EMAIL__PORT (two underscores)"),
        ("RECON_DATABASE", "hunter2", "is a section; set its keys, as RECON_DATABASE__…, or"),
        ("RECON_MATCHING", "[1]", "is a section; set its keys"),
        ("RECON_EMAIL__RECIPIENTS", '["a', 'is not a JSON list; write ["…", "…"], or separate by'),
        ("RECON_ACCOUNTS__MAIN__API_KEY", "hunter2", "api_key_env names the variable that holds"),
        ("RECON_EMAIL__PASSWORD", "hunter2", "password_env names the variable that holds"),
        ("RECON_MATCHING__GUARD_ROWS", "ten", 'is "ten", but must be a whole number'),
        ("RECON_TIMEZONE", "Dublin", 'did you mean "Europe/Dublin"?'),
    ],
)
def test_an_error_bears_the_name_of_the_variable(
    refused: Refused, name: str, value: str, says: str
) -> None:
    [error] = refused(**{name: value})
    assert error.startswith(f"{name}: ")
    assert says in error
    assert "hunter2" not in error


def test_without_a_file_what_is_missing_is_named_as_a_variable() -> None:
    environ = {"RECON_ACCOUNTS__MAIN__API_KEY_ENV": "KEY", "RECON_EMAIL__HOST": "mx"}
    with pytest.raises(ConfigError) as caught:
        config.load(None, environ)
    assert [line.strip() for line in str(caught.value).splitlines()] == [
        "the configuration (the environment) has 3 errors:",
        "RECON_EMAIL__SENDER: is missing; write for example recon@example.com",
        "RECON_EMAIL__RECIPIENTS: is missing; write for example ops@example.com",
        "RECON_ACCOUNTS__MAIN__LOCAL: is missing; set its keys, as RECON_ACCOUNTS__MAIN__LOCAL__…",
    ]


def test_the_file_and_the_variables_that_were_given_are_not_changed() -> None:
    values = {"matching": {"guard_rows": 3}}
    environment.overlay(values, {"RECON_MATCHING__GUARD_ROWS": "4"})
    assert values == {"matching": {"guard_rows": 3}}


@pytest.mark.parametrize("key", ["API_KEY_ENV", "LOCAL__TIMEZONE", "LOCAL__STATUSES__ACCEPTED"])
def test_a_slip_in_the_name_of_an_account_names_the_right_variable(key: str, load: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load(**{f"RECON_ACCOUNTS__MIAN__{key}": "UTC"})
    [_, error] = str(caught.value).splitlines()
    wrong, right = f"RECON_ACCOUNTS__MIAN__{key}", f"RECON_ACCOUNTS__MAIN__{key}"
    assert error.strip() == f"{wrong}: there is no account mian; did you mean {right}?"


def test_a_slip_before_the_name_of_an_account_keeps_the_name(load: Load) -> None:
    with pytest.raises(ConfigError, match="did you mean RECON_ACCOUNTS__SHOP__API_KEY_ENV"):
        load(RECON_ACOUNTS__SHOP__API_KEY_ENV="KEY")


def test_a_whole_account_whose_name_is_near_another_is_another() -> None:
    twin = {name.replace("MAIN", "MAIN2"): value for name, value in ALONE.items()}
    assert set(config.load(None, ALONE | twin).accounts) == {"main", "main2"}


@pytest.mark.parametrize(
    ("name", "opposite"),
    [
        ("RECON_OCTOPODS__MAX_INTERVAL_SECONDS", "MIN_INTERVAL_SECONDS"),
        ("RECON_COLLECT__MIN_INTERVAL_MINUTES", "MAX_INTERVAL_MINUTES"),
    ],
)
def test_the_opposite_of_a_setting_is_no_suggestion(name: str, opposite: str, load: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load(**{name: "5"})
    assert opposite not in str(caught.value)


def test_variables_that_set_nothing_are_told_unless_something_needs_them() -> None:
    environ = {
        **ALONE,
        "RECON_CONFIG": "recon.toml",
        "RECON_KEY": "named",
        "RECON_COLOUR": "blue",
        "RECON_SERVICE_HOST": "10.0.0.1",
        "RECON_PORT": "tcp://10.0.0.1:80",
        "OTHER": "x",
    }
    assert environment.unused(environ, {"RECON_KEY"}) == ["RECON_COLOUR"]
