"""The command line: read options, call a job, show its outcome, return an exit code."""

from __future__ import annotations

import gc
import importlib
import logging
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import click

import recon
from recon.cli import streams, termination
from recon.cli.common import Session, show_error, typed
from recon.cli.common_options import PathParam
from recon.errors import ReconError, expected
from recon.jobs.runtime import Runtime

log = logging.getLogger(__name__)

#: The commands, in the order in which help lists them. A command's module is imported when it is
#: needed, and imports its job when it runs, so that help costs next to nothing.
_COMMANDS = (
    "run",
    "collect",
    "diff",
    "report",
    "dashboard",
    "discrepancies",
    "retries",
    "explain",
    "status",
    "stats",
    "ack",
    "init",
    "config",
    "check",
    "purge",
    "db",
    "demo",
    "simulate",
)


class _Commands(click.Group):
    """Commands by the name of their module."""

    def invoke(self, ctx: click.Context) -> object:
        """Invoke a command; a command that an error suggests has the options in use."""
        try:
            return super().invoke(ctx)
        except ReconError as error:
            error.hint = typed(error.hint, ctx.params.get("config"))
            raise

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; if it does not exist, the error names a similar one."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            from recon.core.near_words import CLOSE

            near = get_close_matches(args[0], _COMMANDS, n=1, cutoff=CLOSE)
            also = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"No such command '{args[0]}'.{also}")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"recon.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=PathParam(),
    envvar="RECON_CONFIG",
    metavar="FILE",
    help="The configuration file. Default: $RECON_CONFIG, or ./recon.toml.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the log lines on standard error.",
)
@click.option("-v", "--verbose", count=True, help="Log every detail.")
@click.option("-q", "--quiet", is_flag=True, help="Log errors only; show no progress.")
@click.version_option(recon.__version__, prog_name="recon")
@click.pass_context
def group(
    ctx: click.Context, config: Path | None, log_format: str, verbose: int, *, quiet: bool
) -> None:
    """Check that your records of WhatsApp sends agree with what was sent and delivered.

    recon compares your own send records with what Octopods lists, day by day, and reports every
    difference once.
    """
    from recon import logs

    # One line of what each account's poll gave, with the request_id that support asks for.
    logs.configure(fmt=log_format, verbosity=-1 if quiet else verbose + 1)
    ctx.obj = Session(config=config, runtime=Runtime(), at_exit=ctx.with_resource(ExitStack()))


def main() -> NoReturn:
    """Run the command line and exit with a documented code; a bug keeps its traceback."""
    # Starting makes 150,000 objects and no garbage; one search among them takes 20 milliseconds.
    gc.set_threshold(250_000, 20, 20)
    streams.replace_standard_streams()
    try:
        with termination.raise_on_signals():
            code = group.main(prog_name="recon", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as wrong:
        wrong.show()
        code = wrong.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = 130
    except termination.Terminated as asked:
        click.echo(f"ended by {asked.signal.name}", err=True)
        code = asked.exit_code
    except Exception as error:
        reported = expected(error)
        if reported is not None:
            show_error(reported)
            code = reported.exit_code
        else:
            # The last resort: shown whole but for secrets, which logging blots out; never exit
            # code 1.
            log.exception("internal error")
            code = ReconError.exit_code
    # The process ends now, so the collection of cycles is skipped.
    gc.freeze()
    sys.exit(code or 0)
