"""The poll of a run: ask for the latest messages of an account, and store the answer."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recon.core import listing_evidence
from recon.jobs import removal_lookups, wiring
from recon.jobs.runtime import Runtime
from recon.jobs.status_calls import StatusCalls
from recon.jobs.status_lookups import StatusLookups
from recon.store import messages

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.octopods.client import Client

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LatestPoll:
    """A poll that was stored, and the client for further requests."""

    client: Client
    status_lookups: StatusLookups


def pull(
    settings: Settings,
    engine: Engine,
    name: str,
    runtime: Runtime,
    session: wiring.KeptSession,
    live: Engine | None = None,
    *,
    status_calls: int | None = None,
) -> LatestPoll:
    """Ask Octopods once for the latest messages of an account, and store the answer.

    Status calls use the same `session`. Pauses that Octopods asks for are stored in `live` if
    `engine` is another store. `status_calls` limits the status calls of the run; without it, the
    settings do.
    """
    client, fingerprint = wiring.open_client(settings, name, runtime, session, live or engine)
    listing = client.latest()
    kept = messages.keep(engine, name, fingerprint, listing, runtime.clock())
    log.info(
        "account %s: %d of %d messages are new, %d changed status",
        name,
        kept.new,
        listing.item_count,
        kept.changed,
    )
    removal_lookups.ask(engine, name, client, fingerprint, listing, kept, runtime.clock())
    ahead = listing_evidence.clock(listing) - runtime.clock()
    most = settings.octopods.status_lookups_per_run if status_calls is None else status_calls
    status_lookups = StatusLookups(
        engine,
        name,
        calls=StatusCalls(client, name, most=most, listing=listing),
        fingerprint=fingerprint,
        clock=lambda: runtime.clock() + ahead,
        zone=settings.timezone,
    )
    return LatestPoll(client, status_lookups)
