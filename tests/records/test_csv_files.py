"""CSV files as tools write them: every row is read or rejected, whatever its quotes do."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.errors import InputError
from recon.records import csv_files
from recon.records.reader import RecordsRead
from recon.records.reader_factory import open_reader
from recon.records.source import Source

NAMES: Final = ("id", "message_id", "phone_number", "sent_at", "status")
HEAD: Final = ",".join(NAMES)
SMALL: Final = 200


def row(n: int) -> list[str]:
    return [str(n), str(700100 + n), f"+35386{n:07}", f"2026-04-23T12:{n % 60:02}:00Z", "sent"]


def line(n: int, *more: str) -> str:
    return ",".join([*row(n), *more])


def read(path: Path, content: str | bytes, **options: Any) -> RecordsRead:  # noqa: ANN401
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_reader(Source(file=path, **options)).read(None, None)


def ids(found: RecordsRead) -> list[int]:
    return sorted(int(one) for one in found.frame["local_id"])


def reasons(found: RecordsRead) -> list[str]:
    return sorted(found.rejects["reason"])


def rows_in_blocks(path: Path, size: int) -> tuple[list[str], list[str]]:
    """Return the ids of the rows that are read and the reasons of the others, block by block."""
    read_ids: list[str] = []
    broken: list[str] = []
    for chunk in csv_files.chunks(path, NAMES, time="sent_at", block_bytes=size):
        read_ids += [str(one) for one in chunk.columns["id"].to_pylist()]
        broken += chunk.broken
    return read_ids, broken


# --- quotes that do not fit ----------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("follow", [1, 2, 300])
def test_an_open_quote_costs_only_its_own_row_wherever_it_stands(
    tmp_path: Path, column: int, follow: int, end: str
) -> None:
    cells = [*row(2), "hello"]
    cells[column] = f'"{cells[column]}'
    lines = [f"{HEAD},body", line(1, "hi"), ",".join(cells)]
    lines += [line(n, "hi") for n in range(3, 3 + follow)]
    found = read(tmp_path / "a.csv", end.join(lines) + end)
    assert ids(found) == [1, *range(3, 3 + follow)]
    assert reasons(found) == ["row 3: a quote is never closed"]


def test_a_quote_that_a_later_row_closes_costs_only_the_row_that_opens_it(tmp_path: Path) -> None:
    lines = [f"{HEAD},body", line(1, '"Thank you'), *(line(n, "ok") for n in (2, 3)),
             line(4, 'bye"'), line(5, "ok")]  # fmt: skip
    found = read(tmp_path / "a.csv", "\n".join(lines))
    assert ids(found) == [2, 3, 4, 5]
    assert reasons(found) == ["row 2: a quote is never closed"]


def test_a_quote_left_open_in_the_last_row_is_reported(tmp_path: Path) -> None:
    found = read(tmp_path / "a.csv", f"{HEAD},body\n{line(1, 'hi')}\n{line(2, chr(34) + 'hi')}\n\n")
    assert ids(found) == [1]
    assert reasons(found) == ["row 3: a quote is never closed"]


def test_a_quote_alone_between_rows_or_at_the_end_costs_no_row(tmp_path: Path) -> None:
    lines = [HEAD, line(1), '"', line(2), line(3), '"']
    found = read(tmp_path / "a.csv", "\n".join(lines) + "\n")
    assert ids(found) == [1, 2, 3]
    assert len(found.rejects) == 2


@pytest.mark.parametrize("column", [0, 2, 4])
def test_a_quote_before_one_column_of_every_row_loses_no_row_in_silence(
    tmp_path: Path, column: int
) -> None:
    lines = [HEAD]
    for n in range(20_000):
        cells = row(n)
        cells[column] = f'"{cells[column]}'
        lines.append(",".join(cells))
    found = read(tmp_path / "a.csv", "\n".join(lines) + "\n")
    assert len(found.frame) + len(found.rejects) == 20_000
    assert set(found.rejects["reason"].str.partition(": ")[2]) == {"a quote is never closed"}


def test_an_open_quote_before_very_many_rows_costs_only_its_own(tmp_path: Path) -> None:
    text = f"{HEAD}\n" + f'"{line(1)}\n' + f"{line(2)}\n" * 400_000
    found = read(tmp_path / "a.csv", text)
    assert (len(found.frame), len(found.rejects)) == (400_000, 1)


def test_a_text_of_many_lines_is_part_of_its_row(tmp_path: Path) -> None:
    texts = ["Hello,\nyou", "a\r\n\r\nb, c, d, e, f, g", 'He said ""hi"",\n""bye""', ""]
    lines = [f"body,{HEAD},tail"]
    lines += [f'"{text}",{line(n)},"{text}"' for n, text in enumerate(texts)]
    found = read(tmp_path / "a.csv", "\n".join(lines) + "\n")
    assert ids(found) == [0, 1, 2, 3]
    assert reasons(found) == []


@pytest.mark.parametrize("column", [0, 3, 5])
@pytest.mark.parametrize("text", ["hi\r", "\r", "\rhi", "h\ri", '""hi""\r'])
def test_a_carriage_return_in_a_text_is_part_of_it_whatever_ends_the_other_lines(
    tmp_path: Path, text: str, column: int
) -> None:
    def beside(n: int, cell: str) -> str:
        cells = row(n)
        return ",".join([*cells[:column], f'"{cell}"', *cells[column:]])

    names = [*NAMES[:column], "body", *NAMES[column:]]
    rows = [beside(1, text), beside(2, "a\nb"), beside(3, "")]
    for end in ("\n", "\r\n"):
        for last in (end, ""):
            found = read(tmp_path / "a.csv", end.join([",".join(names), *rows]) + last)
            assert ids(found) == [1, 2, 3]
            assert reasons(found) == []


def test_a_text_of_many_lines_in_a_row_with_too_many_fields_is_one_broken_row(
    tmp_path: Path,
) -> None:
    text = f'{HEAD},body\n{line(1)},"a\nb",x\n{line(2)},"a\nb"\n'
    found = read(tmp_path / "a.csv", text)
    assert ids(found) == [2]
    assert reasons(found) == ["row 2: 7 fields, not 6"]


@pytest.mark.parametrize("size", [40, 64, 100, 1000])
def test_records_that_lie_across_blocks_are_read_as_in_one(tmp_path: Path, size: int) -> None:
    lines = [f"{HEAD},body"]
    for n in range(50):
        texts = {0: '"Hi\nyou, and\n\nyou"', 1: '"open', 2: "plain"}
        lines.append(line(n, texts[n % 3]))
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    read_ids, broken = rows_in_blocks(tmp_path / "a.csv", size)
    assert read_ids == [str(n) for n in range(50) if n % 3 != 1]
    assert broken == [f"row {n + 2}: a quote is never closed" for n in range(50) if n % 3 == 1]


# --- any text ------------------------------------------------------------------------------------

TEXTS: Final = st.text("ab é,;\t|\"'\\\n", max_size=12)
ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


def written(
    rows: Sequence[Sequence[str]],
    names: Sequence[str],
    delimiter: str,
    quoting: Any,  # noqa: ANN401 - a constant of csv, of a type that older versions do not have
    end: str,
) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([names, *rows])
    return text.getvalue()


FORMS: Final = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        "end": st.sampled_from(["\n", "\r\n"]),
    }
)


@settings(max_examples=60)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=8),
    place=st.integers(0, 5),
    form=FORMS,
    encoding=st.sampled_from(ENCODINGS),
    size=st.sampled_from([SMALL, 1 << 20]),
)
def test_every_record_of_a_well_formed_file_is_read(
    texts: list[str], place: int, form: dict[str, Any], encoding: str, size: int
) -> None:
    names = [*NAMES[:place], "body", *NAMES[place:]]
    rows = [[*row(n)[:place], text, *row(n)[place:]] for n, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "a.csv"
        path.write_bytes(written(rows, names, **form).encode(encoding))
        read_ids, broken = rows_in_blocks(path, size)
    assert broken == []
    assert read_ids == [str(n) for n in range(len(texts))]


@settings(max_examples=75)
@given(
    count=st.integers(1, 12),
    texts=st.lists(st.text("ab é\"'", max_size=6), min_size=12, max_size=12),
    place=st.integers(0, 5),
    form=FORMS,
    quotes=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 80)), max_size=6),
    size=st.sampled_from([SMALL, 1 << 20]),
)
def test_stray_quotes_cost_no_row_but_their_own(
    count: int,
    texts: list[str],
    place: int,
    form: dict[str, Any],
    quotes: list[tuple[int, int]],
    size: int,
) -> None:
    names = [*NAMES[:place], "body", *NAMES[place:]]
    rows = [[*row(n)[:place], texts[n], *row(n)[place:]] for n in range(count)]
    lines = written(rows, names, **form).split(form["end"])[:-1]
    damaged = {1 + n % count: at for n, at in quotes}
    for n, at in damaged.items():
        lines[n] = f'{lines[n][:at]}"{lines[n][at:]}'
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "a.csv"
        path.write_bytes((form["end"].join(lines) + form["end"]).encode())
        try:
            read_ids, broken = rows_in_blocks(path, size)
        except InputError:
            return  # refused as a whole: nothing is lost in silence
    assert len(read_ids) + len(broken) == count
    assert {str(n) for n in range(count) if n + 1 not in damaged} <= set(read_ids)


@settings(max_examples=75)
@given(
    body=st.text("1,2;\t|\"'\\\nab \r\0é", max_size=60),
    encoding=st.sampled_from([*ENCODINGS, "cp1252"]),
)
def test_no_text_ends_in_anything_but_rows_or_a_refusal(body: str, encoding: str) -> None:
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "a.csv"
        path.write_bytes(f"{HEAD}\n{body}".encode(encoding))
        refusals = []
        try:
            rows_in_blocks(path, SMALL)
        except InputError as error:
            refusals.append(str(error))
    assert not any("\0" in said for said in refusals)


@pytest.mark.parametrize(
    "last",
    ["(2 rows)", "(1 row)", "2 rows selected.", "(2 rows affected)", "2 Row(s) produced."],
)  # fmt: skip
def test_the_count_of_rows_that_a_database_tool_adds_is_no_record(
    tmp_path: Path, last: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"id,sent_at\n1,2026-04-23T12:00:00Z\n\n{last}\n", encoding="utf-8")
    (chunk,) = csv_files.chunks(path, ["id", "sent_at"], time="sent_at")
    assert chunk.columns["id"].to_pylist() == ["1"]
    assert list(chunk.broken) == []
