"""Settings from the environment: `RECON_DATABASE__URL` is `url` of `[database]`."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from recon.config import known_keys
from recon.config.known_keys import Shape
from recon.config.value_types import closest, one_of

PREFIX: Final = "RECON_"
SEPARATOR: Final = "__"

#: Names of ours that are no settings.
_OTHERS: Final = frozenset({"RECON_CONFIG"})

# Kubernetes sets such a variable in each container for each service named `recon-…`.
_SERVICE_LINK: Final = re.compile(r"(tcp|udp|sctp)://")
_SERVICE: Final = re.compile(r"RECON_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\w+)?)")
_NEAR: Final = 0.85
#: So near the name of an account is another one with a slip: `mian` and `main`.
_LIKE: Final = 0.7

Json = TypeVar("Json", dict[str, Any], list[Any])


@dataclass(frozen=True, slots=True)
class Overlay:
    """The configuration of file and environment, not yet checked."""

    values: dict[str, Any]
    origins: dict[tuple[str, ...], str] = field(default_factory=dict)
    """The variable's name by the path of each value from the environment."""
    errors: list[str] = field(default_factory=list)


def name_of(location: Sequence[int | str]) -> str:
    """Return the variable that sets the key at `location`."""
    return PREFIX + SEPARATOR.join(str(key).upper() for key in location)


def overlay(values: dict[str, Any], environ: Mapping[str, str]) -> Overlay:
    """Return the file's `values` with those of the environment over them.

    Names of keys may be written in any case. An account's name is matched to the file's without
    regard to case, with `_` for `-` and `.`; a new one is in lower case. A list is JSON or
    separated by commas; a whole section may be a JSON object.
    """
    result = Overlay(_copy(values))
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in _OTHERS:
            continue
        tokens = name.removeprefix(PREFIX).split(SEPARATOR)
        try:
            location = _locate(tokens, known_keys.TOP, result.values)
        except _AmbiguousError as error:
            result.errors.append(f"{name}: {error}")
            continue
        shape = None if location is None else known_keys.shape_at(location)
        if location is None or shape is None:
            result.errors.extend(_unknown(name, environ[name]))
        else:
            _set(result, name, location, shape, environ[name].strip())
    result.errors.extend(_misspelled_accounts(result, values))
    return result


def _misspelled_accounts(result: Overlay, written: Mapping[str, Any]) -> list[str]:
    """Remove accounts whose name is a misspelling of another's, and report them.

    Such an account exists only in variables, is incomplete, and its name is similar to another's.
    """
    accounts, in_file = result.values.get("accounts"), written.get("accounts")
    if not isinstance(accounts, dict):
        return []
    partial = [
        name
        for name, account in accounts.items()
        if isinstance(account, dict)
        and name not in (in_file if isinstance(in_file, dict) else {})
        and not ("local" in account and any(key.startswith("api_key") for key in account))
    ]
    errors = []
    for name in partial:
        near = closest(name, [one for one in accounts if one not in partial], cutoff=_LIKE)
        if not near:
            continue
        del accounts[name]
        for location, variable in sorted(result.origins.items()):
            if location[:2] == ("accounts", name):
                right = name_of(("accounts", near[0], *location[2:]))
                errors.append(f"{variable}: there is no account {name}; did you mean {right}?")
                del result.origins[location]
    return errors


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(each) if isinstance(each, dict) else each for key, each in values.items()}


def _locate(tokens: Sequence[str], shape: Shape, present: object) -> tuple[str, ...] | None:
    """Return the path for the parts of a name, `None` if the key does not exist."""
    if not tokens:
        return ()
    there = present if isinstance(present, dict) else {}
    if shape.entries is None:
        used, key = 1, tokens[0].lower()
    else:
        used, key = _entry(tokens, shape.entries, there)
    below = shape.below(key)
    rest = None if below is None else _locate(tokens[used:], below, there.get(key))
    return None if rest is None else (key, *rest)


def _entry(tokens: Sequence[str], shape: Shape, present: Mapping[str, object]) -> tuple[int, str]:
    """Return the name of an entry, and how many parts it consists of."""
    for used in range(len(tokens), 0, -1):
        if (found := _among(present, SEPARATOR.join(tokens[:used]))) is not None:
            return used, found
    used = 1 if shape.is_table else len(tokens)
    name = SEPARATOR.join(tokens[:used])
    return used, name.lower() if name.isupper() else name


def _among(present: Iterable[str], name: str) -> str | None:
    """Return the entry that a variable names: the one spelled alike if several fit.

    Raises:
        _AmbiguousError: several fit, and none or more than one is spelled alike.
    """
    fitting = [key for key in present if _folded(key) == _folded(name)]
    alike = [key for key in fitting if key.casefold() == name.casefold()]
    same = [key for key in alike if key == name]
    for found in (same, alike, fitting):
        if len(found) == 1:
            return found[0]
    if fitting:
        raise _AmbiguousError(
            f"may mean {one_of(fitting)} in the file; write the name exactly as it is there"
        )
    return None


class _AmbiguousError(Exception):
    """A variable may mean several entries of the file."""


def _folded(name: str) -> str:
    return re.sub(r"[-. ]", "_", name).casefold()


def _set(result: Overlay, name: str, location: tuple[str, ...], shape: Shape, text: str) -> None:
    value: object = text
    if shape.is_table:
        value = _json(text, dict)
        if value is None:
            example = name_of((*location, "…"))
            result.errors.append(
                f"{name}: is a section; set its keys, as {example}, or write a JSON object"
            )
            return
    elif shape.item is not None:
        if (value := _json(text, list)) is None:
            result.errors.append(f'{name}: is not a JSON list; write [{{"…": "…"}}, …]')
            return
    elif shape.is_list:
        value = [part.strip() for part in text.split(",") if part.strip()]
        if text.startswith("[") and (value := _json(text, list)) is None:
            result.errors.append(
                f'{name}: is not a JSON list; write ["…", "…"], or separate by commas'
            )
            return
    here = result.values
    for key in location[:-1]:
        here = here.setdefault(key, {})
        if not isinstance(here, dict):  # the file is wrong there, which is reported anyway
            return
    _put(result, here, location, value, name)


def _put(
    result: Overlay, here: dict[str, Any], location: tuple[str, ...], value: object, name: str
) -> None:
    key = location[-1]
    if isinstance(value, dict) and isinstance(here.setdefault(key, {}), dict):
        for below, each in value.items():
            _put(result, here[key], (*location, below), each, name)
    else:
        here[key] = value
    if not isinstance(value, dict):
        result.origins[location] = name


def _json(text: str, kind: type[Json]) -> Json | None:
    """Return the value of a JSON text, `None` if it is not JSON or has another type."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, kind) else None


def _unknown(name: str, value: str) -> list[str]:
    """Report that no such setting exists, unless the variable may belong to another program."""
    names = [name_of(location) for location in known_keys.all_keys()]
    if secret := re.search(r"__(API_KEY|PASSWORD)$", name, re.IGNORECASE):
        what = secret[1].lower()
        return [f"{name}: is not a setting; {what}_env names the variable that holds the secret"]
    if SEPARATOR in name:
        if found := closest(_general(name), names):
            return [f"{name}: is not a setting; did you mean {_particular(found[0], name)}?"]
        return [f"{name}: is not a setting"]
    if _SERVICE_LINK.match(value):
        return []
    twins = {_joined(known): known for known in names}
    if (twin := twins.get(_joined(_general(name)))) is not None:
        return [f"{name}: is not a setting; write {_particular(twin, name)} (two underscores)"]
    plain = [known for known in names if SEPARATOR not in known]
    if found := closest(name, plain, cutoff=_NEAR):
        return [f"{name}: is not a setting; did you mean {found[0]}?"]
    return []


def unused(environ: Mapping[str, str], named: Collection[str]) -> list[str]:
    """Return the variables that begin like recon's but set nothing; other programs may need them.

    Args:
        environ: the environment; `overlay` has found no error in it.
        named: the variables that settings name, for example those of API keys.
    """
    return [
        name
        for name in sorted(environ)
        if name.startswith(PREFIX)
        and name not in _OTHERS
        and name not in named
        and _locate(name.removeprefix(PREFIX).split(SEPARATOR), known_keys.TOP, {}) is None
        and not _SERVICE_LINK.match(environ[name])
        and not _SERVICE.fullmatch(name)
    ]


def _joined(name: str) -> str:
    return name.upper().replace(SEPARATOR, "_")


_ACCOUNT: Final = re.compile(
    r"RECON_ACCOUNTS?_{1,2}(.+?)(?=_{1,2}(?:API_|LOCAL)|__|$)", re.IGNORECASE
)


def _general(name: str) -> str:
    """Replace an account's name by `*`, as in the known names."""
    return _ACCOUNT.sub("RECON_ACCOUNTS__*", name, count=1)


def _particular(known: str, name: str) -> str:
    """Put the account's name of `name` in the place of `*`."""
    found = _ACCOUNT.match(name)
    # If `ACCOUNTS` itself is misspelled, the name is the part after it.
    parts = name.split(SEPARATOR)
    account = found[1] if found else parts[1] if len(parts) > 2 else "MAIN"  # noqa: PLR2004
    return known.replace("*", account, 1)
