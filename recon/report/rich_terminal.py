"""Tables and pages formatted with `rich`, for a terminal or a file.

`rich` is imported only when used. No text is interpreted as markup, and control characters are
removed from foreign text.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from recon.report.terminal_text import plain

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

#: The width without a terminal: no line is wrapped.
UNLIMITED: Final = 10_000
#: Below this many columns lines run over rather than being broken into single words.
_LEAST_WIDTH: Final = 40


def rendered(parts: Iterable[RenderableType], *, width: int, colour: bool) -> str:
    """Return parts as text, one below another; lines fit `width` and have no blanks at the end.

    Args:
        parts: objects that `rich` can format.
        width: columns of the terminal; `UNLIMITED` without one.
        colour: whether to use ANSI codes.
    """
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=max(width, _LEAST_WIDTH),
        color_system="standard" if colour else None,
        force_terminal=colour,
        no_color=not colour,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def text(word: str, style: str = "") -> Text:
    """Return foreign text that is safe to show; it is wrapped if necessary, and never cut."""
    from rich.text import Text

    return Text(plain(word), style=style, overflow="fold")


def grid(rows: Iterable[tuple[str, str | Text]]) -> Table:
    """Return rows of a label and a text, which is wrapped beside its label."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, said in rows:
        table.add_row(text(f"  {label}", "dim"), text(said) if isinstance(said, str) else said)
    return table


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, whole: frozenset[str]) -> Table:
    """Return rows in columns under a header.

    Args:
        header: the names of the columns.
        rows: their cells.
        whole: columns that are never wrapped.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in header:
        made.add_column(name, no_wrap=name in whole, overflow="fold")
    for row in rows:
        made.add_row(*map(text, row))
    return made
