"""A look at records whose mapping is not known yet."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.errors import InputError
from recon.records import source_sample


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "sends.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE sends (id INTEGER, recipient TEXT, at REAL, b BLOB)")
        connection.execute("INSERT INTO sends VALUES (1, '+353871234567', 1.5, x'31ff')")
        connection.execute("INSERT INTO sends VALUES (2, NULL, NULL, NULL)")
        connection.execute("CREATE VIEW recent AS SELECT id FROM sends")
    return path


def test_a_table_is_sampled_and_nothing_is_made_beside_it(shop: Path) -> None:
    url = f"sqlite:///{shop}"
    assert source_sample.table_names(url, "UTC") == ["recent", "sends"]
    assert source_sample.of_table(url, "sends", "UTC") == {
        "id": ["1", "2"],
        "recipient": ["+353871234567", None],
        "at": ["1.5", None],
        "b": ["1\ufffd", None],
    }
    assert source_sample.of_table(url, "recent", "UTC", rows=1) == {"id": ["1"]}
    assert [path.name for path in shop.parent.iterdir()] == [shop.name]


def test_a_table_that_is_not_there_names_the_near_one(shop: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'sends'"):
        source_sample.of_table(f"sqlite:///{shop}", "send", "UTC")


def test_a_table_of_postgres_is_sampled(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE sampled (id int, sent_at timestamptz)"))
        connection.execute(sa.text("INSERT INTO sampled VALUES (7, '2026-04-23T12:00:00Z')"))
    try:
        assert "sampled" in source_sample.table_names(postgres_url, "UTC")
        found = source_sample.of_table(postgres_url, "sampled", "UTC")
        assert found == {"id": ["7"], "sent_at": ["2026-04-23 12:00:00+00"]}
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE sampled"))
        engine.dispose()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sends.csv", "id,to\n1,+353871234567\n2,\n"),
        ("sends.jsonl", '{"id": 1, "to": "+353871234567"}\n{"id": 2, "to": null}\n'),
    ],
)
def test_a_file_is_sampled(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    found = source_sample.of_file(path)
    assert list(found) == ["id", "to"]
    assert found["id"][0] == "1"
    assert found["to"][0] == "+353871234567"
    assert len(found["to"]) == 2
