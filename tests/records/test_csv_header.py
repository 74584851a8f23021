"""Where the rows of a CSV file begin, and what is said of a file without a header."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from recon.errors import InputError
from recon.records.reader import RecordsRead
from recon.records.reader_factory import open_reader
from recon.records.source import Source

NAMES: Final = ("id", "message_id", "phone_number", "sent_at", "status")
ROWS: Final = [
    ("1", "700101", "+353861111111", "2026-04-23T12:00:00Z", "sent"),
    ("2", "700102", "+353862222222", "2026-04-23T12:01:00Z", "read"),
]


def text(delimiter: str = ",", end: str = "\n") -> str:
    return "".join(delimiter.join(row) + end for row in (NAMES, *ROWS))


def read(path: Path, content: str, **options: Any) -> RecordsRead:  # noqa: ANN401
    path.write_bytes(content.encode())
    return open_reader(Source(file=path, **options)).read(None, None)


def refused(path: Path, content: str) -> str:
    with pytest.raises(InputError) as raised:
        read(path, content)
    return str(raised.value)


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [("sep=;", ";"), ("SEP=,", ","), ('"sep=;"', ";"), ("sep=\t", "\t"), (r"sep=\t", "\t"),
     ("sep=^", "^"), ("sep=;;;;", ";"), ("sep=|", ","), ("\ufeffsep=;", ";")],
)  # fmt: skip
def test_excels_line_about_the_delimiter_is_no_header(
    tmp_path: Path, line: str, delimiter: str
) -> None:
    found = read(tmp_path / "a.csv", f"{line}\r\n{text(delimiter)}")
    assert found.frame["local_id"].tolist() == [1, 2]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "above",
    ["Sends of April\n", "Report;from,to\n2026-04-01;2026-04-30\n\n",
     '"Sends, by ""Shop"""\r\n\r\n', "id\n", "status: all\nphone_number: all\n", "-----\n"],
)  # fmt: skip
def test_lines_above_the_header_are_passed_over(tmp_path: Path, above: str, delimiter: str) -> None:
    found = read(tmp_path / "a.csv", f"{above}{text(delimiter)}1,2\n")
    assert found.frame["local_id"].tolist() == [1, 2]
    assert len(found.rejects) == 1


@pytest.mark.parametrize("name", ["a.tsv", "a.txt", "a.TSV", "a.csv"])
def test_tabs_are_read_under_every_name_of_a_text(tmp_path: Path, name: str) -> None:
    assert len(read(tmp_path / name, text("\t")).frame) == 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_end_of_a_line_is_known(tmp_path: Path, end: str) -> None:
    assert len(read(tmp_path / "a.csv", text(end=end)).frame) == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_of_blank_cells_are_no_records(tmp_path: Path, delimiter: str) -> None:
    blank = [
        delimiter * 4,
        delimiter.join([" "] * 5),
        delimiter.join(['""'] * 5),
        "   ",
        delimiter * 9,
    ]
    found = read(tmp_path / "a.csv", text(delimiter) + "\n".join(blank) + "\n")
    assert (len(found.frame), len(found.rejects)) == (2, 0)


def test_a_row_with_something_in_any_of_its_cells_is_a_record(tmp_path: Path) -> None:
    lines = ["note," + line for line in text().splitlines()]
    found = read(tmp_path / "a.csv", "\n".join([*lines, "hello,,,,,", ",,,,,", ",9,,,,"]) + "\n")
    assert (len(found.frame), len(found.rejects)) == (2, 2)


def test_a_first_row_that_is_data_is_called_so_and_not_shown(tmp_path: Path) -> None:
    said = refused(tmp_path / "a.csv", text().split("\n", 1)[1])
    assert "has no header: the first row looks like data" in said
    assert "353" not in said
    assert "700101" not in said
    assert "did you mean" not in said


def test_a_first_row_of_words_that_holds_a_status_is_data_too(tmp_path: Path) -> None:
    said = refused(tmp_path / "a.csv", "alice,sent,hello\nbob,read,hi\n")
    assert "has no header" in said
    assert "alice" not in said


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ('[{"id": 1, "phone_number": "+353861111111"}]', "holds JSON"),
        ('{"id": 1, "phone_number": "+353861111111"}\n', "holds JSON"),
        ("uuid;b;c\n", "no column 'id'"),
        ("\n\n", "is empty: it has no header"),
    ],
)
def test_a_file_that_cannot_be_read_is_called_by_its_cause(
    tmp_path: Path, content: str, cause: str
) -> None:
    said = refused(tmp_path / "a.csv", content)
    assert cause in said
    assert "353" not in said


def test_backslashes_escape_where_rows_fit_no_other_way(tmp_path: Path) -> None:
    lines = [",".join([*NAMES, "body"])]
    bodies = [r"say \"hi, there\" now", r"a\\", r"one\, two", "two \\\nlines", r"tab\t, and, more"]
    for n, body in enumerate(bodies):
        cells = [str(n), str(700100 + n), "+353861111111", "2026-04-23T12:00:00Z", "sent", body]
        lines.append(",".join(f'"{cell}"' for cell in cells))
    lines.append(r"9,\N,+353861111111,2026-04-23 12:00:00,sent,not \, quoted")
    found = read(tmp_path / "a.csv", "\n".join(lines) + "\n")
    assert found.frame["local_id"].tolist() == [0, 1, 2, 3, 4, 9]
    assert found.frame["message_id"].isna().tolist() == [False] * 5 + [True]
    assert len(found.rejects) == 0


def test_a_backslash_before_a_closing_quote_is_a_plain_one_where_rows_fit(tmp_path: Path) -> None:
    content = ",".join([*NAMES, "path"]) + "\n"
    content += "".join(",".join([*row, '"C:\\dir\\"']) + "\n" for row in ROWS)
    assert len(read(tmp_path / "a.csv", content).frame) == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("blank", ["", " ", '""'])
def test_rows_may_end_with_blank_fields_that_the_header_lacks(
    tmp_path: Path, delimiter: str, blank: str
) -> None:
    rows = [delimiter.join((*row, blank, blank)) for row in ROWS]
    found = read(tmp_path / "a.csv", "\n".join([delimiter.join(NAMES), *rows]))
    assert found.frame["local_id"].tolist() == [1, 2]
    assert found.rejects.empty


def test_more_fields_than_the_header_has_are_broken_rows_where_one_holds_a_value(
    tmp_path: Path,
) -> None:
    content = text().replace("sent\n", "sent,\n").replace("read\n", "read,x\n")
    assert len(read(tmp_path / "a.csv", content).rejects) == len(ROWS)


@pytest.mark.parametrize(
    "line",
    [
        "Dear Alice,thanks for your order,see you",
        "Alice Murphy,abc,hello there,x",
        "1¦700101¦+353861111111¦2026-04-23¦Dear Alice",
        "7¦Alice",
    ],
)
def test_a_first_row_without_one_usual_name_is_not_shown(tmp_path: Path, line: str) -> None:
    said = refused(tmp_path / "a.csv", f"{line}\n{line}\n")
    assert "Is the header missing?" in said
    assert not any(word in said for word in ("Alice", "hello", "3861111111"))


@pytest.mark.parametrize("names", ["Nr,Recipient,Zeit", "uuid,wann,wer", "id=message_id=sent_at"])
def test_a_first_row_with_a_usual_name_is_shown(tmp_path: Path, names: str) -> None:
    assert f"It has: {', '.join(sorted(names.split(',')))}" in refused(tmp_path / "a.csv", names)


@pytest.mark.parametrize("names", ["id=message_id=sent_at", "id   message_id   sent_at"])
def test_a_whole_line_is_not_suggested_for_a_name(tmp_path: Path, names: str) -> None:
    assert "did you mean" not in refused(tmp_path / "a.csv", f"{names}\n")


@pytest.mark.parametrize("delimiter", ["\x01", "^", "~"])
def test_rare_delimiters_are_found_by_the_names_that_they_separate(
    tmp_path: Path, delimiter: str
) -> None:
    assert len(read(tmp_path / "a.csv", text(delimiter)).frame) == len(ROWS)


@pytest.mark.parametrize("delimiter", [",", "|", "\t"])
@pytest.mark.parametrize("rule", ["-", "---", "=====", "----------"])
def test_a_line_of_dashes_below_the_names_is_no_row(
    tmp_path: Path, rule: str, delimiter: str
) -> None:
    names, *rows = text(delimiter).splitlines()
    content = "\n".join([names, delimiter.join([rule] * len(NAMES)), *rows])
    found = read(tmp_path / "a.csv", content)
    assert (len(found.frame), len(found.rejects)) == (len(ROWS), 0)


@pytest.mark.parametrize("end", ["\x1a", "\0" * 9, "\x1a\n", " \0\n"])
def test_what_fills_up_the_end_of_a_file_is_no_row(tmp_path: Path, end: str) -> None:
    found = read(tmp_path / "a.csv", text() + end)
    assert (len(found.frame), len(found.rejects)) == (len(ROWS), 0)
