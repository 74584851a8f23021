"""Files of two sides with every kind of oddity, as rows of text, from a seed."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

LOCAL: Final = ("id", "message_id", "phone_number", "sent_at", "status")
PROVIDER: Final = ("message_id", "phone_number", "sent_at", "status", "failure_reason")

#: The evening before clocks go back in Dublin, so that an hour of the second day comes twice.
START: Final = datetime(2026, 10, 24, 12, tzinfo=UTC)

_NUMBERS: Final = (
    *("+35387{:07}", "35387{:07}", "0035387{:07}", "087{:07}", "+353 87 {:07}", "+4477{:08}"),
    *("+55119{:08}", "+5511{:08}", "+2250{:09}", "IE.{:08}AB", "+52155{:08}", "+5255{:08}"),
)
#: So few people get several messages at a time.
_FEW_PEOPLE: Final = 10
_WORDS: Final = ("sent", "delivered", "read", "failed", "deleted", "unknown", "bounced", "")
_REASONS: Final = ("(#131049) not delivered", "Error 470: 353871234567 left", "no money", "")

Row = dict[str, str | None]


@dataclass(slots=True)
class OddDay:
    """Rows of both sides."""

    local: list[Row] = field(default_factory=list)
    provider: list[Row] = field(default_factory=list)


def odd_day(seed: int, sends: int) -> OddDay:
    """Return sends of two days, some of which are wrong in each way that a file can be wrong."""
    rng = random.Random(seed)
    made = OddDay()
    share = rng.choice([0.0, 0.02, 0.1, 0.4])
    holds_ids, offset = rng.random() < 0.8, rng.choice([0, 0, 0, 3600, -450])
    ends = rng.choice([2.0, 2.0, 0.6])
    outage = rng.uniform(0, 2) if rng.random() < 0.5 else 9.0
    people = rng.choice([5, 40, 5000])
    usual = rng.choice(_NUMBERS[:2])
    recorded = rng.choice([usual, usual, "087{:07}", "+44{:09}"])
    for number in range(sends):
        _send(rng, made, number, share, people, (recorded, usual), outage)
    for row in made.local:
        if not holds_ids:
            row["message_id"] = None
        sent = row["sent_at"]
        if offset and sent and sent.endswith("Z"):
            row["sent_at"] = spelled(datetime.fromisoformat(sent) + timedelta(seconds=offset))
    limit = spelled(START + timedelta(days=ends))
    made.local = [row for row in made.local if (row["sent_at"] or "") < limit or ends > 1]
    if rng.random() < 0.3:
        for row in made.local:
            row["id"] = f"s-{row['id']}" if rng.random() < 0.5 else row["id"]
    if rng.random() < 0.1:
        (made.local if rng.random() < 0.5 else made.provider).clear()
    rng.shuffle(made.local)
    rng.shuffle(made.provider)
    return made


def spelled(moment: datetime) -> str:
    """Write a time as most files do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _send(
    rng: random.Random,
    made: OddDay,
    number: int,
    share: float,
    people: int,
    usual: tuple[str, str],
    outage: float,
) -> None:
    def odd() -> bool:
        return rng.random() < share / 4

    moment = START + timedelta(days=2 * rng.random())
    person = rng.randrange(people)
    recorded, sent = usual
    if odd() or people < _FEW_PEOPLE:
        recorded = sent = rng.choice(_NUMBERS)
    status = rng.choice(_WORDS[:4] if not odd() else _WORDS)
    record: Row = {
        "id": str(number),
        "message_id": str(1000 + number),
        "phone_number": recorded.format(person),
        "sent_at": spelled(moment + timedelta(seconds=rng.randrange(-30, 30))),
        "status": status if not odd() else rng.choice((*_WORDS, "not_sent", "queued")),
    }
    message: Row = {
        "message_id": str(1000 + number),
        "phone_number": (sent if not odd() else rng.choice(_NUMBERS)).format(person),
        "sent_at": spelled(moment),
        "status": status,
        "failure_reason": rng.choice(_REASONS) if status == "failed" else None,
    }
    _spoil(rng, record, odd)
    if odd():
        message[rng.choice(["phone_number", "sent_at", "message_id"])] = rng.choice(
            [None, "soon", "-", "12", "CO.12345678"]
        )
    down = outage <= (moment - START) / timedelta(days=1) < outage + 0.1
    if not (odd() or down):
        made.local.append(record)
    for _ in range(rng.choice([1, 2]) if odd() else 0):
        made.local.append(record | {"id": rng.choice([str(number + 5000), record["id"]])})
    if not odd():
        made.provider.append(message)
    if odd():
        made.provider.append(message | {"status": rng.choice(_WORDS)})
    if odd():
        again = spelled(moment + timedelta(seconds=rng.randrange(-70, 70)))
        made.provider.append(message | {"message_id": str(90_000 + number), "sent_at": again})


def _spoil(rng: random.Random, record: Row, odd: object) -> None:
    assert callable(odd)
    if odd():
        record["message_id"] = rng.choice([None, "wamid.HBgL", "9" + str(record["message_id"])])
    if odd():
        record["phone_number"] = rng.choice([None, "soon", "0871234567", "IE.12345678AB"])
    if odd():
        record["sent_at"] = rng.choice(
            [None, "soon", "2026-10-25 01:30:00", "2026-10-26 00:10:00", "2026-10-25", "2026-10-26"]
        )
    if odd():
        record["id"] = None
    if odd():
        record |= {"status": "not_sent", "message_id": None}


def write(rows: Sequence[Row], columns: Sequence[str], kind: str, path: Path) -> Path:
    """Write rows as `csv`, `jsonl`, or as a `parquet` folder of several files; return the path."""
    if kind == "csv":
        with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows([row[name] or "" for name in columns] for row in rows)
        return path.with_suffix(".csv")
    if kind == "jsonl":
        lines = [json.dumps({name: row[name] for name in columns}) for row in rows]
        # One that does not parse.
        path.with_suffix(".jsonl").write_text("\n".join([*lines, "{"]), encoding="utf-8")
        return path.with_suffix(".jsonl")
    path.mkdir()
    schema = pa.schema([(name, pa.string()) for name in columns])
    for part in range(3):
        table = pa.Table.from_pylist([*rows[part::3]], schema=schema)
        pq.write_table(table, path / f"{part}.parquet")
    return path
