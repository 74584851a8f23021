"""Packages import only from lower layers, without cycles, and load nothing that is not used."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "recon"

#: Package (or top-level module) to layer. A package may import from lower layers, and from itself.
LAYERS = {
    "errors": 0,
    "model": 0,
    "core": 1,
    "config": 2,
    "logs": 2,
    "sqlread": 2,
    "deadlines": 2,
    "scratch": 2,
    "sqlite_options": 2,
    "notify": 3,
    "octopods": 3,
    "records": 3,
    "store": 3,
    "report": 3,
    "jobs": 4,
    "simulator": 4,
    "cli": 5,
    "api": 5,
    "__main__": 6,
}

#: What a package must not import, whatever the layer.
FORBIDDEN = {
    "errors": {"pydantic", "pandas", "numpy", "sqlalchemy", "requests", "click"},
    "model": {"pydantic", "numpy", "sqlalchemy", "requests", "click"},
    "core": {
        *("os", "io", "pathlib", "socket", "time", "random", "logging", "sqlite3", "urllib"),
        *("sqlalchemy", "requests", "click", "pydantic", "alembic", "psycopg"),
    },
    "config": {"pandas", "numpy", "sqlalchemy", "requests", "click", "phonenumbers"},
    "octopods": {"sqlalchemy", "alembic", "pandas", "click"},
    "records": {"requests", "click", "alembic"},
    "store": {"requests", "click"},
    "report": {"sqlalchemy", "alembic", "requests", "click"},
    "jobs": {"click"},
    "api": {"click"},
    "simulator": {"click"},
}

HEAVY = {"pandas", "numpy", "pyarrow", "sqlalchemy", "requests", "alembic", "phonenumbers"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def package_of(path: Path) -> str:
    """Return the package of a module; of one directly under `recon/` its own name."""
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield the dotted name of each import of a module, those inside functions too."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = tuple(node.module.split(".")) if node.module else ()
            yield from ((*above, *module, alias.name) for alias in node.names)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def offence(path: Path, what: object) -> str:
    return f"{path.relative_to(ROOT)}: {what}"


def test_every_package_has_a_layer() -> None:
    assert {package_of(path) for path in MODULES} - {"__init__"} <= set(LAYERS)


def test_packages_import_only_from_lower_layers() -> None:
    offences = [
        offence(path, ".".join(name))
        for path in MODULES
        for name in imports(path)
        if name[0] == "recon"
        and (used := name[1] if len(name) > 1 else "__init__") in LAYERS
        and used != package_of(path)
        and LAYERS[used] >= LAYERS.get(package_of(path), 0)
    ]
    assert offences == []


def test_packages_do_not_import_what_they_must_not() -> None:
    offences = [
        offence(path, name[0])
        for path in MODULES
        for name in imports(path)
        if name[0] in FORBIDDEN.get(package_of(path), set())
    ]
    assert offences == []


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_two_modules_share_a_name() -> None:
    # Packages count too. A module of the command line is named after its command.
    names = [module_name(path) for path in MODULES if path.parent != PACKAGE / "cli"]
    counts = Counter(name.split(".")[-1] for name in names)
    assert [name for name, count in counts.items() if count > 1] == []


def test_imports_form_no_cycle() -> None:
    modules = {module_name(path) for path in MODULES}
    graph = {module_name(path): set[str]() for path in MODULES}
    for path in MODULES:
        for name in imports(path):
            # What is imported may be a module itself, or something in a module.
            candidates = (".".join(name), ".".join(name[:-1]))
            used = next((one for one in candidates if one in modules), None)
            if used is not None and used != module_name(path):
                graph[module_name(path)].add(used)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_values_are_frozen_and_have_slots() -> None:
    offences = [
        offence(path, node.name)
        for path in MODULES
        if package_of(path) in ("errors", "model", "core", "octopods", "store")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if (made := ast.unparse(decorator)).startswith("dataclass")
        # What is computed once is kept in a dictionary of the instance.
        if "frozen=True" not in made
        or ("slots=True" not in made and "cached_property" not in ast.unparse(node))
    ]
    assert offences == []


def test_only_the_command_line_prints_and_exits() -> None:
    words = {"print", "input", "exit", "quit", "SystemExit"}
    offences = [
        offence(path, node.id)
        for path in MODULES
        if package_of(path) not in ("cli", "__main__")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Name) and node.id in words
    ]
    assert offences == []


def test_the_core_reads_no_clock() -> None:
    offences = [
        offence(path, node.func.attr)
        for path in (PACKAGE / "core").rglob("*.py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in ("now", "utcnow", "today", "time", "monotonic")
    ]
    assert offences == []


def loaded(code: str) -> set[str]:
    """Run code in a fresh interpreter; return the heavy packages that it loaded."""
    return HEAVY & {module.split(".")[0] for module in modules_of(code)}


def modules_of(code: str) -> set[str]:
    """Run code in a fresh interpreter; return the modules that it loaded."""
    tail = "import sys; sys.stderr.write('\\n' + ' '.join(sys.modules))"
    ran = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", f"{code}\n{tail}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stderr.splitlines()[-1].split())


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    assert loaded("import recon.cli") == set()


@pytest.mark.parametrize(
    "command", ["", "run", "diff", "db", "check", "demo", "simulate", "explain", "status", "stats"]
)
def test_help_loads_nothing_heavy(command: str) -> None:
    arguments = [*command.split(), "--help"]
    code = f"""
import sys
sys.argv = ["recon", *{arguments!r}]
from recon.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
"""
    assert loaded(code) == set()


@pytest.mark.parametrize(
    ("module", "may_load"),
    [
        ("recon.errors", set()),
        ("recon.model", set()),
        ("recon.logs", set()),
        ("recon.config", set()),
        ("recon.core.calendar", set()),
        ("recon.core.statuses", set()),
        ("recon.core.coverage", set()),
        ("recon.octopods.client", {"requests"}),
        ("recon.records.send_counts", {"sqlalchemy"}),
        ("recon.store.messages", {"sqlalchemy", "numpy"}),
        ("recon.jobs.wiring", set()),
        ("recon.api", set()),
    ],
)
def test_what_each_poll_needs_is_light(module: str, may_load: set[str]) -> None:
    assert loaded(f"import {module}") <= may_load


@pytest.mark.parametrize(
    ("needed", "spared"),
    [
        (
            "recon.jobs.explain, recon.jobs.retries, recon.records.sql_source",
            {
                "recon.jobs.partitions",
                "recon.jobs.account_job",
                "recon.store.finding_lifecycle",
                "sqlalchemy.dialects.postgresql",
                "sqlalchemy.dialects.mysql",
            },
        ),
        ("recon.jobs.stored_reports", {"recon.core.buckets", "recon.core.judge"}),
    ],
)
def test_where_a_person_waits_only_what_is_needed_is_loaded(needed: str, spared: set[str]) -> None:
    assert spared & modules_of(f"import {needed}") == set()


def test_two_files_are_compared_without_what_databases_need() -> None:
    assert loaded("import recon.jobs.file_diff, recon.jobs.wiring") <= {
        "pandas",
        "numpy",
        "pyarrow",
    }


def test_a_loaded_configuration_has_loaded_nothing_heavy() -> None:
    code = """
from pathlib import Path
from recon import config
config.load(Path("config.example.toml"), {}).accounts["main"].api_key({"OCTOPODS_API_KEY": "x"})
"""
    assert loaded(code) == set()
