"""`recon config`: the configuration in effect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from recon.cli import common

if TYPE_CHECKING:
    from recon.config.effective import Entry


@click.command("config")
@click.option(
    "--format",
    "form",
    type=click.Choice(["toml", "json"]),
    default="toml",
    show_default=True,
    help="Format of the output.",
)
@common.pass_session
def command(session: common.Session, form: str) -> int:
    """Show the configuration in effect.

    Each value comes with its origin: the file with the line, an environment variable, or
    the default. Secrets are hidden, and so are passwords in URLs.
    """
    from recon.config import effective

    found = effective.entries(session.config, session.runtime.environ)
    if form == "json":
        rows = [{"key": one.key, "value": one.value, "from": one.origin} for one in found]
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    click.echo("\n".join(_toml(found)))
    return 0


def _toml(entries: list[Entry]) -> list[str]:
    """Return the entries as TOML; keys that are not set are comments."""
    from recon.config.effective import dotted

    tables: dict[tuple[str, ...], list[str]] = {}
    for one in entries:
        name = dotted(one.location[-1:])
        said = f"{name} = {_value(one.value)}" if one.value is not None else f"# {name} is not set"
        origin = one.origin.rpartition("/")[2] if "line" in one.origin else one.origin
        tables.setdefault(one.location[:-1], []).append(f"{said:<44}  # {origin}")
    lines: list[str] = []
    for section, rows in tables.items():
        lines += [*([""] if lines else []), *([f"[{dotted(section)}]"] if section else []), *rows]
    return lines


def _value(value: object) -> str:
    from recon.config.effective import dotted

    if isinstance(value, dict):
        pairs = (f"{dotted((k,))} = {_value(v)}" for k, v in value.items() if v is not None)
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
