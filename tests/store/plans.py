"""How a database would go about the statements of a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from recon.store.dialects import is_postgres


def plans_of(engine: sa.Engine, ask: Callable[[], object]) -> Iterator[str]:
    """Yield the plan of each statement about messages that `ask` makes."""
    asked: list[tuple[str, Any]] = []

    def keep(_conn: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:  # noqa: ANN401
        asked.append((statement, given))

    sa.event.listen(engine, "before_cursor_execute", keep)
    ask()
    sa.event.remove(engine, "before_cursor_execute", keep)
    for statement, given in asked:
        if "messages" not in statement:
            continue
        with engine.begin() as connection:
            if is_postgres(connection):
                # Of so few rows the planner reads all unless it is told not to.
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
                connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
            explain = "EXPLAIN " if is_postgres(connection) else "EXPLAIN QUERY PLAN "
            yield str(connection.exec_driver_sql(explain + statement, given).all())
