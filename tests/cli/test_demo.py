"""What `recon demo` does to the directory that it is given."""

from __future__ import annotations

from tests.cli.workshop import Workshop


def test_a_directory_with_files_of_somebody_else_is_left_as_it_is(workshop: Workshop) -> None:
    other = workshop.path / "mine" / "simulated" / "orders.csv"
    other.parent.mkdir(parents=True)
    other.write_text("1")
    how = workshop.recon("demo", "--output", "mine")
    assert how.code == 73
    assert "such as orders.csv" in how.err
    assert other.read_text() == "1"
