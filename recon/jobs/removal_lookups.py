"""Ask Octopods whether messages that its list has lacked for a day were removed."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from recon.errors import ReconError
from recon.store import removed_messages

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.model import Listing
    from recon.octopods.client import Client
    from recon.store.messages import KeepResult

log = logging.getLogger(__name__)


def ask(
    engine: Engine,
    account: str,
    client: Client,
    fingerprint: str,
    listing: Listing,
    kept: KeepResult,
    at: datetime,
) -> None:
    """Ask for the messages in `kept.ask_for` and for one listed message, and store the answers.

    If no message has been absent for a day, no request is made. A denial counts only if Octopods
    answers for the message that the list shows. A call that fails is repeated a day later.

    Args:
        engine: the store.
        account: whose messages.
        client: makes the requests with the account's key.
        fingerprint: distinguishes that key from the account's others.
        listing: the answer without these messages.
        kept: the result of storing the answer.
        at: our own clock.
    """
    if not kept.ask_for or not listing.messages:
        return
    denied: list[int] = []
    found: list[int] = []
    control = listing.messages[len(listing.messages) // 2].message_id
    try:
        if client.message_status(control) is not None:
            for message_id in kept.ask_for:
                known = client.message_status(message_id)
                (denied if known is None else found).append(message_id)
    except ReconError as error:
        log.warning(
            "account %s: Octopods was asked for messages that its list lacks: %s",
            account,
            error.one_line,
        )
    if len(denied) < len(kept.ask_for):
        # They count as removed only if Octopods denies all that were asked for.
        denied = []
    removed_messages.settle(engine, account, fingerprint, denied=denied, found=found, at=at)
