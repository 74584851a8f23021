"""Whether a command line in deploy/ or a page is one that the program takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from recon.cli import group

DEPLOY = Path(__file__).parents[2] / "deploy"


def must_parse(arguments: Sequence[str]) -> None:
    """Parse the arguments of `recon` with the program's own options, without running anything."""
    context = group.make_context("recon", list(arguments))
    command: click.Command = group
    while isinstance(command, click.Group):
        [name, *rest] = [*context._protected_args, *context.args]  # noqa: SLF001 - click has no other
        found = command.get_command(context, name)
        assert found is not None, name
        command, context = found, found.make_context(name, rest, parent=context)
