"""Numbers that are not stored any more because a person asked to be forgotten.

Only a keyed hash is stored, one for all spellings of a number. The key is random and belongs to the
database. With the hash, later answers and runs do not store the number again. Without the database,
the hash reveals nothing.
"""

from __future__ import annotations

import hmac
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from recon.model import Listing, Message
from recon.store.column_types import Json, SafeText
from recon.store.dialects import insert, is_postgres
from recon.store.engine import reading, writing
from recon.store.tables import METADATA, forgotten_numbers, hash_keys
from recon.store.tables import accounts as account_names

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from recon.core.person import Person

#: The row of `hash_keys` that this is about.
_PURPOSE: Final = "forgotten numbers"
#: Columns that hold words of a list, names or hashes, and never what somebody wrote.
_NO_TEXTS: Final = frozenset(
    {"status", "kind", "severity", "verdict", "mode", "reading", "basis", "state", "change"}
    | {"timezone", "name", "fingerprint", "run_id", "request_id", "key", "discrepancy_id"}
    | {"input_digest", "verdict_basis", "digest", "random_hex", "purpose", "version_num"}
)
_SEPARATORS: Final = (" ", "-", "(", ")", ".", "/", "\u00a0")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The numbers that must not be stored; in most databases none."""

    secret: bytes = b""
    digests: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.digests)

    def holds(self, user: int) -> bool:
        """Say whether a user is forgotten, by a key from `recon.core.phones`."""
        return _digest(self.secret, user) in self.digests

    def among(self, keys: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Say for each key whether the user is forgotten; each distinct key is hashed once."""
        import numpy as np

        users, places = np.unique(keys, return_inverse=True)
        held = np.array([user >= 0 and self.holds(user) for user in users.tolist()], dtype=np.bool_)
        found: npt.NDArray[np.bool_] = held[places]
        return found

    def blanked(self, frame: pd.DataFrame, region: str | None, blank: str | None) -> pd.DataFrame:
        """Return rows without the numbers of forgotten users.

        Args:
            frame: has a column `phone_number`.
            region: of national numbers.
            blank: the replacement.
        """
        from recon.core import phones

        if not self or frame.empty:
            return frame
        gone = self.among(phones.keys(frame["phone_number"], region))
        if not gone.any():
            return frame
        return frame.assign(phone_number=frame["phone_number"].mask(gone, blank))

    def without(self, listing: Listing) -> Listing:
        """Return an answer without the numbers of forgotten users."""
        if not self:
            return listing
        rejects = [
            replace(one, phone_number=None) if self._is_of(one.phone_number) else one
            for one in listing.rejects
        ]
        return replace(listing, messages=self.without_in(listing.messages), rejects=rejects)

    def without_in(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Return messages without the numbers of forgotten users."""
        if not self:
            return messages
        return [
            replace(one, phone_number="") if self._is_of(one.phone_number) else one
            for one in messages
        ]

    def _is_of(self, number: str | None) -> bool:
        import numpy as np

        from recon.core.number_readings import readings
        from recon.core.number_spellings import one_per_user

        if not number:
            return False
        users = one_per_user(np.array(readings(number, None), dtype=np.int64))
        return any(user >= 0 and self.holds(user) for user in users.tolist())


def load(connection: sa.Connection) -> Forgotten:
    """Return which numbers are forgotten."""
    digests = frozenset(connection.execute(sa.select(forgotten_numbers.c.digest)).scalars())
    if not digests:
        return Forgotten()
    return Forgotten(_secret(connection), digests)


def forgotten(engine: sa.Engine) -> Forgotten:
    """Return which numbers are forgotten, as of now."""
    with reading(engine) as connection:
        return load(connection)


def forget(
    engine: sa.Engine,
    person: Person,
    now: datetime,
    rng: random.Random,
    *,
    dry_run: bool = False,
    progress: Callable[[str], None] = lambda _table: None,
) -> dict[str, int]:
    """Blank a person's number in every table, and keep later answers from storing it again.

    Ids, times and statuses stay. The hash is stored first, so that no answer that arrives meanwhile
    stores the number again. Then the tables are searched. The caller holds the accounts' locks, so
    that no run stores numbers that it read before.

    Args:
        engine: the store.
        person: whose number.
        now: our own clock.
        rng: makes the key of the hashes, the first time.
        dry_run: only count.
        progress: called with the name of its table after each of `searched` columns.

    Returns:
        The number of values with the number, by table.
    """
    if not dry_run:
        _remember(engine, person, now, rng)
    with reading(engine) as connection:
        found = list(_held(connection, person, progress))
    counts: dict[str, int] = {}
    for place in found:
        counts[place.column.table.name] = counts.get(place.column.table.name, 0) + place.count
    if found and not dry_run:
        with writing(engine) as connection:
            if not is_postgres(connection):
                # Freed parts of the file keep no number.
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            for place in found:
                place.blank(connection)
    return counts


def _remember(engine: sa.Engine, person: Person, now: datetime, rng: random.Random) -> None:
    with writing(engine) as connection:
        # Other transactions that stored an answer have ended, and later ones see the hash.
        connection.execute(sa.select(account_names.c.id).with_for_update(key_share=True)).all()
        made = {"purpose": _PURPOSE, "random_hex": rng.randbytes(32).hex()}
        connection.execute(insert(connection, hash_keys).on_conflict_do_nothing(), [made])
        digest = _digest(_secret(connection), person.key)
        connection.execute(
            insert(connection, forgotten_numbers).on_conflict_do_nothing(),
            [{"digest": digest, "forgotten_at": now}],
        )


def _secret(connection: sa.Connection) -> bytes:
    query = sa.select(hash_keys.c.random_hex).where(hash_keys.c.purpose == _PURPOSE)
    return bytes.fromhex(connection.execute(query).scalar_one())


def _digest(secret: bytes, user: int) -> str:
    return hmac.digest(secret, str(user).encode(), "sha256").hex()


@dataclass(frozen=True, slots=True)
class _Place:
    """Rows of a column that hold the number."""

    column: sa.Column[Any]
    count: int
    blank: Callable[[sa.Connection], None]


def searched() -> list[sa.Column[Any]]:
    """Return the columns that may hold a number."""
    return [
        column
        for table in METADATA.sorted_tables
        for column in table.c
        if not (column.primary_key or column.name in _NO_TEXTS)
        and (_is_of_numbers(column) or isinstance(column.type, SafeText | Json))
    ]


def _is_of_numbers(column: sa.Column[Any]) -> bool:
    return column.name.endswith("phone_number")


def _held(
    connection: sa.Connection, person: Person, progress: Callable[[str], None]
) -> Iterator[_Place]:
    for column in searched():
        find = _numbers if _is_of_numbers(column) else _texts
        yield from find(connection, column, person)
        progress(column.table.name)


def _numbers(connection: sa.Connection, column: sa.Column[Any], person: Person) -> Iterator[_Place]:
    """Find the spellings of the number in a column of numbers."""
    spelled = connection.execute(sa.select(column).where(_holds(column, person)).distinct())
    words = [word for word in spelled.scalars() if word]
    if not words:
        return
    import pandas as pd

    from recon.core import phones

    keys = phones.keys(pd.Series(words, dtype="str"), person.region)
    mine = [word for word, key in zip(words, keys.tolist(), strict=True) if key == person.key]
    if not mine:
        return
    count = connection.execute(
        sa.select(sa.func.count()).select_from(column.table).where(_are(column, mine))
    ).scalar_one()
    blank = None if column.nullable else ""
    # By their keys: to find rows, SQLite 3.51 uses no index on a column that the statement changes.
    row = sa.tuple_(*column.table.primary_key)
    rows = sa.select(*column.table.primary_key).where(_are(column, mine)).correlate(None)

    def change(connection: sa.Connection) -> None:
        connection.execute(
            sa.update(column.table).where(row.in_(rows)).values({column.name: blank})
        )

    yield _Place(column, int(count), change)


def _texts(connection: sa.Connection, column: sa.Column[Any], person: Person) -> Iterator[_Place]:
    """Find the number within texts, also those in JSON values."""
    key = list(column.table.primary_key)
    rows = connection.execute(sa.select(*key, column).where(_holds(column, person))).all()
    changed = []
    for row in rows:
        new = _blanked(row[-1], person)
        if new != row[-1]:
            changed.append((tuple(row[:-1]), new))
    if not changed:
        return

    def change(connection: sa.Connection) -> None:
        for values, new in changed:
            same = [one == value for one, value in zip(key, values, strict=True)]
            connection.execute(sa.update(column.table).where(*same).values({column.name: new}))

    yield _Place(column, len(changed), change)


def _blanked(value: Any, person: Person) -> Any:  # noqa: ANN401 - what JSON holds
    if isinstance(value, str):
        return person.blanked(value)
    if isinstance(value, list):
        return [_blanked(one, person) for one in value]
    if isinstance(value, dict):
        return {key: _blanked(one, person) for key, one in value.items()}
    return value


def _holds(column: sa.Column[Any], person: Person) -> sa.ColumnElement[bool]:
    """Return the condition that a column may contain the number, ignoring separators.

    Hardly any text has the digits in this order at all, whatever lies between them. One comparison
    says so; to take the separators out of each of five million numbers takes SQLite ten times as
    long.
    """
    text: sa.ColumnElement[Any] = (
        sa.cast(column, sa.Text) if isinstance(column.type, Json) else column
    )
    if not person.is_number:
        return text.contains(person.tail, autoescape=True)
    plain: sa.ColumnElement[Any] = text
    for one in _SEPARATORS:
        plain = sa.func.replace(plain, one, "")
    return sa.and_(
        column.is_not(None),
        text.like(f"%{'%'.join(person.tail)}%"),
        plain.contains(person.tail, autoescape=True),
    )


def _are(column: sa.Column[Any], words: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a column is one of some numbers, so that an index finds them."""
    of_any_account = column.table.c.account_id.in_(sa.select(account_names.c.id))
    return sa.and_(of_any_account, column.in_(words))
