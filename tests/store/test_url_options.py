from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.errors import ConfigError, OutputError
from recon.store.engine import connect, reading


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("foo=bar", "does not know: foo"),
        ("mode=ro", "does not know: mode"),
        ("timeout=soon", "value cannot be read (options: timeout)"),
        ("detect_types=x", "value cannot be read (options: detect_types)"),
    ],
)
def test_an_option_that_sqlite_does_not_take_is_named(
    tmp_path: Path, options: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        connect(f"sqlite:///{tmp_path}/recon.db?{options}")
    assert said in caught.value.message


@pytest.mark.parametrize("options", ["mode=zz", "cache=zz", "vfs=zz"])
def test_a_value_that_only_sqlite_itself_refuses_is_a_wrong_configuration(
    tmp_path: Path, options: str
) -> None:
    engine = connect(f"sqlite:///file:{tmp_path}/recon.db?{options}&uri=true")
    with pytest.raises(ConfigError, match="cannot be opened: no such"), reading(engine):
        pass


@pytest.mark.parametrize(
    "rest",
    [
        "127.0.0.1:1/d?foo=bar",
        "127.0.0.1:1/d?connect_timeout=soon",
        "127.0.0.1:1/d?sslmode=zz",
        "127.0.0.1:99999/d",
    ],
)
def test_an_option_that_postgres_does_not_take_is_a_wrong_configuration(rest: str) -> None:
    engine = connect(f"postgresql://user:secret@{rest}")
    with pytest.raises(ConfigError) as caught, reading(engine):
        pass
    assert "with such options" in caught.value.message
    assert "secret" not in str(caught.value)


def test_a_host_that_no_name_can_be_is_a_wrong_configuration() -> None:
    engine = connect(f"postgresql://user@{'a' * 300}/d")
    with (
        pytest.raises(ConfigError, match=r"the host name in database\.url is not valid"),
        reading(engine),
    ):
        pass


def test_a_name_that_no_file_can_have_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="too long"):
        connect(f"sqlite:///{tmp_path}/{'a' * 5000}.db")


@pytest.mark.parametrize("style", ["German, DMY", "SQL, MDY", "Postgres, DMY"])
def test_a_server_may_write_dates_in_its_own_style(postgres_url: str, style: str) -> None:
    url = sa.make_url(postgres_url)
    options = "-c DateStyle=" + style.replace(", ", ",\\ ")
    changed = url.update_query_dict({"options": options}).render_as_string(hide_password=False)
    engine = connect(changed)
    with reading(engine) as connection:
        day = connection.execute(sa.text("SELECT timestamptz '2026-04-03 10:00Z'")).scalar_one()
        assert (day.year, day.month, day.day) == (2026, 4, 3)
        assert connection.execute(sa.text("SHOW DateStyle")).scalar() == "ISO, YMD"
    engine.dispose()
