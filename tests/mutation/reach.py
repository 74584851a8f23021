"""Which tests run which lines, and how long each test takes."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import coverage
import pytest


@dataclass(frozen=True, slots=True)
class Reach:
    """The tests that pass on the unchanged code, and what each of them runs."""

    data: coverage.CoverageData
    seconds: dict[str, float]
    """What each test takes, measured with coverage."""
    root: Path

    def tests(self, path: str, line: int) -> list[str]:
        """Return the tests that run a line of a module, then the others that run the module.

        The module's own test file comes before both. The others matter: what is cached or imported
        runs in the first test that needs it, and in no other. A line outside of functions is run
        for all tests of the modules that import it; those that run what uses its names come first.
        """
        module = _tests_of(self.data, path)
        source = _modules(self.root)[path]
        by_line = _by_line(self.data, path)
        lines = _statement(source, line)
        using: set[str] = set()
        if lines is None:
            using = _names(by_line.get(one, []) for one in _uses(source, line))
            importers = _importers(self.root, path)
            running = module.union(*(_tests_of(self.data, one) for one in importers))
        else:
            running = _names(by_line.get(one, []) for one in lines)
        home = _own_tests(path)
        own = {test for test in running | module if test.startswith(home)}
        ranked = (own & using, own & running, own, using, running, module)
        # A test comes where it is named first. Most mutants end at one of the first tests.
        return list(dict.fromkeys(test for some in ranked for test in self._ordered(some)))

    def _ordered(self, tests: set[str]) -> list[str]:
        """Return the cheapest test of each file, then the second of each, and so on."""
        of_file: dict[str, int] = Counter()
        ranks: dict[str, int] = {}
        known = sorted(tests & self.seconds.keys(), key=lambda one: (self.seconds[one], one))
        for test in known:
            file = test.partition("::")[0]
            of_file[file] += 1
            ranks[test] = of_file[file]
        return sorted(known, key=lambda one: (ranks[one], self.seconds[one], one))


@cache
def _by_line(data: coverage.CoverageData, path: str) -> dict[int, list[str]]:
    return data.contexts_by_lineno(path)


@cache
def _tests_of(data: coverage.CoverageData, path: str) -> set[str]:
    return _names(_by_line(data, path).values())


@cache
def _importers(root: Path, path: str) -> list[str]:
    package, _, name = path.removesuffix(".py").replace("/", ".").rpartition(".")
    one = re.compile(rf"\b{package}\.{name}\b|\bfrom {package} import\b[^.]*\b{name}\b")
    return [module for module, text in _modules(root).items() if one.search(text)]


@cache
def _modules(root: Path) -> dict[str, str]:
    modules = sorted((root / "recon").rglob("*.py"))
    return {str(one.relative_to(root)): one.read_text(encoding="utf-8") for one in modules}


def _own_tests(path: str) -> str:
    """Return what the names of a module's own tests begin with: the tests mirror the packages."""
    package, _, name = path.removeprefix("recon/").rpartition("/")
    return f"tests/{package}/test_{name}::"


def _names(contexts: Iterable[list[str]]) -> set[str]:
    # A context is a test, a bar, and which part of it: setup, run or teardown.
    return {context.rpartition("|")[0] for several in contexts for context in several} - {""}


def _statement(source: str, line: int) -> range | None:
    """Return the lines of the smallest statement at this line; nothing outside of functions."""
    functions = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body[0].lineno <= line <= (node.end_lineno or node.lineno)
    ]
    if not functions:
        return None
    statements = [
        _own_lines(node)
        for function in functions
        for top in function.body
        for node in ast.walk(top)
        if isinstance(node, ast.stmt)
    ]
    # An `except` or a `case` is no statement of its own.
    alone = range(line, line + 1)
    return min((lines for lines in statements if line in lines), key=len, default=alone)


def _uses(source: str, line: int) -> set[int]:
    """Return the lines that use what is assigned at a line outside of functions."""
    module = ast.parse(source)
    assigned = {
        name.id
        for node in module.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }
    return {
        name.lineno
        for name in ast.walk(module)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load) and name.id in assigned
    }


def _own_lines(node: ast.stmt) -> range:
    """Return the lines of a statement without those of the statements in it."""
    body: list[ast.stmt] | None = getattr(node, "body", None)
    end = body[0].lineno if body else (node.end_lineno or node.lineno) + 1
    return range(node.lineno, max(end, node.lineno + 1))


def measure(root: Path, tests: list[str], packages: list[str], keep: Path, workers: int) -> Reach:
    """Run the tests of a tree with coverage, unless that was done before for the same code."""
    digest = hashlib.sha256(" ".join([*tests, *packages]).encode())
    for path in sorted([*root.glob("recon/**/*.py"), *root.glob("tests/**/*.py")]):
        digest.update(path.read_bytes())
    done = keep / digest.hexdigest()[:16]
    if not done.exists():
        work = done.with_suffix(".part")
        work.mkdir(parents=True, exist_ok=True)
        (work / "coverage.ini").write_text(
            "[run]\nrelative_files = true\nsource =\n"
            + "".join(f"    {package}\n" for package in packages)
        )
        ran = subprocess.run(  # noqa: S603 - our own code
            [
                sys.executable, "-m", "pytest", "-q", "-n", str(workers), "--dist", "worksteal",
                "-m", "not thorough", "-p", "tests.mutation.selection", "-p", "no:cacheprovider",
                "--report-to", work / "tests.json", "--cov", "--cov-report=", "--cov-context=test",
                f"--cov-config={work / 'coverage.ini'}", *tests,
            ],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root), "COVERAGE_FILE": str(work / "coverage.db")},
            check=False,
        )  # fmt: skip
        if ran.returncode > pytest.ExitCode.TESTS_FAILED:
            raise SystemExit("the tests of the unchanged code cannot be run")
        work.rename(done)
    report = json.loads((done / "tests.json").read_text())
    for test in report["failed"]:
        sys.stderr.write(f"left out, as it fails on the unchanged code: {test}\n")
    passed = report["seconds"].keys() - set(report["failed"])
    seconds = {test: report["seconds"][test] for test in passed}
    data = coverage.CoverageData(str(done / "coverage.db"))
    data.read()
    return Reach(data, seconds, root)
