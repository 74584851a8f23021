"""Templates that a process compiled are used by the next one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from jinja2 import Environment

from recon.report import html_templates
from recon.report.compiled_templates import CompiledTemplates


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of compiled files, which is empty."""
    directory = tmp_path / "kept"
    monkeypatch.setattr(sys, "pycache_prefix", str(directory))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return directory


def compiled(name: str = "index.html") -> int:
    """Load a template as a new process would, and return how many templates that compiled."""
    count = 0

    class Counting(Environment):
        def compile(self, *args: object, **options: object) -> object:  # type: ignore[override]
            nonlocal count
            count += 1
            return super().compile(*args, **options)  # type: ignore[call-overload]

    environment = html_templates.make_environment()
    environment.__class__ = Counting
    environment.get_template(name)
    return count


def files(kept: Path) -> list[Path]:
    """Return the files that were kept."""
    return [path for path in kept.rglob("*") if path.is_file()]


def test_a_template_is_compiled_once() -> None:
    assert compiled() == 1
    assert compiled() == 0


def test_templates_with_one_stem_have_a_file_each(kept: Path) -> None:
    assert [compiled(f"dashboard.{kind}") for kind in ("html", "css", "js")] == [1, 1, 1]
    assert len(files(kept)) == 3
    assert [compiled(f"dashboard.{kind}") for kind in ("html", "css", "js")] == [0, 0, 0]


def test_all_templates_can_be_compiled_ahead() -> None:
    html_templates.compile_all()
    folder = Path(html_templates.__file__).parent / "templates"
    for path in folder.glob("*.*"):
        assert compiled(path.name) == 0, path


@pytest.mark.parametrize("content", [b"", b"j2", b"\0" * 900])
def test_a_kept_file_that_is_damaged_is_replaced(kept: Path, content: bytes) -> None:
    compiled()
    (path,) = files(kept)
    path.write_bytes(content)
    assert compiled() == 1
    assert compiled() == 0


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_kept_file_that_is_cut_off_is_replaced(kept: Path, share: float) -> None:
    compiled()
    (path,) = files(kept)
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * share)])
    assert compiled() == 1
    assert compiled() == 0


def test_after_an_upgrade_templates_are_compiled_again(tmp_path: Path) -> None:
    options = tmp_path / "html_templates.py"
    shutil.copy(html_templates.__file__, options)
    kept = CompiledTemplates([str(options)])
    before = kept.get_source_checksum("<p>")
    assert kept.get_source_checksum("<p>") == before
    os.utime(options, (1, 1))
    assert kept.get_source_checksum("<p>") != before


def test_nothing_is_kept_where_python_keeps_no_modules(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert [compiled(), compiled()] == [1, 1]
    assert not kept.exists()


def test_a_directory_that_is_not_writable_is_no_error(kept: Path) -> None:
    kept.write_text("a file, where a directory is wanted")
    assert [compiled(), compiled()] == [1, 1]
