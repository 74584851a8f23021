"""`recon demo`: the whole job against a simulated Octopods, with known discrepancies."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recon.cli import common, common_options
from recon.errors import OutputError

if TYPE_CHECKING:
    from recon.config import Settings
    from recon.model import Verdict
    from recon.simulator.day_plan import ExpectedFinding
    from recon.simulator.demo_day import DemoDay

_KEY = "OCTOPODS_API_KEY"


@click.command("demo")
@click.option(
    "--output",
    type=common_options.PathParam(),
    default=Path("demo"),
    show_default=True,
    metavar="DIR",
    help="Directory of the report.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the made-up day.")
@click.option("--keep", is_flag=True, help="Also keep the databases and the configuration there.")
@common.pass_session
def command(session: common.Session, output: Path, seed: int, *, keep: bool) -> int:
    """Reconcile a made-up day with known discrepancies.

    Starts a simulated Octopods on loopback, writes an SQLite table of sends with discrepancies of
    every kind, runs the nightly job over HTTP, and compares what it found with what was planted.
    """
    from recon.jobs import night
    from recon.jobs.run_options import RunOptions
    from recon.simulator import demo_day, server
    from recon.store import engine, schema

    day = demo_day.plant(seed, session.runtime.clock(), "Europe/Dublin")
    data = output / "simulated"
    _fresh(data)
    demo_day.write_records(day, data / "sends.db")
    runtime = replace(session.runtime, clock=day.clock, environ={_KEY: day.api_key})
    with server.serve(day.channel, clock=day.clock) as base_url:
        settings = _settings(day, base_url, data)
        with engine.opened(settings.database.url.get_secret_value()) as database:
            schema.ensure_ready(database)
            options = RunOptions(days=(day.day, day.day), accounts=["demo"], directory=output)
            [outcome] = night.run(settings, database, options, runtime)
    if outcome.error is not None:
        raise outcome.error
    [reported] = outcome.days
    common.show_runs([(reported.run, reported.written)])
    if keep:
        click.echo(f"kept: {data / 'recon.toml'}, with its databases beside it")
    else:
        shutil.rmtree(data)
    missed, invented = _compare(day.expected, reported.run.verdict)
    if missed or invented:
        _show_differences("planted, but not found", missed)
        _show_differences("found, but not planted", invented)
        return 70
    click.echo(f"all {len(day.expected)} planted discrepancies were found, and nothing else")
    return 0


def _fresh(data: Path) -> None:
    """Make an empty directory; only the files of an earlier demo are removed."""
    try:
        held = [one.name for one in data.iterdir()] if data.exists() else []
        strange = [name for name in held if not name.startswith(("recon.", "sends."))]
        if strange:
            raise OutputError(
                f"{data} contains files that are not from a demo, such as {min(strange)}",
                hint="Choose another --output.",
            )
        if data.exists():
            shutil.rmtree(data)
        data.mkdir(parents=True)
    except OSError as cause:
        raise OutputError(
            f"{data} cannot be created: {cause.strerror}", hint="Choose another --output."
        ) from cause


def _settings(day: DemoDay, base_url: str, data: Path) -> Settings:
    """Write the demo's configuration as a user would, and load it."""
    from recon import config

    columns = "\n".join(f'{field} = "{column}"' for field, column in day.columns.items())
    statuses = "\n".join(f'{word} = "{meaning}"' for word, meaning in day.statuses.items())
    path = data / "recon.toml"
    path.write_text(
        f"""\
timezone = "{day.zone}"

[database]
url = "sqlite:///{data / "recon.db"}"

[octopods]
base_url = "{base_url}"
min_interval_seconds = 0

[matching]
default_region = "{day.default_region}"

[accounts.demo]
api_key_env = "{_KEY}"

[accounts.demo.local]
url = "sqlite:///{data / "sends.db"}"
table = "{day.table}"
where = "{day.where}"
timezone = "{day.zone}"

[accounts.demo.local.columns]
{columns}

[accounts.demo.local.statuses]
{statuses}
"""
    )
    return config.load(path, {})


def _compare(
    expected: Collection[ExpectedFinding], verdict: Verdict
) -> tuple[list[ExpectedFinding], list[ExpectedFinding]]:
    """Return the planted discrepancies that were not found, and the others that were."""
    from recon.simulator.day_plan import ExpectedFinding

    found = verdict.findings[["kind", "local_id", "message_id"]].astype(object)
    rows = found.where(found.notna(), None).itertuples(index=False, name=None)
    got = [ExpectedFinding(*row) for row in rows]
    missed = [one for one in expected if one not in got]
    invented = [one for one in got if one not in expected]
    return sorted(missed, key=str), sorted(invented, key=str)


def _show_differences(what: str, findings: Iterable[ExpectedFinding]) -> None:
    for one in findings:
        click.echo(f"{what}: {one.kind}, record {one.local_id}, message {one.message_id}", err=True)
