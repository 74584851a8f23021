"""Check who may read or change the configuration and the files that contain secrets."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_ROOT: Final = 0


@dataclass(frozen=True, slots=True)
class User:
    """The user that runs recon, by number."""

    uid: int
    gid: int
    """The group of the process."""

    @classmethod
    def current(cls) -> User:
        """Return the user of this process."""
        return cls(os.geteuid(), os.getegid())

    @property
    def name(self) -> str:
        """The user's name, or in a container without names the number."""
        return _user_name(self.uid)

    def has_alone(self, gid: int) -> bool:
        """Say whether a group is root's or the user's own group, which has the user's name."""
        if gid == _ROOT:
            return True
        return gid == self.gid and _group_name(gid) in {self.name, str(gid)}


def secret_files(section: dict[str, Any]) -> Iterator[Path]:
    """Yield the files of secrets in the settings: each `…_file` that has a matching `…_env`.

    Args:
        section: settings as plain values.
    """
    for key, value in section.items():
        if isinstance(value, dict):
            yield from secret_files(value)
        elif value and key.endswith("_file") and f"{key.removesuffix('_file')}_env" in section:
            yield Path(value)


def open_to_others(path: Path, user: User) -> str | None:
    """Say who else may read or change a file, and how to prevent it; `None` for nobody.

    Root does not count. A directory in which another user may replace the file counts. A file that
    does not exist, or is in a directory that this user cannot read, is not checked.
    """
    try:
        file, directory = path.stat(), path.absolute().parent.stat()
    except OSError:
        return None
    where = path.absolute()
    doings = []
    if file.st_uid not in {user.uid, _ROOT}:
        doings.append(f"belongs to {_user_name(file.st_uid)}")
    for who in _others(file, user):
        rights = _rights(file.st_mode, who)
        doings += [f"can be {rights} by {_spelt(who, file)}"] if rights else []
    sticky = directory.st_mode & stat.S_ISVTX
    openers = [] if sticky else [w for w in _others(directory, user) if directory.st_mode & w.write]
    if not doings and not openers:
        return None
    remedies = []
    if doings:
        owner = "" if file.st_uid == user.uid else f"chown {user.name} {where} && "
        remedies.append(f"{owner}chmod 600 {where}")
    if openers:
        spelt = " and ".join(_spelt(who, directory) for who in openers)
        doings.append(f"can be replaced by {spelt}, who may write to {where.parent}")
        remedies.append(f"chmod go-w {where.parent}")
    return f"{where} {', '.join(doings)}\n  Run: {' && '.join(remedies)}"


@dataclass(frozen=True, slots=True)
class _Who:
    read: int
    write: int


_GROUP: Final = _Who(stat.S_IRGRP, stat.S_IWGRP)
_EVERYONE: Final = _Who(stat.S_IROTH, stat.S_IWOTH)


def _others(found: os.stat_result, user: User) -> list[_Who]:
    return [_EVERYONE] if user.has_alone(found.st_gid) else [_GROUP, _EVERYONE]


def _rights(mode: int, who: _Who) -> str:
    named = {"read": mode & who.read, "changed": mode & who.write}
    return " and ".join(name for name, is_there in named.items() if is_there)


def _spelt(who: _Who, found: os.stat_result) -> str:
    return "every user" if who is _EVERYONE else f"the group {_group_name(found.st_gid)}"


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
