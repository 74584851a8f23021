"""`recon simulate`: only the simulated Octopods."""

from __future__ import annotations

import click

from recon.cli import common
from recon.errors import UsageError


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
@click.option("--scenario", default="calm", show_default=True, help="What happens there.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Another seed, other messages."
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list,
    help="List the scenarios and stop.",
)
@common.pass_session
def command(session: common.Session, port: int, scenario: str, seed: int) -> int:
    """Run a simulated Octopods on loopback until interrupted.

    Point octopods.base_url at it to try a configuration without an account.
    """
    import threading

    from recon.simulator import server
    from recon.simulator.scenarios import SCENARIOS

    if scenario not in SCENARIOS:
        names = ", ".join(SCENARIOS)
        raise UsageError(f"There is no scenario '{scenario}'; there are: {names}")
    clock = session.runtime.clock
    stage = SCENARIOS[scenario].stage(seed, clock())
    with server.serve(
        stage.channel,
        clock=clock,
        script=stage.script,
        status_fault=stage.status_fault,
        port=port,
    ) as base_url:
        click.echo(f'base_url = "{base_url}"   # API key: {stage.api_key}')
        click.echo(f"scenario {scenario}: {SCENARIOS[scenario].description}; Ctrl-C ends it")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo("stopped")
    return 0
