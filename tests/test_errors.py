"""Which errors are expected, and what is reported where no more files can be opened."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from pyarrow import parquet

from recon import errors
from recon.errors import InputError, OutputError, TemporaryError
from recon.records import file_formats
from recon.report import atomic_files
from recon.store.engine import connect, reading
from tests.descriptors import few_files


def test_an_expected_error_is_reported_as_it_is_and_a_bug_is_not_expected() -> None:
    error = InputError("no such column")
    assert errors.expected(error) is error
    assert errors.expected(KeyError("a")) is None


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_whatever_could_not_be_opened_the_shortage_of_files_counts(number: int) -> None:
    error = OutputError("a report cannot be written")
    error.__cause__ = OSError(number, os.strerror(number), "a.csv")
    reported = errors.expected(error)
    assert isinstance(reported, TemporaryError)
    assert reported.message == f"no more files can be opened ({os.strerror(number)}): a.csv"
    assert "ulimit -n" in reported.one_line
    other = OutputError("a report cannot be written")
    other.__cause__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert errors.expected(other) is other


@pytest.mark.parametrize(
    "cause",
    [
        MemoryError(),
        pa.ArrowMemoryError("malloc of size 64 failed"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        RuntimeError("can't start new thread"),
        ImportError("a.so: failed to map segment from shared object"),
    ],
)
def test_whatever_it_was_wanted_for_the_shortage_of_memory_counts(cause: Exception) -> None:
    error = InputError("a file cannot be read")
    error.__cause__ = cause
    reported = errors.expected(error)
    assert isinstance(reported, TemporaryError)
    assert reported.message == "there is not enough memory"
    assert "ulimit -v" in reported.one_line


def test_a_library_that_hands_on_the_words_only_is_understood() -> None:
    words = RuntimeError(f"IO Error: cannot open: {os.strerror(errno.EMFILE)}")
    assert isinstance(errors.expected(words), TemporaryError)


@pytest.mark.parametrize("name", ["sends.csv", "sends.jsonl", "sends.parquet"])
def test_a_file_of_records_that_cannot_be_opened(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".parquet":
        parquet.write_table(pa.table({"id": [1]}), path)
    else:
        path.write_text('{"id": 1}\n' if path.suffix == ".jsonl" else "id,sent_at\n1,\n")
    # What is imported at the first use needs files, too.
    assert "id" in file_formats.column_names(path)
    with few_files(0), pytest.raises(InputError) as ended:
        file_formats.column_names(path)
    assert isinstance(errors.expected(ended.value), TemporaryError)


def test_a_report_that_cannot_be_opened(tmp_path: Path) -> None:
    with few_files(0), pytest.raises(OutputError) as ended, ExitStack() as stack:
        stack.enter_context(atomic_files.staged(tmp_path / "a.csv", [b"a"]))
    assert isinstance(errors.expected(ended.value), TemporaryError)


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_database_that_cannot_be_opened(tmp_path: Path, left: int) -> None:
    path = tmp_path / "recon.db"
    engine = connect(f"sqlite:///{path}")
    with reading(engine) as connection:
        connection.execute(sa.text("SELECT 1"))
    engine.dispose()
    query = sa.text("SELECT count(*) FROM sqlite_master")
    with (
        few_files(left),
        pytest.raises(TemporaryError, match="no more files can be opened"),
        reading(engine) as connection,
    ):
        connection.execute(query)
    engine.dispose()
    assert errors.file_shortage() is None
