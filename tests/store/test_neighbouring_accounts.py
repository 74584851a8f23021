"""An account is stored and read as if it were alone, whatever ids its neighbours' rows have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from shutil import copy
from typing import Any

import numpy as np
import sqlalchemy as sa

from recon.model import RejectedItem, Span
from recon.store import (
    account_summary,
    coverage_proof,
    finding_figures,
    messages,
    poll_thinning,
    polls,
    removed_messages,
    retention,
    row_evidence,
    run_figures,
    runs,
    status_answers,
    withdrawals,
)
from recon.store.accounts import (
    accounts_with_key_of,
    get_or_create_key,
    id_of,
    lock_account,
)
from recon.store.engine import connect, reading, writing
from recon.store.tables import METADATA
from tests.factories import DAY, NOON, at, found, listing, message, run

#: What the database makes up; the ids of messages, runs and findings are given.
_MADE_UP = {"id", "account_id", "key_id", "coverage_id", "finding_id", "listed_by", "started_by"}
_THE_DAY = date.fromisoformat(DAY)
_NEXT_DAY = _THE_DAY + timedelta(days=1)
_LATER = 86_400.0

_Step = Callable[[sa.Engine, str, float], object]


def _keep(*sent: float, answered: float, key: str = "key", status: str = "sent") -> _Step:
    """Return a step that keeps an answer of three messages, whose ids are their seconds."""

    def step(engine: sa.Engine, account: str, shift: float) -> None:
        shown = [message(int(second), second + shift, status) for second in sent]
        given = listing(*shown, answered=answered + shift, limit=3)
        messages.keep(engine, account, f"{key} of {account}", given)

    return step


def _keep_unreadable(engine: sa.Engine, account: str, shift: float) -> None:
    bad = RejectedItem("bad", "no status", message_id=99, sent_at=at(65 + shift))
    shown = [message(60, 60 + shift, "delivered"), message(70, 70 + shift)]
    given = listing(*shown, answered=75 + shift, rejects=[bad], limit=3)
    messages.keep(engine, account, f"key of {account}", given)


def _deny(engine: sa.Engine, account: str, shift: float) -> None:
    key = f"key of {account}"
    status_answers.keep(engine, account, key, found=[], denied=[5_000, 60], at=at(100 + shift))


def _ask_for_removed(engine: sa.Engine, account: str, shift: float) -> None:
    key = f"key of {account}"
    removed_messages.settle(engine, account, key, denied=[30], found=[], at=at(_LATER + shift))


def _judge(name: str, day: date, *identities: str) -> _Step:
    def step(engine: sa.Engine, account: str, shift: float) -> None:
        some = identities if shift == 0 else (*identities, f"{shift:016.0f}".replace("-", "e"))
        runs.save(
            engine,
            run(
                found(*some),
                account=account,
                run_id=f"{name} of {account}",
                day=day.isoformat(),
                finished=NOON + timedelta(hours=1, seconds=shift),
            ),
            mode="run",
        )

    return step


def _thin(engine: sa.Engine, account: str, _: float) -> None:
    with writing(engine) as connection:
        key = get_or_create_key(
            connection, lock_account(connection, account), f"key of {account}", NOON
        )
        poll_thinning.thin(connection, key, recent=1)


def _purge(engine: sa.Engine, account: str, shift: float) -> None:
    limit = retention.Limit(_NEXT_DAY, at(35 + 10 * shift))
    retention.purge(engine, account, limit)


def _late_for_neighbours(engine: sa.Engine, account: str, shift: float) -> None:
    """Keep an answer that makes the neighbours' keys wait longer, and not the account's."""
    if shift:
        _keep(4_000, 5_000, 8_990, answered=9_100, key="other key")(engine, account, shift)


#: Polls that join, messages that appear late, one that goes, another key, and all that follows.
_STEPS: tuple[_Step, ...] = (
    _keep(10, 20, 30, answered=40),
    _keep(20, 30, 40, answered=50),
    _keep(30, 40, 50, answered=60),
    _keep(40, 50, 60, answered=65, status="delivered"),
    _keep_unreadable,
    _deny,
    _keep(40, 50, 70, answered=80),
    _keep(45, 50, 70, answered=90),
    _keep(50, 70, 85, answered=95),
    _thin,
    _judge("first", _THE_DAY, "a" * 16, "b" * 16),
    _judge("second", _THE_DAY, "a" * 16),
    _judge("third", _NEXT_DAY, "c" * 16),
    _ask_for_removed,
    _keep(70, 85, 105, answered=110),
    _purge,
    _keep(85, 105, 115, answered=120),
    _keep(121, 122, 123, answered=130, key="other key"),
    _keep(122, 123, 124, answered=135, key="other key"),
    _keep(1_000, 1_010, 1_020, answered=1_100, key="other key"),
    _keep(1_010, 1_020, 1_500, answered=2_000, key="other key"),
    # Not proven before, but by the answer that the last neighbour got seven seconds later.
    _keep(1_020, 1_500, 1_943, answered=2_100, key="other key"),
    # The first is late, as others may be since the last that was listed before.
    _keep(1_700, 1_943, 1_950, answered=2_200, key="other key"),
    _keep(1_943, 1_950, 5_000, answered=9_000, key="other key"),
    _late_for_neighbours,
)


def _rows(engine: sa.Engine, account: str) -> dict[str, list[Any]]:
    """Return the rows of an account, without the ids that the database makes up."""
    tables = METADATA.tables
    mine = tables["keys"].c.account_id == id_of(account)
    of_account = {
        "key_id": sa.select(tables["keys"].c.id).where(mine),
        "finding_id": sa.select(tables["findings"].c.id).where(
            tables["findings"].c.account_id == id_of(account)
        ),
        "account_id": sa.select(tables["accounts"].c.id).where(
            tables["accounts"].c.name == account
        ),
    }
    stored = {}
    with reading(engine) as connection:
        for name, table in tables.items():
            owner = next((one for one in reversed(of_account) if one in table.c), None)
            if owner is None:
                continue
            wanted = [column for column in table.c if column.name not in _MADE_UP]
            query = sa.select(*wanted).where(table.c[owner].in_(of_account[owner]))
            stored[name] = sorted(map(repr, connection.execute(query)))
    return stored


def _answers(engine: sa.Engine, account: str) -> dict[str, object]:
    """Return what is read of an account."""
    whole = Span(at(0), at(1_000))
    key, days = f"key of {account}", (_THE_DAY, _NEXT_DAY)
    return {
        "proof": coverage_proof.read(engine, account),
        "messages": messages.read(engine, account, None, None).to_csv(),
        "in pages": messages.read(engine, account, at(20), at(100), page_rows=1).to_csv(),
        "by id": messages.find(engine, account, np.array([20, 40, 70])).to_csv(),
        "unreadable": messages.rejects(engine, account, None, None, untimed=True).to_csv(),
        "asked singly": messages.asked_singly(engine, account, at(0), at(1_000)).to_csv(),
        "key": replace(polls.key_state(engine, account, key, recent=9), last_id=None),
        "withdrawn": withdrawals.of_account(engine, account, None, None),
        "polls": polls.history(engine, account, at(0), 9),
        "denied": status_answers.settled_denials(engine, account, key, at(200)).tolist(),
        "around": status_answers.listed_around(engine, account, key, 80),
        "before": status_answers.listed_before(engine, account, key, at(90), most=9),
        "was listed": status_answers.was_listed(engine, account, 99),
        "proving": row_evidence.polls_of_span(engine, account, whole),
        "beside": row_evidence.polls_beside_gap(engine, account, Span(at(96), at(105))),
        "statuses": row_evidence.statuses(engine, account, 50),
        "findings": row_evidence.found(engine, account, discrepancy_ids=["a" * 16, "c" * 16]),
        "judged": row_evidence.last_judged(engine, account, _NEXT_DAY),
        "latest": run_figures.latest_run(engine, account),
        "by state": run_figures.findings_by_state(engine, account),
        "by day": finding_figures.by_state(engine, account, days),
        "runs": finding_figures.runs_by_day(engine, account, days),
        "collected": finding_figures.collected(engine, account)._replace(since=None),
        "last run": account_summary.last_run(engine, account),
        "open": account_summary.open_findings(engine, account),
        "to purge": retention.expired(engine, account, retention.Limit(_NEXT_DAY, at(80))),
    }


@contextmanager
def _filled(path: Path, accounts: dict[str, float]) -> Iterator[sa.Engine]:
    """Give a store in which each account has done each step before any does the next."""
    engine = connect(f"sqlite:///{path}")
    for step in _STEPS:
        for account, shift in accounts.items():
            step(engine, account, shift)
    yield engine
    engine.dispose()


def test_an_account_is_what_it_would_be_alone(migrated_sqlite: Path, tmp_path: Path) -> None:
    for name in ("alone.db", "between.db"):
        copy(migrated_sqlite, tmp_path / name)
    with _filled(tmp_path / "alone.db", {"main": 0.0}) as engine:
        rows, answers = _rows(engine, "main"), _answers(engine, "main")
    # The neighbours have the same ids of messages and findings, other times, and ids before and
    # after those of the account.
    neighbours = {"first": -7.0, "main": 0.0, "last": 7.0}
    with _filled(tmp_path / "between.db", neighbours) as engine:
        assert _rows(engine, "main") == rows
        assert _answers(engine, "main") == answers


def test_other_accounts_with_the_same_key_are_named(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        made = {
            account: get_or_create_key(
                connection, lock_account(connection, account), fingerprint, NOON
            )
            for account, fingerprint in (("b", "one"), ("a", "one"), ("c", "two"), ("d", "one"))
        }
        assert accounts_with_key_of(connection, made["b"].id) == ["a", "d"]
        assert accounts_with_key_of(connection, made["c"].id) == []
