"""The cases of `tests/corpus`: two small files, and exactly what `recon diff` must say of them.

A case has a `title` and

- `records` and `octopods`: rows under the plain header, as CSV; or whole files under `files`, named
  `sends.…` and `octopods.…`;
- `config`: the content of `recon.toml`; `options`: more of the command line; `now`: the time of
  day, else the morning after most cases' day;
- `days`: the days that are asked for, without holes; without it the files are taken whole;
- `code`: how the command ends under `--exit-code`, where that does not follow from the verdicts;
- for each window, by its name (`all`, or the day):
  - `finds`: every finding, in the order of the report, as `kind local_id message_id: words of its
    detail`, a `-` for none; `unsorted` where equal times leave the order to the findings' ids;
  - `local`, `provider`: the buckets that are not 0, `statuses` likewise;
  - `rows`: cells of the first rows; `window`: as the JSON has it; `verdict`, where it is neither
    `clean` nor `discrepancies`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

CORPUS: Final = Path(__file__).parent.parent / "corpus"

_HEADERS: Final = {
    "records": ("sends.csv", "id,message_id,phone_number,sent_at,status\n"),
    "octopods": ("octopods.csv", "message_id,phone_number,sent_at,status\n"),
}
_MORNING_AFTER: Final = datetime(2026, 4, 24, 6, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is said of one window."""

    finds: Sequence[str] | None = ()
    """`None` where only `rows` are told."""
    unsorted: bool = False
    local: Mapping[str, int] = field(default_factory=dict)
    provider: Mapping[str, int] = field(default_factory=dict)
    statuses: Mapping[str, int] | None = None
    rows: Sequence[Mapping[str, str]] = ()
    window: Mapping[str, str] | None = None
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Two files, and what must come of them."""

    title: str
    files: Mapping[str, str]
    """Content by name: `sends.…` and `octopods.…`."""
    windows: Mapping[str, Expected]
    config: str | None
    options: Sequence[str]
    now: datetime
    code: int


def cases() -> dict[str, Case]:
    """Return all cases by the name of their file and their title."""
    found: dict[str, Case] = {}
    for path in sorted(CORPUS.glob("*.toml")):
        for raw in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
            name = f"{path.stem}: {raw['title']}"
            assert name not in found, name
            found[name] = _case(raw)
    return found


def _case(raw: dict[str, Any]) -> Case:
    files = dict(raw.pop("files", {}))
    for side, (name, header) in _HEADERS.items():
        if side in raw:
            files[name] = header + raw.pop(side)
    options = list(raw.pop("options", []))
    days = raw.pop("days", [])
    if days:
        options += ["--from", days[0], "--to", days[-1]]
    code = raw.pop("code", None)
    title, config = raw.pop("title"), raw.pop("config", None)
    now = datetime.fromisoformat(raw.pop("now")) if "now" in raw else _MORNING_AFTER
    windows = {name: _expected(said) for name, said in raw.items()}
    assert set(windows) == set(days or ["all"]) or code, title
    if code is None:
        code = int(any(said.verdict == "discrepancies" for said in windows.values()))
    return Case(title, files, windows, config, options, now, code)


def _expected(said: dict[str, Any]) -> Expected:
    finds = said.pop("finds", None if "rows" in said else ())
    verdict = "discrepancies" if finds or finds is None else "clean"
    return Expected(finds=finds, **{"verdict": verdict, **said})
