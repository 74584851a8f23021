"""Every hint of an error is whole sentences: it begins with a capital and ends with a full stop.

The hints are read from the source, with what their names stand for in the same module. What only a
run can know is `UNKNOWN`, and is passed over.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

import pytest

import recon

SOURCE: Final = Path(recon.__file__).resolve().parent
MODULES: Final = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))

UNKNOWN: Final = "\0"
#: A sentence begins with a capital, a command, an option, or `recon`, which has no capital.
BEGINNING: Final = re.compile(rf"[A-Z`{UNKNOWN}]|--[a-z]|recon ")
#: It ends with a full stop. So do hints of another error that stand in a hint.
END: Final = re.compile(rf"[.{UNKNOWN}]$")

#: The fewest hints that the source must have: fewer are a mistake of this test.
FEWEST: Final = 120


class Hints:
    """The hints of a module, and the values that its names can have."""

    def __init__(self, source: str) -> None:
        self.tree = ast.parse(source)
        self.values: dict[str, list[ast.expr]] = {}
        self.results: dict[str, list[ast.expr]] = {}
        for node in ast.walk(self.tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.values.setdefault(name, []).append(value)
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=parts)) if (
                    len(names) == len(parts)
                ):
                    for one, value in zip(names, parts, strict=True):
                        if isinstance(one, ast.Name):
                            self.values.setdefault(one.id, []).append(value)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self.values.setdefault(name, []).append(value)
                case ast.FunctionDef(name=name):
                    returned = [each for each in ast.walk(node) if isinstance(each, ast.Return)]
                    self.results[name] = [each.value for each in returned if each.value]

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Yield the line and the text of each hint, with all its alternatives."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error"):
                for keyword in node.keywords:
                    if keyword.arg == "hint":
                        for said in self.texts(keyword.value):
                            yield keyword.value.lineno, said

    def texts(self, node: ast.expr, depth: int = 0) -> list[str]:
        """Return what an expression can say."""
        deeper = depth + 1
        if depth > 5:  # a name that stands for itself
            return [UNKNOWN]
        match node:
            case ast.Constant(value=str(said)):
                return [said]
            case ast.Constant(value=None):
                return []
            case ast.JoinedStr(values=parts):
                every = [self.texts(part, deeper) for part in parts]
                return ["".join(said) for said in product(*every)]
            case ast.FormattedValue(value=ast.Name() | ast.IfExp() | ast.Call() as value):
                return self.texts(value, deeper)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                both = product(self.texts(left, deeper), self.texts(right, deeper))
                return ["".join(said) for said in both]
            case ast.IfExp(body=first, orelse=second):
                return [*self.texts(first, deeper), *self.texts(second, deeper)]
            case ast.Name(id=name) if name in self.values:
                return [said for value in self.values[name] for said in self.texts(value, deeper)]
            case ast.Call(
                func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name)
            ) if name in self.results:
                return [said for value in self.results[name] for said in self.texts(value, deeper)]
            case _:
                return [UNKNOWN]


def wrong(source: str) -> list[str]:
    """Return the hints of a module that are no whole sentences."""
    return [
        f"line {line}: {said}"
        for line, said in Hints(source)
        if said and not (BEGINNING.match(said) and END.search(said))
    ]


@pytest.mark.parametrize("module", MODULES)
def test_a_hint_is_whole_sentences(module: str) -> None:
    assert wrong((SOURCE / module).read_text()) == []


def test_hints_are_found() -> None:
    every = [said for module in MODULES for _, said in Hints((SOURCE / module).read_text())]
    assert len([said for said in every if said.strip(UNKNOWN)]) >= FEWEST


@pytest.mark.parametrize(
    "hint",
    [
        '"check the path."',
        '"Check the path"',
        'f"Check {path}: `ls {path}`"',
        'SAID if known else "Check the path."',
        '"Check the path." + (" or the file" if known else "")',
        "advice(path)",
    ],
)
def test_a_hint_that_is_no_sentence_is_found(hint: str) -> None:
    source = f"""
SAID = "try again"
def advice(path):
    return f"see {{path}}."
raise InputError("", hint={hint})
"""
    assert len(wrong(source)) == 1
