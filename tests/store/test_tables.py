from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from recon.store import schema
from recon.store.tables import METADATA
from tests.store.migrations import described

POSTGRES: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def test_every_constraint_and_index_has_a_name() -> None:
    for table in METADATA.tables.values():
        assert all(index.name for index in table.indexes)
        ddl = str(sa.schema.CreateTable(table).compile(dialect=POSTGRES))
        for unnamed in ("\tPRIMARY KEY", "\tUNIQUE", "\tFOREIGN KEY", "\tCHECK"):
            assert unnamed not in ddl


def test_the_migrations_build_what_the_models_say(empty_engine: sa.Engine) -> None:
    METADATA.create_all(empty_engine)
    modelled = described(empty_engine)
    METADATA.drop_all(empty_engine)
    schema.upgrade(empty_engine)
    assert described(empty_engine) == modelled
    assert modelled.keys() == METADATA.tables.keys()
