"""The tables for SQLite and PostgreSQL.

`migrations/` creates exactly these. No key and no text of a message is ever stored: keys are
distinguished by their fingerprints.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from recon.model import FINDING_COLUMNS
from recon.store.column_types import Json, SafeText, UtcDateTime

METADATA: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: A surrogate key; SQLite numbers rows only where the type is spelt INTEGER.
_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON: Final = Json()


def _id() -> sa.Column[int]:
    return sa.Column("id", _ID, primary_key=True)


def _account(*, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(
        "account_id",
        _ID,
        sa.ForeignKey("accounts.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )


def _key() -> sa.Column[int]:
    # Without an action: a key goes only with its account, and takes everything along there.
    return sa.Column("key_id", _ID, sa.ForeignKey("keys.id", ondelete="CASCADE"), nullable=False)


#: `purged_before` is the time of which all messages that are older have been purged; null before
#: the first purge. Nothing is proven of the time before it, and nothing of it is stored again.
accounts: Final = sa.Table(
    "accounts",
    METADATA,
    _id(),
    sa.Column("name", SafeText, nullable=False, unique=True),
    sa.Column("purged_before", UtcDateTime),
)

#: The keys an account has had. `since` is null for the first of an account; for a later one it is
#: the time of the first message known of it, before which its answers prove nothing.
#: `disordered_at` is the clock of the first answer that showed a message out of order.
#: `started_by` is the poll with which its coverage started: of two keys, the one with the higher is
#: the newer one, and only what was listed from there on is compared. `first_listed_at` and
#: `last_listed_at` are the times of the oldest and newest message that an accepted answer listed;
#: `item_cap` is the lowest number of items at which its listing is known to be cut.
keys: Final = sa.Table(
    "keys",
    METADATA,
    _id(),
    _account(),
    sa.Column("fingerprint", SafeText, nullable=False),
    sa.Column("since", UtcDateTime),
    sa.Column("disordered_at", UtcDateTime),
    sa.Column("started_by", _ID),
    sa.Column("first_listed_at", UtcDateTime),
    sa.Column("last_listed_at", UtcDateTime),
    sa.Column("item_cap", sa.Integer),
    sa.Column("settling_seconds", sa.Integer, nullable=False, server_default="60"),
    sa.UniqueConstraint("account_id", "fingerprint"),
)

#: Each answer to the list call. `answered_at` is its clock, see `listing_evidence.clock`, `date_at`
#: the `Date` header, and `kept_at` our own clock when it came. `reading` says what it was taken
#: for, and `why` why it does not prove more; only accepted ones are compared with later ones.
#: `new_count` messages were not known before; `shared_count` were shown by an earlier answer to
#: the same key, so the poll joins on. `coverage_id` is what it is a part of, of basis `shared`.
#: Of old ones that say the same only some are kept, see `recon.core.poll_retention`.
polls: Final = sa.Table(
    "polls",
    METADATA,
    _id(),
    _account(),
    _key(),
    sa.Column("answered_at", UtcDateTime, nullable=False),
    sa.Column("kept_at", UtcDateTime, nullable=False),
    sa.Column("item_limit", sa.Integer, nullable=False),
    sa.Column("item_count", sa.Integer, nullable=False),
    sa.Column("new_count", sa.Integer, nullable=False),
    sa.Column("shared_count", sa.Integer, nullable=False),
    sa.Column("reject_count", sa.Integer, nullable=False),
    sa.Column("oldest_sent_at", UtcDateTime),
    sa.Column("newest_sent_at", UtcDateTime),
    sa.Column("request_id", SafeText),
    sa.Column("coverage_id", _ID, sa.ForeignKey("coverage.id", ondelete="SET NULL")),
    sa.Column("date_at", UtcDateTime),
    sa.Column("reading", SafeText, nullable=False),
    sa.Column("why", SafeText),
    sa.Index(None, "account_id", "answered_at"),
    sa.Index(None, "account_id", "kept_at"),
    sa.Index(None, "coverage_id"),
    sa.Index(None, "key_id", "id"),
)

#: Each message as it is known now. `observed_at` is the provider's clock at the latest answer
#: that showed it, `status` what all answers together say. `listed_by` is the latest accepted poll
#: that listed it, and `key_id` the key that it asked with; null where only a status call or a
#: refused answer showed it. No constraint, since polls may go first.
messages: Final = sa.Table(
    "messages",
    METADATA,
    _account(primary_key=True),
    sa.Column("message_id", sa.BigInteger, primary_key=True, autoincrement=False),
    _key(),
    sa.Column("phone_number", SafeText, nullable=False),
    sa.Column("sent_at", UtcDateTime, nullable=False),
    sa.Column("status", SafeText, nullable=False),
    sa.Column("failure_reason", SafeText),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("observed_at", UtcDateTime, nullable=False),
    sa.Column("listed_by", _ID),
    # With the status, so that messages are counted without being read.
    sa.Index(None, "account_id", "sent_at", "status"),
    # What became of a proposed retry is asked by number.
    sa.Index(None, "account_id", "phone_number", "sent_at"),
    sa.Index(None, "key_id", "sent_at"),
    sa.Index(None, "listed_by"),
    sqlite_with_rowid=False,
)

#: The history of each message: every status that an answer brought and the answer before had not.
status_changes: Final = sa.Table(
    "status_changes",
    METADATA,
    sa.Column("account_id", _ID, primary_key=True),
    sa.Column("message_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("seen_at", UtcDateTime, primary_key=True),
    sa.Column("status", SafeText, primary_key=True),
    sa.Column("failure_reason", SafeText),
    sa.ForeignKeyConstraint(
        ["account_id", "message_id"],
        ["messages.account_id", "messages.message_id"],
        ondelete="CASCADE",
    ),
    sqlite_with_rowid=False,
)

#: Items of answers that cannot be read, with what could be read of them. One without a time lies
#: between `earliest` and `latest`, its neighbours in the answer; null is without bound.
provider_rejects: Final = sa.Table(
    "provider_rejects",
    METADATA,
    _account(primary_key=True),
    sa.Column("key", SafeText, primary_key=True),
    sa.Column("message_id", sa.BigInteger),
    sa.Column("phone_number", SafeText),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("status", SafeText),
    sa.Column("failure_reason", SafeText),
    sa.Column("reason", SafeText, nullable=False),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("observed_at", UtcDateTime, nullable=False),
    sa.Column("earliest", UtcDateTime),
    sa.Column("latest", UtcDateTime),
)

#: What the answers to a key show whole: from `starts_at` (null is the unbounded past) until
#: `seen_at`, the provider's clock at the latest of them; as few rows as possible. Proven is all
#: of it but the settling time at its end. It is kept on two bases: `shared` joins answers that
#: share messages, `settled` only where one reaches into the proof of the other. The first one
#: counts, unless the key's listing was seen out of order.
coverage: Final = sa.Table(
    "coverage",
    METADATA,
    _id(),
    _account(),
    _key(),
    sa.Column("starts_at", UtcDateTime),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("basis", SafeText, nullable=False),
    sa.Index(None, "account_id", "key_id"),
    sa.Index(None, "key_id", "basis", "seen_at"),
    sa.CheckConstraint("basis IN ('shared', 'settled')", "basis"),
)

#: Proof that was withdrawn, and why: the answers of the key were seen to lack a message that was
#: sent in this time. It stays withdrawn; later answers do not change that. `starts_at` null is the
#: unbounded past; `withdrawn_at` is our own clock.
withdrawals: Final = sa.Table(
    "withdrawals",
    METADATA,
    _id(),
    _account(),
    _key(),
    sa.Column("starts_at", UtcDateTime),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    sa.Column("reason", SafeText, nullable=False),
    sa.Column("withdrawn_at", UtcDateTime, nullable=False),
    sa.Index(None, "account_id", "ends_at"),
    sa.Index(None, "key_id", "ends_at"),
)

#: Listed messages that later answers of the key lack. Once Octopods denies them, they count as
#: removed (`removed_at`), and no later answer has to show them.
absences: Final = sa.Table(
    "absences",
    METADATA,
    sa.Column("key_id", _ID, sa.ForeignKey("keys.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("message_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("first_at", UtcDateTime, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
    sa.Column("answers", sa.Integer, nullable=False),
    sa.Column("asked_at", UtcDateTime),
    sa.Column("removed_at", UtcDateTime),
)

#: Keys whose answers have given listed messages other times than before, as long as it is not known
#: which are right, see `recon.core.listing_times`. `first_at` and `last_at` are the clocks of the
#: first and latest of `answers` that did not agree with earlier ones. From `starts_at` on nothing
#: counts as proven. `moved_seconds` is how much later the later times are; null is not always by
#: one length.
time_disputes: Final = sa.Table(
    "time_disputes",
    METADATA,
    sa.Column("key_id", _ID, sa.ForeignKey("keys.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("first_at", UtcDateTime, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
    sa.Column("answers", sa.Integer, nullable=False),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("moved_seconds", sa.Integer),
)

#: Ids that Octopods denied to a key. `asked_at` is the provider's clock at the first denial,
#: `asked_again_at` that at the one of a later night, null before.
denied_ids: Final = sa.Table(
    "denied_ids",
    METADATA,
    _account(primary_key=True),
    sa.Column("message_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("key_id", _ID, sa.ForeignKey("keys.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("asked_again_at", UtcDateTime),
    sa.Index(None, "key_id"),
)

#: Keys of hashes, each random and made when it is first needed.
hash_keys: Final = sa.Table(
    "hash_keys",
    METADATA,
    sa.Column("purpose", SafeText, primary_key=True),
    sa.Column("random_hex", SafeText, nullable=False),
)

#: Numbers that are not stored any more: a keyed hash of each user, one for all spellings.
forgotten_numbers: Final = sa.Table(
    "forgotten_numbers",
    METADATA,
    sa.Column("digest", SafeText, primary_key=True),
    sa.Column("forgotten_at", UtcDateTime, nullable=False),
)

#: Failed sends that were proposed for a retry, in an export that a script may have acted on.
retry_exports: Final = sa.Table(
    "retry_exports",
    METADATA,
    _account(primary_key=True),
    sa.Column("message_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("date", sa.Date, nullable=False),
    sa.Column("local_id", SafeText),
    sa.Column("phone_number", SafeText),
    sa.Column("exported_at", UtcDateTime, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
)

#: Until when a key is not to be asked again, as a 429 of the provider asked; by our own clock.
#: The limit is the key's, whichever accounts use it.
pauses: Final = sa.Table(
    "pauses",
    METADATA,
    sa.Column("fingerprint", SafeText, primary_key=True),
    sa.Column("until", UtcDateTime, nullable=False),
)

#: The log of runs, one row for each window that was judged. `found` holds the `discrepancy_id` of
#: each finding that it reported, in the report's order, `acknowledged` those of them that a person
#: had settled, and `expected` those that a rule covered, by the rule's reason; all others were
#: open. It is a list in the row of the run, since a row for each finding takes as long to write as
#: the findings themselves. `changes` is null for runs of versions that did not count them, and
#: `expected_rules` a digest of the rules that the findings of the account were compared with.
#: `verdict_basis` is a digest of all that the verdict follows from, see `recon.core.verdict_basis`.
runs: Final = sa.Table(
    "runs",
    METADATA,
    _id(),
    sa.Column("run_id", SafeText, nullable=False, unique=True),
    _account(),
    sa.Column("date", sa.Date, nullable=False),
    sa.Column("mode", SafeText, nullable=False),
    sa.Column("verdict", SafeText, nullable=False),
    sa.Column("window_start", UtcDateTime, nullable=False),
    sa.Column("window_end", UtcDateTime, nullable=False),
    sa.Column("timezone", SafeText, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime, nullable=False),
    sa.Column("local", _JSON, nullable=False),
    sa.Column("provider", _JSON, nullable=False),
    sa.Column("discrepancies", _JSON, nullable=False),
    sa.Column("statuses", _JSON, nullable=False),
    sa.Column("gaps", _JSON, nullable=False),
    sa.Column("requests", _JSON, nullable=False),
    sa.Column("suspicions", _JSON, nullable=False),
    sa.Column("found", _JSON, nullable=False),
    sa.Column("acknowledged", _JSON, nullable=False),
    sa.Column("confirmation", _JSON, nullable=False),
    sa.Column("notices", _JSON, nullable=False),
    sa.Column("input_digest", SafeText),
    sa.Column("unreadable", _JSON, nullable=False),
    sa.Column("evidence", _JSON),
    sa.Column("changes", _JSON),
    sa.Column("expected", _JSON, nullable=False),
    sa.Column("expected_rules", SafeText),
    sa.Column("incidents", _JSON),
    sa.Column("advice", _JSON),
    sa.Column("failures", _JSON),
    sa.Column("verdict_basis", SafeText),
    sa.Index(None, "account_id", "date"),
)

#: The types of a finding's own columns.
FINDING_TYPES: Final[dict[str, sa.types.TypeDecorator[Any]]] = {
    name: UtcDateTime() if name.endswith("_at") else SafeText() for name in FINDING_COLUMNS
}
#: Columns of a finding that a migration added, in the order of the table.
_ADDED_LATER: Final = ("confirmed", "incident_id")
_FINDING_NOT_NULL: Final = frozenset({"discrepancy_id", "kind", "severity"})

#: Each finding once, with its latest content, and where it stands. `opened_at` is when it was found
#: for the first time, or found again after it was resolved.
findings: Final = sa.Table(
    "findings",
    METADATA,
    _id(),
    _account(),
    sa.Column("date", sa.Date, nullable=False),
    *(
        sa.Column(name, kind, nullable=name not in _FINDING_NOT_NULL)
        for name, kind in FINDING_TYPES.items()
        if name not in _ADDED_LATER
    ),
    sa.Column("status", SafeText, nullable=False),
    sa.Column("first_seen_on", sa.Date, nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("resolved_at", UtcDateTime),
    sa.Column("acknowledged_at", UtcDateTime),
    sa.Column("ack_reason", SafeText),
    *(sa.Column(name, FINDING_TYPES[name]) for name in _ADDED_LATER),
    sa.UniqueConstraint("account_id", "discrepancy_id"),
    sa.Index(None, "account_id", "status", "date", "kind"),
    sa.CheckConstraint("status IN ('open', 'acknowledged', 'expected', 'resolved')", "status"),
)

#: What became of each finding, in the order of `id`: see `recon.model.Change`. The first opening
#: has no row as long as `findings.opened_at` says when it was: with a row each, a night that
#: finds a million takes much longer. `run_id` is null where a person did it, `reason` the person's
#: or the rule's, and `from_date` the day that a finding was moved from.
finding_changes: Final = sa.Table(
    "finding_changes",
    METADATA,
    _id(),
    sa.Column("finding_id", _ID, sa.ForeignKey("findings.id", ondelete="CASCADE"), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("change", SafeText, nullable=False),
    sa.Column("run_id", SafeText),
    sa.Column("reason", SafeText),
    sa.Column("from_date", sa.Date),
    sa.Index(None, "finding_id"),
)

#: Mails. `message_id` is the header's. `thread` is what mails about one day share. `waiting` lists
#: the recipients that have not got it yet, null where it was not offered to any; `error` says why
#: the last attempt was not the last.
mails: Final = sa.Table(
    "mails",
    METADATA,
    _id(),
    sa.Column("message_id", SafeText, nullable=False, unique=True),
    sa.Column("thread", SafeText, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("waiting", _JSON),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", SafeText),
    sa.Column("done_at", UtcDateTime),
    sa.Index(None, "thread"),
    sa.Index(None, "done_at"),
)

#: The notifications of runs and failed nights, one row for each channel (`mail` or `chat`). Those
#: of one command share `batch`. A row is written in the transaction of its run, so that a command
#: that is killed omits none; `mail_id` is the mail that it became a part of. `failure`
#: is what ended a night that has no run. `done_at` is null while it waits.
notifications: Final = sa.Table(
    "notifications",
    METADATA,
    _id(),
    sa.Column("channel", SafeText, nullable=False),
    sa.Column("batch", SafeText, nullable=False),
    _account(),
    sa.Column("date", sa.Date, nullable=False),
    sa.Column("run_id", SafeText),
    sa.Column("failure", _JSON),
    sa.Column("reason", SafeText, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("mail_id", _ID, sa.ForeignKey("mails.id", ondelete="SET NULL")),
    sa.Column("done_at", UtcDateTime),
    sa.Index(None, "account_id", "channel", "id"),
    sa.Index(None, "mail_id"),
    sa.Index(None, "done_at"),
)
