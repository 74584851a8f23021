"""What the pages say is what the program does."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from recon import config
from recon.config import known_keys
from tests import help_texts
from tests.newcomer import production_path

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config.example.toml"
README = (ROOT / "README.md").read_text(encoding="utf-8")

_COMMENTED = re.compile(r"^# (?=[a-z_]+ = |\[{1,2}[a-z_.]+\]{1,2}$)", re.MULTILINE)
_KEY = re.compile(r"^(?:# )?([a-z_]+) = ")
_SECTION = re.compile(r"^(?:# )?\[(\[?)([a-z_.]+)\]{1,2}$")


def example(*, whole: bool = False) -> dict[str, Any]:
    """Read the example, `whole` with what stands behind a `#`."""
    text = EXAMPLE.read_text(encoding="utf-8")
    return tomllib.loads(_COMMENTED.sub("", text) if whole else text)


def ways(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the way to every value."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from ways(value, (*above, key))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for item in value:
                yield from ways(item, (*above, key, "*"))
        else:
            yield (*above, key)


def general(way: tuple[str, ...]) -> tuple[str, ...]:
    """Put `*` for the names that a user chooses."""
    if way[:1] == ("accounts",):
        way = ("accounts", "*", *way[2:])
    return (*way[:-1], "*") if way[-2:-1] in {("statuses",), ("rates",)} else way


def documented() -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each key of the example with the comment above it."""
    section: tuple[str, ...] = ()
    comment: list[str] = []
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if found := _SECTION.match(line):
            section, comment = tuple(found[2].split(".")), []
            section += ("*",) if found[1] else ()
        elif found := _KEY.match(line):
            yield (*section, found[1]), " ".join(comment)
            comment = []
        elif line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
        else:
            comment = []


def test_the_example_is_a_configuration_without_errors() -> None:
    settings = config.load(EXAMPLE, {})
    assert list(settings.accounts) == ["main"]


def test_the_example_documents_every_key_and_no_other() -> None:
    assert {general(way) for way in ways(example(whole=True))} == set(
        known_keys.all_keys(in_lists=True)
    )


@pytest.mark.parametrize(
    ("way", "comment"),
    [
        pytest.param(way, comment, id=".".join(way))
        for way, comment in documented()
        if "statuses" not in way
    ],
)
def test_the_example_states_the_meaning_and_the_true_default_of_a_key(
    way: tuple[str, ...], comment: str
) -> None:
    shape = known_keys.shape_at(way)
    assert shape is not None
    assert shape.field is not None
    meaning, _, said = comment.partition("Default: ")
    assert len(meaning) > 10
    if shape.field.is_required():
        assert meaning.endswith("Required.")
    elif said in ("none", '""'):
        assert shape.field.default in (None, "")
    else:
        default = shape.field.default
        if isinstance(default, config.SecretUrl):
            default = default.get_secret_value()
        assert tomllib.loads(f"said = {said}")["said"] == default


def test_the_example_states_the_bounds_of_a_number() -> None:
    for way, comment in documented():
        shape = known_keys.shape_at(way)
        assert shape is not None
        bounds = shape.field.metadata if shape.field is not None else []
        for name in ("ge", "gt", "le"):
            for bound in (getattr(each, name) for each in bounds if hasattr(each, name)):
                if isinstance(bound, int | float):
                    assert re.search(rf"\b{bound}\b", comment), (way, name, bound)


def test_a_page_is_rewritten_where_its_help_text_is_not_the_programs() -> None:
    page = "a\n<!-- help: db upgrade -->\n```text\nold\n```\nb\n<!-- help: -->\n```\n```\nc\n"
    texts = {("db", "upgrade"): "new\n", (): "top\n"}
    assert [block.command for block in help_texts.blocks(page)] == [("db", "upgrade"), ()]
    assert help_texts.rewritten(page, texts.__getitem__) == (
        "a\n<!-- help: db upgrade -->\n```text\nnew\n```\nb\n<!-- help: -->\n```\ntop\n```\nc\n"
    )


def test_every_help_text_of_the_page_of_commands_is_the_programs() -> None:
    shown = list(help_texts.blocks(help_texts.PAGE.read_text(encoding="utf-8")))
    listed = help_texts.help_of(()).partition("Commands:\n")[2]
    commands = [(line.split()[0],) for line in listed.splitlines() if line.startswith("  ")]
    assert [block.command for block in shown] == [(), *commands]
    for block in shown:
        assert block.text == help_texts.help_of(block.command)


# --- names and links ---------------------------------------------------------------------------

_PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
_PLACE = re.compile(r"\| `(recon/[a-z_/]+\.py)` \| `([\w.]+)` \|$", re.MULTILINE)


def defined(path: Path) -> set[str]:
    """Return the names of a module: functions, classes, their methods, and constants."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = (one for one in node.body if isinstance(one, ast.FunctionDef))
            names |= {f"{node.name}.{one.name}" for one in inner}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_each_function_of_the_way_through_a_night_exists() -> None:
    places = _PLACE.findall((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
    assert len(places) > 20
    lacking = [(file, name) for file, name in places if name not in defined(ROOT / file)]
    assert lacking == []


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_each_link_of_a_page_leads_somewhere(page: Path) -> None:
    dead = []
    for target, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            dead.append(f"{target}#{anchor}")
    assert dead == []


def test_the_first_report_takes_five_commands_and_one_edited_file() -> None:
    typed = [
        line.removeprefix("$ ")
        for language, lines in production_path.blocks()
        if language == "console"
        for line in lines
        if line.startswith("$ ")
    ]
    # The schedule, the test mail and the password of the role are for what comes after it, or
    # for a database that asks for one.
    others = re.compile(r"crontab |\(umask .*\.pgpass\)|.* --send-test$")
    steps = [line for line in typed if not others.match(line)]
    words = ["-m venv", "pip install", " init ", " check", " run"]
    assert [word for line, word in zip(steps, words, strict=True) if word in line] == words
    # The second file is edited for the mail.
    assert "put the API key into `/etc/recon/octopods-api-key`" in README
    page = (ROOT / "docs/production.md").read_text(encoding="utf-8")
    assert "it takes five commands" in page
    assert "and one edited file, the API key's" in page.replace("\n", " ")
