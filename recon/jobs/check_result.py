"""What one check of the doctor found, and how a check is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recon.errors import ReconError, expected


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found."""

    name: str
    message: str
    error: ReconError | None = None
    needs_attention: bool = False
    """Whether a person should read this, although a run can start."""

    @property
    def exit_code(self) -> int:
        """0, or the error's."""
        return 0 if self.error is None else self.error.exit_code


class Note(Exception):  # noqa: N818 - no error: a run goes on
    """The result of a check that needs attention, although a run can start."""


def run_check(name: str, run: Callable[[], str]) -> CheckResult:
    """Make one check; a `Note` or an expected error that it raises is its result."""
    try:
        return CheckResult(name, run())
    except Note as note:
        return CheckResult(name, str(note), needs_attention=True)
    except ReconError as error:
        reported = expected(error) or error
        return CheckResult(name, str(reported), reported)
