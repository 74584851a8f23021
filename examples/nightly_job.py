"""Run the night from a scheduler's task, and let it decide by the error what to do.

Run `python examples/nightly_job.py [recon.toml]` as you would run `recon run`.
"""

from __future__ import annotations

import logging
import sys

from recon import api
from recon.errors import MailError, ReconError, TemporaryError


def night(config: str | None = None) -> int:
    """Run the night; return 0, 75 where a scheduler should try again later, else 1."""
    try:
        runs = api.run(config)
    except (TemporaryError, MailError) as error:
        # What was done stays done: the next attempt goes on from there.
        logging.warning("try again in half an hour: %s", error)
        return 75
    except ReconError as error:
        logging.error("a person has to correct this (exit code %d): %s", error.exit_code, error)
        return 1
    for row in runs.itertuples():
        print(f"{row.account} {row.date}: {row.verdict}, {row.findings} findings")
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    sys.exit(night(*sys.argv[1:2]))
