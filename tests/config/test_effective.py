"""The configuration in effect: where each value comes from, and no secret."""

from __future__ import annotations

import tomllib
from pathlib import Path

from recon.config import effective, known_keys

from .conftest import ACCOUNT

TEXT = """timezone = "Europe/Dublin"

[matching]
guard_rows = 3     # few
report.x = 1
"""


def origins(path: Path | None, **environ: str) -> dict[str, tuple[object, str]]:
    return {one.key: (one.value, one.origin) for one in effective.entries(path, environ)}


def test_each_value_says_where_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(TEXT.replace("report.x = 1\n", "") + ACCOUNT)
    found = origins(path, RECON_MATCHING__DRIFT_SECONDS="7")
    assert found["timezone"] == ("Europe/Dublin", f"{path}, line 1")
    assert found["matching.guard_rows"] == (3, f"{path}, line 4")
    variable = "environment variable RECON_MATCHING__DRIFT_SECONDS"
    assert found["matching.drift_seconds"] == (7, variable)
    assert found["octopods.timeout_seconds"] == (30, "default")
    assert found["accounts.main.local.table"] == ("sends", f"{path}, line 10")
    assert found["accounts.main.local.file"] == (None, "default")


def test_the_sections_of_a_list_have_the_keys_and_the_line_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "recon.toml"
    rule = """
[[accounts.main.expected]]
kind = "stuck"
from = "22:00"
to = "06:00"
reason = "at night"
until = 2026-12-31
"""
    path.write_text(ACCOUNT + rule)
    value, origin = origins(path)["accounts.main.expected"]
    assert isinstance(value, list)
    assert (value[0]["from"], value[0]["to"]) == ("22:00:00", "06:00:00")
    first = (ACCOUNT + rule).splitlines().index("[[accounts.main.expected]]") + 1
    assert origin == f"{path}, line {first}"


def test_a_whole_number_is_shown_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "recon.toml"
    path.write_text(ACCOUNT + "\n[octopods]\ntimeout_seconds = 2.5\nmax_wait_seconds = 60\n")
    found = {key: repr(value) for key, (value, _) in origins(path).items()}
    assert found["octopods.timeout_seconds"] == "2.5"
    assert found["octopods.max_wait_seconds"] == "60"
    assert found["octopods.min_interval_seconds"] == "1"


def test_every_key_is_listed_once(tmp_path: Path) -> None:
    path = tmp_path / "recon.toml"
    path.write_text(ACCOUNT)
    listed = [one.location for one in effective.entries(path, {})]
    assert len(listed) == len(set(listed))
    general = {(*one[:1], "*", *one[2:]) if one[0] == "accounts" else one for one in listed}
    wanted = {one for one in known_keys.all_keys() if one[-1] != "*"}
    assert {one for one in wanted if one[0] in {"octopods", "matching", "accounts"}} <= general


def test_secrets_are_blotted_out_wherever_they_come_from(tmp_path: Path) -> None:
    path = tmp_path / "recon.toml"
    path.write_text('[monitoring]\nping_url = "https://hc-ping.com/hunter2"\n' + ACCOUNT)
    found = origins(path, RECON_DATABASE__URL="postgresql://u:hunter2@h/db?sslpassword=hunter2")
    assert "hunter2" not in str(found)
    assert found["monitoring.ping_url"][0] == effective.BLOT
    assert found["database.url"][0] == "postgresql://u:***@h/db?…"


def test_odd_names_are_quoted_so_that_toml_reads_them() -> None:
    [value] = tomllib.loads(f"{effective.dotted(('a b', 'c'))} = 1").values()
    assert value == {"c": 1}
