"""Print a random sample of mutants of some packages, one JSON object a line.

Cosmic Ray makes them, in an environment of its own: `make mutants` sets it up. The lines are drawn
evenly from all lines that it can change, then one of the changes of each line.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[2]
#: They need arguments.
_WITH_ARGUMENTS = ("VariableReplacer", "VariableInserter")
#: Equality and identity are the same of what is compared by identity: None and enumerations.
_SAME = ("Eq_Is", "NotEq_IsNot", "Is_Eq", "IsNot_NotEq")


class Change(NamedTuple):
    """One change that an operator can make to a module."""

    path: str
    operator: str
    occurrence: int


class _Meaning(ast.NodeTransformer):
    """Leaves out what no test can notice: types, and which arguments may be positional."""

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
        node.defaults += [default for default in node.kw_defaults if default is not None]
        node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        names = {name.id for name in ast.walk(node.test) if isinstance(name, ast.Name)}
        return None if "TYPE_CHECKING" in names else self.generic_visit(node)


def changes_by_line(path: str, source: str) -> dict[tuple[str, int], list[Change]]:
    """Return what can be changed at each line of a module."""
    found = defaultdict(list)
    nodes = [node for node in ast_nodes(get_ast(source)) if not _is_never_changed(node)]
    for name in operator_names():
        if name.endswith((*_WITH_ARGUMENTS, *_SAME)):
            continue
        positions = get_operator(name)().mutation_positions
        lines = (start[0] for node in nodes for start, _ in positions(node))
        for occurrence, line in enumerate(lines):
            found[path, line].append(Change(path, name, occurrence))
    return found


def _is_never_changed(node) -> bool:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Tell whether no operator changes a node of a kind. Without the many of them it is fast."""
    return node.type in ("name", "newline", "string") or (
        node.type == "operator" and node.value in tuple("()[]{},:.=")
    )


def mutant(source: str, change: Change) -> str | None:
    """Return the changed module, or nothing if the change is none or cannot be compiled."""
    try:
        changed = mutate_code(source, get_operator(change.operator)(), change.occurrence)
    except AttributeError:
        # Cosmic Ray can replace a name in a tuple of exceptions, but not a dotted one.
        return None
    if changed is None:
        return None
    try:
        return changed if _meaning(changed) != _meaning(source) else None
    except SyntaxError:
        return None


def _meaning(source: str) -> str:
    return ast.dump(_Meaning().visit(ast.parse(source)))


def sample(packages: list[str], count: int, seed: int) -> Iterator[dict[str, object]]:
    """Draw mutants of these packages."""
    draw = random.Random(seed)
    sources = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for package in packages
        for path in sorted((ROOT / package).rglob("*.py"))
    }
    by_line: dict[tuple[str, int], list[Change]] = {}
    for path, source in sources.items():
        by_line |= changes_by_line(path, source)
    lines = sorted(by_line)
    draw.shuffle(lines)
    for path, line in lines:
        if count == 0:
            return
        changes = by_line[path, line]
        draw.shuffle(changes)
        for change in changes:
            changed = mutant(sources[path], change)
            if changed is not None:
                diff = _diff(path, sources[path], changed)
                yield {"path": path, "line": line, "diff": diff, "source": changed}
                count -= 1
                break


def _diff(path: str, before: str, after: str) -> str:
    return "\n".join(
        unified_diff(before.splitlines(), after.splitlines(), path, path, n=1, lineterm="")
    )


def main() -> None:
    """Print the sample that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("packages", nargs="+")
    arguments = parser.parse_args()
    for drawn in sample(arguments.packages, arguments.count, arguments.seed):
        sys.stdout.write(json.dumps(drawn) + "\n")


if __name__ == "__main__":
    main()
