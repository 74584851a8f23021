"""`recon simulate`: only the simulated Octopods."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from recon.cli import common, common_options
from recon.errors import UsageError

if TYPE_CHECKING:
    from threading import Event

    from recon.simulator.channel import Channel

#: Seconds after which the records get what was sent meanwhile.
_EVERY: Final = 1.0


def _list(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's call
    if not wanted or ctx.resilient_parsing:
        return
    from recon.simulator.scenarios import SCENARIOS

    widest = max(map(len, SCENARIOS))
    for scenario in SCENARIOS.values():
        click.echo(f"{scenario.name:<{widest}}  {scenario.description}")
    ctx.exit()


@click.command("simulate")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8090,
    show_default=True,
    help="Port on loopback; 0 takes a free one.",
)
@click.option(
    "--scenario", default="calm", show_default=True, help="Name of a scenario; see --list."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the messages.")
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list,
    help="List the scenarios and stop.",
)
@click.option(
    "--with-records",
    "records",
    is_flag=False,
    flag_value="sends.db",
    type=common_options.PathParam(),
    metavar="[FILE]",
    help="Also write a matching SQLite table of records.  [default: sends.db]",
)
@common.pass_session
def command(
    session: common.Session, port: int, scenario: str, seed: int, records: Path | None
) -> int:
    """Run a simulated Octopods on loopback until interrupted.

    Set octopods.base_url to its address to try a configuration without an account. With
    --with-records you can try everything: the table grows as messages are sent. The command
    prints a configuration that uses both.
    """
    import threading

    from recon.simulator import records_table, server
    from recon.simulator.scenarios import SCENARIOS

    if scenario not in SCENARIOS:
        names = ", ".join(SCENARIOS)
        raise UsageError(f"Unknown scenario '{scenario}'; the scenarios are: {names}")
    clock = session.runtime.clock
    begun = clock()
    stage = SCENARIOS[scenario].stage(seed, begun)
    # Its twin, which sends the same, since the server's own is used by its threads.
    twin = SCENARIOS[scenario].stage(seed, begun).channel
    if records is not None:
        records_table.create(records)
        records_table.write(records, twin, begun)
    with server.serve(
        stage.channel,
        clock=clock,
        script=stage.script,
        status_fault=stage.status_fault,
        port=port,
    ) as base_url:
        click.echo(f'base_url = "{base_url}"   # API key: {stage.api_key}')
        click.echo(f"scenario {scenario} ({SCENARIOS[scenario].description}); press Ctrl-C to stop")
        if records is not None:
            _show_configuration(records, base_url, stage.api_key)
        try:
            _wait(twin, clock, records, threading.Event())
        except KeyboardInterrupt:
            click.echo("stopped")
    return 0


def _wait(
    channel: Channel, clock: Callable[[], datetime], records: Path | None, never: Event
) -> None:
    """Wait for ever, and record what is sent."""
    from recon.simulator import records_table

    if records is None:
        never.wait()
        return
    since = None
    while True:
        now = clock()
        records_table.write(records, channel, now, since=since)
        since = now
        never.wait(_EVERY)


def _show_configuration(records: Path, base_url: str, api_key: str) -> None:
    from recon.config import SecretUrl, starter
    from recon.simulator import records_table

    words = [starter.Word(word, 0, meaning) for word, meaning in records_table.WORDS.items()]
    made = starter.Starter(
        account="main",
        api_key_env="OCTOPODS_API_KEY",
        columns=records_table.COLUMNS,
        url=SecretUrl(f"sqlite:///{records.absolute()}"),
        table=records_table.TABLE,
        words=tuple(words),
        base_url=base_url,
    )
    click.echo(f"records: {records.absolute()}; the configuration that uses both:\n")
    click.echo(starter.text(made))
    click.echo(
        f"or: recon init --file {records} --base-url {base_url}\n"
        f"then: export OCTOPODS_API_KEY={api_key}; recon check; recon collect; recon run"
    )
