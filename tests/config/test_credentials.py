"""Secrets: read where the settings say, shown nowhere."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr

from recon import config
from recon.config import Account, SecretUrl, fingerprint
from recon.config.settings import Email
from recon.errors import ConfigError

from .conftest import Load

RECORDS = {"file": "sends.csv"}
SECRET = "hunter2"


def by_variable(name: str = "KEY") -> Account:
    return Account.model_validate({"api_key_env": name, "local": RECORDS})


def by_file(path: Path | str) -> Account:
    return Account.model_validate({"api_key_file": str(path), "local": RECORDS})


def test_a_key_is_read_from_its_variable() -> None:
    assert by_variable().api_key({"KEY": " abc\n"}).get_secret_value() == "abc"


def test_a_key_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    path.write_text("\ufeffabc\r\n", encoding="utf-8")
    assert by_file(path).api_key({}).get_secret_value() == "abc"


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "environment variable KEY (api_key_env) is not set"),
        ({"KEY": " \n"}, "environment variable KEY (api_key_env) is empty"),
        ({"KEY": "abc def"}, "holds more than one word"),
        ({"KEY": "abc\ndef"}, "holds more than one word"),
        ({"KEY": "abc\x7f"}, "a character that is not valid in a key"),
        ({"KEY": "abc\u2013def"}, "a character that is not valid in a key"),
    ],
)
def test_a_key_that_cannot_be_one_names_its_variable(environ: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        by_variable().api_key(environ)
    assert says in str(caught.value)
    assert "abc" not in str(caught.value)


def test_a_key_that_cannot_be_read_names_its_file(tmp_path: Path) -> None:
    missing = tmp_path / "key.txt"
    with pytest.raises(ConfigError) as caught:
        by_file(missing).api_key({})
    assert f"file {missing} (api_key_file) cannot be read: No such file" in str(caught.value)


def test_an_empty_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    path.write_text("\n")
    with pytest.raises(ConfigError, match=r"key\.txt \(api_key_file\) is empty"):
        by_file(path).api_key({})


def test_a_file_that_is_no_text_shows_nothing_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    path.write_bytes(b"hunter2\xff")
    with pytest.raises(ConfigError, match="not UTF-8 text") as caught:
        by_file(path).api_key({})
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_a_key_in_the_place_of_its_name_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        by_variable("hunter2").api_key({})
    assert caught.value.message == "the environment variable that api_key_env names is not set"
    with pytest.raises(ConfigError) as caught:
        by_file("hunter2").api_key({})
    assert "the file that api_key_file names cannot be read" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_mail_password_is_read_only_where_there_is_a_user_name() -> None:
    mail = {"host": "mx", "sender": "a@b.c", "recipients": ["a@b.c"]}
    assert Email.model_validate(mail).password({}) is None
    login = Email.model_validate({**mail, "username": "u", "password_env": "P"})
    password = login.password({"P": "hunter2"})
    assert password is not None
    assert password.get_secret_value() == "hunter2"
    with pytest.raises(ConfigError, match=r"variable P \(email\.password_env\) is not set"):
        login.password({})


def test_a_fingerprint_distinguishes_keys_and_does_not_show_them() -> None:
    one, other = fingerprint(SecretStr("hunter2")), fingerprint(SecretStr("hunter3"))
    assert one == fingerprint(SecretStr("hunter2"))
    assert one != other
    assert len(one) == 16
    assert int(one, 16)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:hunter2@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("postgresql://u:hunter2@x@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:hunter2/x?y@h/db", "postgresql://u:***@h/db"),
        ("postgresql://:hunter2@h/db", "postgresql://:***@h/db"),
        ("postgresql:///db?user=u&password=hunter2", "postgresql:///db?…"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("sqlite:////var/lib/recon.db", "sqlite:////var/lib/recon.db"),
        ("sqlite://", "sqlite://"),
    ],
)
def test_a_database_url_shows_itself_without_its_password(url: str, shown: str) -> None:
    assert str(SecretUrl(url)) == shown
    assert repr(SecretUrl(url)) == f"SecretUrl('{shown}')"
    assert SecretUrl(url).get_secret_value() == url


def test_the_passwords_of_urls_are_known_in_both_spellings(load: Load) -> None:
    settings = load('[database]\nurl = "postgresql://u:p%40ss@h/db"')
    assert set(settings.passwords) == {"p%40ss", "p@ss", "hunter2"}
    assert SecretUrl("sqlite:///a.db").passwords == ()


def test_no_secret_shows_in_any_form_of_the_settings(load: Load) -> None:
    settings = load(
        '[database]\nurl = "postgresql://u:hunter2@h/db"\n'
        '[monitoring]\nping_url = "https://hc-ping.com/hunter2"'
    )
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
    assert SECRET not in settings.accounts["main"].local.model_dump_json()
    assert SECRET not in settings.model_dump_json(exclude={"monitoring"})
    assert SECRET not in str(settings.accounts["main"].local.model_dump())


@pytest.mark.parametrize(
    "text",
    [
        'database.url = "hunter2"',
        'database.url = ["hunter2"]',
        'database.url = "postgres://u:hunter2@h/db"',
        'database.url = "sqlite://hunter2"',
        'database = "hunter2"',
        'monitoring.ping_url = "hunter2"',
        'octopods.base_url = "https://hunter2@x"',
        'email.password = "hunter2"',
        'accounts.main = "hunter2"',
        'accounts.b.api_key = "hunter2"',
        'accounts.b.api_key_env = ["hunter2"]',
        'accounts.b.local = "hunter2"',
        'accounts.b.local.url = "hunter2"',
        'accounts.b.local.url = {password = "hunter2"}',
    ],
)
def test_no_secret_shows_in_a_refusal_or_its_traceback(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "recon.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load(path, {})
    logging.getLogger("recon").error("trouble", exc_info=caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in caplog.text
    assert SECRET not in repr(caught.value)


def test_a_section_built_by_hand_hides_what_it_refuses() -> None:
    raw = {"local": {"url": [SECRET], "table": "t"}}
    with pytest.raises(ValueError, match="does not say where its API key is") as caught:
        Account.model_validate(raw)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_mail_password_may_hold_blanks_and_a_key_may_not() -> None:
    words = {"PASSWORD": "abcd efgh ijkl mnop\n"}
    email = Email.model_validate(
        {
            "host": "smtp.example.com",
            "username": "recon",
            "password_env": "PASSWORD",
            "sender": "recon@example.com",
            "recipients": ["ops@example.com"],
        }
    )
    password = email.password(words)
    assert password is not None
    assert password.get_secret_value() == "abcd efgh ijkl mnop"
    with pytest.raises(ConfigError, match=r"email\.password_env\) holds more than one line"):
        email.password({"PASSWORD": "abcd\nefgh"})
    with pytest.raises(ConfigError, match=r"main\.api_key_env\) holds more than one word"):
        by_variable("PASSWORD").api_key(words, "main")
