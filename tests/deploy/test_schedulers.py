"""What docs/operations.md shows for other schedulers does with each exit code what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

from recon.errors import WORST_FIRST
from tests.deploy.commands import DEPLOY, must_parse

PAGE = (DEPLOY.parent / "docs/operations.md").read_text(encoding="utf-8")
TEMPORARY = {69, 75}
CODES = sorted({*WORST_FIRST, 0, 1, 2, 3, 70})

[AIRFLOW] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
GITLAB, GITHUB = [
    yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
]


class RetriedError(Exception):
    """Airflow's own exceptions, by what becomes of the task."""


class FailedError(Exception):
    pass


class SkippedError(Exception):
    pass


def airflow_task(monkeypatch: pytest.MonkeyPatch, code: int) -> Callable[[], None]:
    """Define the task of the page, with Airflow's names, and a recon that ends with a code."""
    options: dict[str, Any] = {}

    def task(**given: object) -> Callable[[Callable[[], None]], Callable[[], None]]:
        options.update(given)
        return lambda function: function

    def run(command: list[str]) -> SimpleNamespace:
        must_parse(command[1:])
        return SimpleNamespace(returncode=code)

    exceptions = {
        "AirflowException": RetriedError,
        "AirflowFailException": FailedError,
        "AirflowSkipException": SkippedError,
    }
    for name, content in (
        ("airflow", {}),
        ("airflow.decorators", {"task": task}),
        ("airflow.exceptions", exceptions),
    ):
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(subprocess, "run", run)
    names: dict[str, Any] = {}
    exec(AIRFLOW, names)  # noqa: S102 - the page's own code
    assert options == {"retries": 3, "retry_delay": timedelta(hours=1)}
    function: Callable[[], None] = names["reconcile"]
    return function


@pytest.mark.parametrize("code", CODES)
def test_airflow(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    task = airflow_task(monkeypatch, code)
    if code == 0:
        task()
        return
    expected = RetriedError if code in TEMPORARY else SkippedError if code == 3 else FailedError
    with pytest.raises(expected):
        task()


def test_gitlab() -> None:
    job = GITLAB["recon"]
    [command] = job["script"]
    must_parse(command.split()[1:])
    assert set(job["retry"]["exit_codes"]) == TEMPORARY
    assert job["allow_failure"]["exit_codes"] == [3]


@pytest.mark.parametrize("code", CODES)
def test_github(code: int) -> None:
    [step] = GITHUB["jobs"]["recon"]["steps"]
    stubs = f'recon() {{ echo "recon $*" >&2; return {code}; }}\nsleep() {{ :; }}\n'
    ended = subprocess.run(  # noqa: S603 - the page's own lines
        ["/bin/bash", "-e", "-c", stubs + step["run"]],
        check=False,
        capture_output=True,
        text=True,
    )
    calls = ended.stderr.splitlines()
    assert len(calls) == (4 if code in TEMPORARY else 1)
    must_parse(calls[0].split()[1:])
    assert ended.returncode == (0 if code == 3 else code)


def test_the_table_names_every_code_that_is_treated_apart() -> None:
    [table] = re.findall(r"what a scheduler should do \|\n\|[-|]+\n(.*?)\n\n", PAGE, re.DOTALL)
    named = [row.split("|")[1].strip() for row in table.splitlines()]
    assert named == ["0", "1", "3", "69, 75", "any other"]
