"""The Dockerfile fits the program and what else it is built from."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import recon
from tests.deploy.commands import DEPLOY, must_parse

ROOT = DEPLOY.parent
TEXT = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} +(.*)$", TEXT, re.MULTILINE)


def test_the_image_bears_the_version_and_what_it_is() -> None:
    assert f"VERSION={recon.__version__}" in instructions("ARG")
    [labels] = instructions("LABEL")
    for name in ("title", "description", "version", "revision", "licenses"):
        assert f"org.opencontainers.image.{name}=" in labels


def test_recon_is_the_first_process_so_that_it_gets_the_signals() -> None:
    [entry], [command] = instructions("ENTRYPOINT"), instructions("CMD")
    assert json.loads(entry) == ["recon"]
    assert json.loads(command) == ["--help"]


def test_the_health_check_is_recon_status_and_knows_only_0_and_1() -> None:
    [check] = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", TEXT, re.MULTILINE)
    [shell, option, line] = json.loads(check)
    [arguments] = re.findall(r"^recon (.*) >/dev/null \|\| exit 1$", line)
    must_parse(shlex.split(arguments))
    for code in (0, 1, 70, 75, 78):
        ended = subprocess.run(  # noqa: S603 - our own line
            [f"/bin/{shell}", option, f"recon() {{ return {code}; }}; {line}"], check=False
        )
        assert ended.returncode == bool(code)


def test_what_is_copied_is_let_through_to_the_build() -> None:
    allowed = [
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copied = [
        word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists()
        assert any(fnmatch(source, pattern) for pattern in allowed), source


def test_packages_are_pruned_in_the_directory_of_the_images_python() -> None:
    [directory] = re.findall(r"\./prune-packages (\S+)", TEXT)
    versions = set(re.findall(r"^FROM python:(\d+\.\d+)-", TEXT, re.MULTILINE))
    assert {directory} == {f"/opt/recon/lib/python{version}/site-packages" for version in versions}


def test_what_no_run_loads_is_removed_and_the_rest_stays(tmp_path: Path) -> None:
    kept = [
        "pandas/__init__.py",
        "numpy/core.py",
        "pyarrow/libarrow.so.2600",
        "pyarrow/libarrow_python.so.2600",
        "phonenumbers/data/x.py",
    ]
    gone = [
        "pandas/tests/a.py",
        "numpy/random/tests/a.py",
        "pyarrow/include/a.h",
        "pyarrow/libarrow_flight.so.2600",
        "pyarrow/libarrow_python.so",
        "pyarrow/libarrow_python.so.2600.1.0",
        "pandas/core.pyi",
        "phonenumbers/geodata/data.py",
    ]
    for name in (*kept, *gone, "sqlalchemy/a.py", "alembic/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run([DEPLOY / "prune-packages", tmp_path], check=True)  # noqa: S603 - our own
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {*kept, "sqlalchemy/a.py", "alembic/a.py"}


def test_the_page_runs_the_image_closed_and_with_a_command_of_the_program() -> None:
    page = (ROOT / "docs/production.md").read_text()
    [build, run] = re.findall(r"^\$ docker (.*)$", page.replace("\\\n", " "), re.MULTILINE)
    [tag] = re.findall(r"--tag (\S+)", build)
    assert {"ARG REVISION"} <= {line.split("=")[0] for line in TEXT.splitlines()}
    options, command = run.split(f" {tag} ")
    for option in ("--read-only", "--cap-drop ALL", "--security-opt no-new-privileges"):
        assert option in options
    # What is written goes to the working directory, or is gone with the container.
    [work] = set(instructions("WORKDIR")) - {"/src"}
    assert f"--volume recon:{work} " in f"{options} "
    assert "--tmpfs /tmp" in options
    must_parse(shlex.split(command))
    [user] = instructions("USER")
    assert user.split(":")[0] == "10001"
    assert "runs as user 10001" in page


def test_the_locks_that_may_be_chosen_are_copied() -> None:
    [copied] = [line for line in instructions("COPY") if "prune-packages" in line]
    assert "REQUIREMENTS=requirements.lock" in instructions("ARG")
    pinned = {
        name: set(
            re.findall(r"^([a-z0-9-]+(?:\[[a-z]+\])?)==", (DEPLOY / name).read_text(), re.MULTILINE)
        )
        for name in ("requirements.lock", "dask.lock")
    }
    for name in pinned:
        assert f"deploy/{name}" in copied.split()
    assert pinned["dask.lock"] - pinned["requirements.lock"] > {"dask", "distributed"}
    assert pinned["requirements.lock"] <= pinned["dask.lock"]
