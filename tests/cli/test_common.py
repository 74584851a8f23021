from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest

from recon.cli import group
from recon.cli.common import show_data, typed, wants_colour, width
from recon.report.rich_terminal import UNLIMITED
from tests.cli.workshop import Screen


@pytest.mark.parametrize(
    ("hint", "wanted"),
    [
        ("Run `recon db upgrade`.", "Run `recon --config '/x y/r.toml' db upgrade`."),
        ("`recon check` says more", "`recon --config '/x y/r.toml' check` says more"),
        ("the user that runs recon needs access", "the user that runs recon needs access"),
        (None, None),
    ],
)
def test_a_hint_is_what_must_be_typed(hint: str | None, wanted: str | None) -> None:
    assert typed(hint, Path("/x y/r.toml")) == wanted
    assert typed(hint, None) == hint


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("discrepencies", "No such command 'discrepencies'. Did you mean 'discrepancies'?"),
        ("acknowledge", "No such command 'acknowledge'."),
    ],
)
def test_a_command_that_is_not_there_names_the_near_one(name: str, said: str) -> None:
    with pytest.raises(click.UsageError) as wrong:
        group.main([name], standalone_mode=False)
    assert wrong.value.message == said


def test_no_summary_in_a_list_of_commands_is_cut() -> None:
    def cut(command: click.Command, above: click.Context | None, name: str) -> list[str]:
        context = click.Context(command, above, name, terminal_width=80)
        if not isinstance(command, click.Group):
            return []
        listed = command.get_help(context).partition("Commands:")[2].splitlines()
        below = [command.get_command(context, one) for one in command.list_commands(context)]
        return [line for line in listed if line.endswith("...")] + [
            line for one in below if one is not None for line in cut(one, context, one.name or "")
        ]

    assert cut(group, None, "recon") == []


@pytest.mark.parametrize(("is_terminal", "shown"), [(True, "a\\u009bb\r\n"), (False, "a\x9bb\r\n")])
def test_data_for_a_script_is_escaped_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, shown: str
) -> None:
    screen = Screen(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stdout", screen)
    show_data("a\x9bb\r\n")
    assert screen.getvalue() == shown


def test_a_page_takes_the_width_of_the_terminal_and_its_colours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", Screen(is_terminal=True))
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert (width(), wants_colour()) == (90, True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour()
    monkeypatch.setattr(sys, "stdout", Screen(is_terminal=False))
    assert width() == 90
    monkeypatch.delenv("COLUMNS")
    assert (width(), wants_colour()) == (UNLIMITED, False)
