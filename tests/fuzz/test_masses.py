"""Bad input by the hundred thousand: what needs no command is tried without one.

`RECON_FUZZ_INPUTS` is how many of each of the cheapest kinds; of those that take longer there are
fewer. Each input depends on the seed and its own number alone: a failure names both, and
`RECON_FUZZ_SEED` repeats them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from email.utils import format_datetime
from random import Random
from typing import Any, Final

import pytest

from recon.report import mail
from recon.report.mail import Envelope
from tests.fuzz.targets import (
    FILES,
    ITEM_A,
    ITEM_B,
    KEYS,
    NOW,
    ROWS,
    SQL,
    TOML,
    TRICKY,
    VARIABLES,
    check_configuration,
    check_headers,
    check_listing,
    check_other_answers,
    check_pause,
    check_sql,
    item,
    one_line,
    read_file,
)

pytestmark = pytest.mark.thorough

INPUTS: Final = int(os.environ.get("RECON_FUZZ_INPUTS", "2000"))
SEED: Final = int(os.environ.get("RECON_FUZZ_SEED", "1"))
#: Letters, digits, marks and controls of several writings, as often as plain ones.
_ALPHABET: Final = (
    "".join(map(chr, range(0x180))) + "\u0660\u0967\uff11\u2007\u200b\u3000\U0001d7d8"
)
_PLACES: Final = 40
_ROWS_AT_A_TIME: Final = 200


def tried(count: int, name: str, one: Callable[[Random], object]) -> None:
    """Try a target with so many inputs, each with its own random numbers."""
    for number in range(count):
        try:
            one(Random(f"{SEED} {name} {number}"))
        except BaseException as error:
            error.add_note(f"RECON_FUZZ_SEED={SEED}, input {number} of {name}")
            raise


def some_text(random: Random, longest: int = 12) -> str:
    """Return a text of anything."""
    return "".join(random.choices(_ALPHABET, k=random.randint(0, longest)))


def spoiled(random: Random, good: str) -> str:
    """Return a good text with a few cuts, doublings, moves and tricky insertions."""
    text = good
    for _ in range(random.choice([1, 1, 2, 3, 4])):
        at = random.randint(0, len(text))
        end = min(len(text), at + random.randint(0, _PLACES))
        match random.randrange(9):
            case 0 | 1 | 2:
                text = text[:at] + random.choice(TRICKY) + text[at:]
            case 3:
                text = text[:at] + some_text(random) + text[end:]
            case 4 | 5:
                text = text[:at] + text[end:]
            case 6:
                text = text[:end] + text[at:end] + text[end:]
            case 7:
                text = text[:at] + text[end:] + text[at:end]
            case _:
                text = text[:at] if at > len(text) // 2 else text[:at] + text[at + 1 :]
    return text


def spoiled_bytes(random: Random, good: str) -> bytes:
    """Return a spoiled text in some encoding, or with bytes that are none."""
    encoding = random.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
    content = spoiled(random, good).encode(encoding, "replace")
    if random.random() < 0.3:
        at = random.randint(0, len(content))
        content = content[:at] + random.randbytes(random.randint(0, 8)) + content[at:]
    return content


def junk(random: Random, depth: int = 2) -> object:
    """Return anything that an answer may have in place of a value."""
    match random.randrange(10 if depth else 7):
        case 0:
            return random.choice([None, True, False])
        case 1:
            return random.randint(-(2**70), 2**70) >> random.randint(0, 70)
        case 2:
            return random.choice([0.5, -1.0, 1e300, float("nan"), float("inf"), 1776938400.5])
        case 3 | 4:
            return random.choice(TRICKY)
        case 5:
            return some_text(random, 30)
        case 6:
            return spoiled(random, random.choice(_VALUES))
        case 7:
            return [junk(random, depth - 1) for _ in range(random.randint(0, 3))]
        case _:
            names = [random.choice([*KEYS, "id", some_text(random)]) for _ in range(3)]
            return {name: junk(random, depth - 1) for name in names[: random.randint(0, 3)]}


_VALUES: Final = ["700300", "+353871200003", "2026-04-23T12:02:00Z", "delivered", "1776938400"]


def _a_list(random: Random) -> None:
    items: list[object] = []
    good: set[int] = set()
    for number in range(900_000, 900_000 + random.randint(1, 5)):
        shape: Mapping[str, object] = random.choice([ITEM_A, ITEM_B])
        made: object = item(shape, number)
        if random.random() < 0.5:
            good.add(number)
        else:
            broken: dict[str, Any] = item(shape, junk(random) if random.random() < 0.5 else number)
            for key in random.choices(KEYS, k=random.randint(0, 4)):
                broken[key] = junk(random)
            if random.random() < 0.5:
                del broken[random.choice(sorted(broken))]
            made = broken if random.randrange(10) else junk(random)
        items.append(made)
    check_listing(items, good, wrapped=random.random() < 0.5)


_LIST: Final = json.dumps([ITEM_A, ITEM_B])


def _a_text(random: Random) -> None:
    """Most of these are no JSON any more: the client refuses them before they come here."""
    try:
        body = json.loads(spoiled(random, _LIST))
    except ValueError:
        return
    check_other_answers(body, body)
    if isinstance(body, list):
        check_listing(body, set(), wrapped=True)


_HTTP_DATE: Final = format_datetime(NOW + timedelta(minutes=5), usegmt=True)
_STAMPS: Final = ["2026-04-24T06:05:00Z", "300", "5 minutes", "1777010700", "1777010700000", "PT5M"]
_FIELDS: Final = ["retry_after", "retry-after", "RetryAfter", "wait_seconds", "error", "until"]


def _a_stamp(random: Random) -> None:
    header = spoiled(random, random.choice([_HTTP_DATE, *_STAMPS]))
    value = junk(random) if random.random() < 0.3 else spoiled(random, random.choice(_STAMPS))
    check_pause(header, value, random.choice(_FIELDS))


def _a_configuration(random: Random) -> None:
    names = random.sample(VARIABLES, random.choice([0, 0, 0, 1, 2]))
    environ = {name: random.choice([random.choice(TRICKY), some_text(random)]) for name in names}
    # A line more or less is mostly a valid configuration, unlike a cut.
    lines = TOML.splitlines(keepends=True)
    if random.random() < 0.5:
        at = random.randrange(len(lines))
        lines[at] = random.choice(["", lines[at] * 2, spoiled(random, lines[at])])
        content = "".join(lines).encode("utf-8", "replace")
    else:
        content = spoiled_bytes(random, TOML)
    check_configuration(content, environ)


_SUBJECT: Final = "main 2026-04-23: 3 customers did not get their message"
_ENVELOPE: Final = Envelope("recon@example.com", ["ops@example.com"], "<1@example.com>", NOW)


def _a_subject(random: Random) -> None:
    subject = " ".join(spoiled(random, _SUBJECT).split())
    check_headers(mail.headed(subject, _ENVELOPE))


CHEAP: Final[Sequence[tuple[str, float, Callable[[Random], object]]]] = [
    ("lists of messages", 1, _a_list),
    ("other answers", 1, lambda random: check_other_answers(junk(random), junk(random))),
    ("texts of answers", 1, _a_text),
    ("retry times", 2, _a_stamp),
    *(
        (
            f"SQL of {dialect}",
            0.5,
            lambda random, name=dialect: check_sql(name, spoiled(random, SQL[name])),
        )
        for dialect in SQL
    ),
    ("subjects of mails", 1, _a_subject),
    ("configurations", 0.1, _a_configuration),
    *(
        (
            f"files {name}",
            0.02,
            lambda random, name=name: read_file(name, spoiled_bytes(random, FILES[name])),
        )
        for name in FILES
    ),
]


@pytest.mark.parametrize(("name", "share", "target"), CHEAP, ids=[name for name, *_ in CHEAP])
def test_bad_input_in_masses(name: str, share: float, target: Callable[[Random], object]) -> None:
    tried(max(10, int(INPUTS * share)), name, target)


@pytest.mark.parametrize("name", ["records.csv", "records.tsv", "records.jsonl"])
def test_many_spoiled_rows_cost_no_other(name: str) -> None:
    """Every second row of a file is spoiled; those between are read, and each other one counts.

    Quotes are left out: two rows away from each other they enclose what is between.
    """
    tried(max(2, INPUTS // _ROWS_AT_A_TIME), name, lambda random: _rows(name, random))


def _rows(name: str, random: Random) -> None:
    begun = FILES[name].splitlines()
    header, line = ([], begun[0]) if name.endswith("jsonl") else (begun[:1], begun[1])
    # What is plain is recognised by its id, which no spoiled row can have by chance.
    good = [line.replace(str(ROWS[0]["message_id"]), str(n)) for n in range(800_000, 800_200)]
    rows = []
    for number, plain in enumerate(good[:_ROWS_AT_A_TIME]):
        own = plain.replace("0", f"{9_000_000 + number}", 1)
        bad = one_line(spoiled(random, line))
        rows += [own, bad if name.endswith("jsonl") else bad.replace('"', "")]
    ids, read, rejected = read_file(name, ("\n".join([*header, *rows]) + "\n").encode())
    assert {str(9_000_000 + number) for number in range(_ROWS_AT_A_TIME)} <= ids
    # Rows of empty cells are none.
    between = "," if name.endswith("csv") else "\t"
    assert read + rejected == sum(bool(row.replace(between, "").strip()) for row in rows)
