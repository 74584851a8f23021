"""What all tests share: real databases, and no way out of this machine."""

from __future__ import annotations

from tests import sqlite_version  # isort: skip - before anything imports sqlite3

import gc
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa
from pytest_socket import socket_allow_hosts

from recon import logs
from recon.store import schema
from recon.store.engine import connect
from tests import mariadb, memory, postgres, statement_cache

_numbers = count(1)
memory.use()
statement_cache.share()

# Neither a deadline nor a health check that depends on how busy the machine is. The same examples
# each time, so that a change is judged by what it changes; HYPOTHESIS_PROFILE=explore tries others.
_CALM = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.register_profile("recon", _CALM, derandomize=True, max_examples=60)
hypothesis.settings.register_profile("explore", _CALM)
hypothesis.settings.register_profile(
    "fuzz", _CALM, max_examples=int(os.environ.get("RECON_FUZZ_EXAMPLES", "20_000"))
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "recon"))


def pytest_report_header() -> str:
    """Say which SQLite is tested."""
    return f"SQLite {sqlite3.sqlite_version} from {sqlite_version.ORIGIN}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as thorough what commands do on PostgreSQL: tests/store holds each statement to both."""
    commands = Path(__file__).parent / "cli"
    for item in items:
        call = getattr(item, "callspec", None)
        is_on_postgres = call is not None and call.params.get("database_url") == "postgres"
        if is_on_postgres and commands in item.path.parents:
            item.add_marker("thorough")


def pytest_collection_finish() -> None:
    """Search for cycles less often, and not among the thousands of tests: that took a tenth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Let sockets reach this machine only. pytest-socket takes the restriction off again."""
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL server's own database; one server for each test process."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """The URL of a real MariaDB server's own database; one server for each test process."""
    if mariadb.is_missing():
        pytest.skip(mariadb.MISSING)
    with mariadb.server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_admin(postgres_url: str) -> Iterator[sa.Engine]:
    """Connect once, for statements about databases: each is executed for itself."""
    engine = sa.create_engine(
        postgres_url, isolation_level="AUTOCOMMIT", pool_size=1, pool_pre_ping=True
    )
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_admin: sa.Engine) -> str:
    """The name of a database that the migrations have built, to be copied."""
    name = "migrated"
    _execute(postgres_admin, f"CREATE DATABASE {name}")
    engine = connect(_named(postgres_admin, name))
    schema.upgrade(engine)
    engine.dispose()
    _execute(postgres_admin, f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    return name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the migrations have built, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "recon.db"
    engine = connect(f"sqlite:///{path}")
    schema.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of the test's own, with the schema that the migrations build."""
    if request.param == "sqlite":
        path = tmp_path / "recon.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("migrated_postgres")
    with _database(request.getfixturevalue("postgres_admin"), template) as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a database with the schema that the tests of a module share."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("shared") / "recon.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("migrated_postgres")
    with _database(request.getfixturevalue("postgres_admin"), template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of the test's own, in which there is nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'recon.db'}"
        return
    with _database(request.getfixturevalue("postgres_admin")) as url:
        yield url


@contextmanager
def _database(admin: sa.Engine, template: str = "template1") -> Iterator[str]:
    """Make a database of its own on the server; drop it, whoever is still connected."""
    name = f"recon_{next(_numbers)}"
    _execute(admin, postgres.copying(admin, template, name))
    yield _named(admin, name)
    _execute(admin, f"DROP DATABASE {name} WITH (FORCE)")


def _named(server: sa.Engine, name: str) -> str:
    return server.url.set(database=name).render_as_string(hide_password=False)


def _execute(admin: sa.Engine, statement: str) -> None:
    with admin.connect() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Undo what a test configures of logging for its whole process."""
    root, ours = logging.getLogger(), logging.getLogger(logs.LOGGER)
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
