"""What is installed here, in the wheel and in the image is pinned, and the same everywhere."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
IMAGE_LOCKS = ("deploy/requirements.lock", "deploy/build.lock")
OUR_LOCKS = ("requirements.lock", "tests/deploy/schemas.lock", "tests/mutation/requirements.lock")

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def normal(name: str) -> str:
    """Return a distribution's name as PEP 503 spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(path: Path) -> set[str]:
    """Return the lines of a lock that name a version, with their markers."""
    found = re.findall(
        r"^([A-Za-z0-9_.-]+(?:\[.*?\])?==[^\\\n]+?) *\\?$", path.read_text(), re.MULTILINE
    )
    return {re.sub(r"\[.*?\]", "", each) for each in found}


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\s\[<>=!~;]", each, maxsplit=1)[0]) for each in requirements}


def distributions(path: Path) -> set[str]:
    return names(list(pins(path)))


@pytest.mark.parametrize("lock", IMAGE_LOCKS)
def test_the_image_gets_the_versions_that_are_tested(lock: str) -> None:
    assert pins(ROOT / lock)
    versions = {pin.partition(" ;")[0] for pin in pins(LOCK)}
    assert {pin.partition(" ;")[0] for pin in pins(ROOT / lock)} <= versions


def test_every_dependency_is_locked() -> None:
    dev = names(PROJECT["optional-dependencies"]["dev"])
    assert names(PROJECT["dependencies"]) | dev <= distributions(LOCK)


def test_the_image_gets_what_the_program_needs_and_no_tools() -> None:
    image = distributions(ROOT / "deploy/requirements.lock")
    assert names(PROJECT["dependencies"]) <= image
    assert not image & {"pytest", "mypy", "ruff", "hypothesis", "pip", "hatchling"}


@pytest.mark.parametrize("lock", [*OUR_LOCKS, *IMAGE_LOCKS])
def test_a_lock_pins_hashes_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert text.count("==") <= text.count("--hash=sha256:")
    assert "://" not in text


def test_a_name_that_is_asked_for_with_an_extra_is_pinned_with_it() -> None:
    """Else an older pip takes the newest version there is, which has no hash here, and gives up."""
    asked = {
        f"{normal(wanted.name)}[{','.join(sorted(wanted.extras))}]"
        for name in distributions(LOCK)
        for line in _requirements(name)
        for wanted in (Requirement(line),)
        if wanted.extras and (wanted.marker is None or wanted.marker.evaluate({"extra": ""}))
    }
    assert asked
    pinned = set(re.findall(r"^(.+?\[.*?\])==", LOCK.read_text(), re.MULTILINE))
    assert asked <= pinned


def _requirements(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # of another platform
        return []


def test_the_image_runs_a_python_that_the_project_supports() -> None:
    tags = re.findall(
        r"^FROM python:(\d+)\.(\d+)-slim", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    least = re.fullmatch(r">=(\d+)\.(\d+)", PROJECT["requires-python"])
    assert least is not None
    assert len(set(tags)) == 1
    assert tuple(map(int, tags[0])) >= tuple(map(int, least.groups()))
