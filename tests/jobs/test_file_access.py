"""Who else may read or change a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recon.jobs.file_access import User, open_to_others, secret_files

ME = User(os.geteuid(), os.getegid())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.touch(0o600)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_this_user_alone_is_closed(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert open_to_others(file, ME) is None


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (0o604, "can be read by every user"),
        (0o602, "can be changed by every user"),
        (0o606, "can be read and changed by every user"),
    ],
)
def test_rights_of_every_user_are_named_with_the_remedy(file: Path, mode: int, said: str) -> None:
    file.chmod(mode)
    complaint = open_to_others(file, ME)
    assert complaint is not None
    assert complaint.splitlines() == [f"{file} {said}", f"  Run: chmod 600 {file}"]


def test_a_group_that_others_may_be_in_counts(file: Path) -> None:
    group = 4_000_001 if ME.uid == 0 else ME.gid
    os.chown(file, ME.uid, group)
    file.chmod(0o640)
    assert "can be read by the group " in (open_to_others(file, User(ME.uid, group + 1)) or "")


def test_a_user_without_a_name_has_the_group_of_its_number() -> None:
    nobody = User(4_000_001, 4_000_001)
    assert nobody.has_alone(4_000_001)
    assert nobody.has_alone(0)
    assert not nobody.has_alone(4_000_002)


def test_a_file_of_another_user_can_be_changed_by_that_user(file: Path) -> None:
    if ME.uid == 0:
        os.chown(file, 4_000_001, 0)
    stranger = User(4_000_002, 4_000_002)
    assert "belongs to " in (open_to_others(file, stranger) or "")
    assert f"chown 4000002 {file}" in (open_to_others(file, stranger) or "")


def test_a_directory_in_which_everyone_may_replace_the_file_counts(file: Path) -> None:
    file.parent.chmod(0o777)
    assert "can be replaced by every user" in (open_to_others(file, ME) or "")
    file.parent.chmod(0o1777)
    assert open_to_others(file, ME) is None


def test_a_file_that_is_missing_is_reported_elsewhere(tmp_path: Path) -> None:
    assert open_to_others(tmp_path / "none", ME) is None


def test_files_of_secrets_are_those_beside_which_a_variable_may_stand() -> None:
    settings = {
        "email": {"password_env": None, "password_file": "/p"},
        "accounts": {"main": {"api_key_env": "KEY", "api_key_file": None}},
        "monitoring": {"metrics_file": "/m"},
    }
    assert list(secret_files(settings)) == [Path("/p")]
