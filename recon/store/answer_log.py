"""Log lines about an answer: each observation and its meaning.

Changes of coverage are logged in `coverage_ledger`, `withdrawals` and `removed_messages`. This
module logs the content of the answer, its clock and its key.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from recon.core.listing_evidence import AnswerKind, Proof
from recon.model import Listing
from recon.store import coverage_notes
from recon.store.accounts import Key
from recon.store.tables import keys

_log: Final = logging.getLogger(__name__)


def news(
    connection: sa.Connection, account_id: int, key: Key, last: sa.Row[Any] | None
) -> list[str]:
    """Return what is wrong with clocks and keys since this answer, but was not before.

    Args:
        connection: in the transaction that stored the answer.
        account_id: whose answer.
        key: the key that asked, as it was before.
        last: the poll before, see `last_poll`.
    """
    now = coverage_notes.last_poll(connection, account_id)
    said = [] if now is None else coverage_notes.of_clocks(now.date_at, now.kept_at)
    if last is not None and coverage_notes.of_clocks(last.date_at, last.kept_at):
        said = []
    if last is None or last.key_id != key.id or key.last_listed_at is None:
        rows = connection.execute(sa.select(keys).where(keys.c.account_id == account_id)).all()
        said += coverage_notes.of_keys(connection, rows)
    return said


def tell(account: str, key: Key, listing: Listing, proof: Proof, news: Sequence[str]) -> None:
    """Log an answer that was stored.

    Args:
        account: its name.
        key: the key that asked, as it was before.
        listing: the answer.
        proof: how it was judged.
        news: sentences on clocks and keys, see `news`.
    """
    # A cap that is known already, or that the ledger has just told of, is nothing new.
    limit = listing.limit if proof.cap is None else min(listing.limit, proof.cap)
    is_usual = proof.reading is AnswerKind.WHOLE or (
        proof.reading is AnswerKind.AFTER_OLDEST and listing.item_count >= limit
    )
    _log.log(
        logging.DEBUG if is_usual else logging.WARNING,
        "account %s: the answer at %s (request %s, %d messages): %s; %s",
        account,
        listing.answered_at.isoformat(timespec="seconds"),
        listing.request_id or "without an id",
        listing.item_count,
        proof.why or "it shows every message that was listed before",
        _MEANING[proof.reading],
    )
    if proof.is_accepted and listing.messages and key.first_listed_at is None:
        _tell_first_contact(account, key, listing)
    for sentence in news:
        _log.warning("account %s: %s", account, sentence)


_MEANING: Final = {
    AnswerKind.WHOLE: "it proves the whole time until it was made",
    AnswerKind.AFTER_OLDEST: "it proves the time after its oldest message only",
    AnswerKind.REFUSED: "it is refused: it proves nothing, and its messages are kept",
    AnswerKind.NOTHING: "it proves nothing, and its messages are kept",
}


def _tell_first_contact(account: str, key: Key, listing: Listing) -> None:
    oldest = min(one.sent_at for one in listing.messages).isoformat(timespec="seconds")
    if key.since is not None:
        _log.info(
            "account %s: Octopods lists the first messages of a new key: coverage of this key "
            "begins after %s, and its list lacks messages that were sent with the key before it",
            account,
            oldest,
        )
        return
    _log.info(
        "account %s: Octopods lists the first messages of this key: records before %s cannot be "
        "checked against the list, and are reported as missing only if Octopods denies their ids",
        account,
        oldest,
    )
