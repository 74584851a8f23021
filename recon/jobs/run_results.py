"""What a run returns: each day that was judged, and the exit code of each account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recon.core import calendar
from recon.errors import InputError, ReconError, worst
from recon.model import Run, State, VerdictKind
from recon.report import report_files


@dataclass(frozen=True, slots=True, eq=False)
class ReportedRun:
    """A saved run and its report files."""

    run: Run
    written: report_files.WrittenFiles
    unchanged: bool = False
    """Whether it was not judged again, because nothing has changed."""

    @property
    def new_findings(self) -> int:
        """How many open findings were not found by a run of an earlier date."""
        today = calendar.day_at(self.run.finished_at, self.run.verdict.window.zone)
        open_ = {one for one, state in self.run.lifecycle.items() if state == State.OPEN}
        return sum(seen == today and one in open_ for one, seen in self.run.first_seen_on.items())


@dataclass(frozen=True, slots=True, eq=False)
class AccountRun:
    """The result for one account."""

    account: str
    days: Sequence[ReportedRun] = ()
    judged_again: Sequence[ReportedRun] = ()
    """Earlier days that were judged again."""
    error: Exception | None = None
    """The error that ended the account's run early; a `ReconError`, or an internal error."""

    @property
    def exit_code(self) -> int:
        """0; 65 if a day is suspect; or the error's code (70 for an internal error)."""
        if self.error is not None:
            return getattr(self.error, "exit_code", ReconError.exit_code)
        words = [day.run.verdict.kind for day in self.days]
        return InputError.exit_code if VerdictKind.SUSPECT in words else 0

    @property
    def exit_code_if_asked(self) -> int:
        """The exit code with `--exit-code`, for which findings and gaps count too.

        For an earlier day, only findings that are new in this run count.
        """
        days = [*self.days, *(day for day in self.judged_again if day.new_findings)]
        asked = [day.run.exit_code_if_asked for day in days]
        return worst([self.exit_code, *asked])
