"""The summary of a run on the terminal: verdict, balance, findings by kind, and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from recon.model import Kind, LocalBalance, ProviderBalance, Run, Severity, State, VerdictKind
from recon.report import failure_meanings, finding_states, incident_states, labels
from recon.report.finding_samples import SampleRow, sample
from recon.report.headline import headline, overall
from recon.report.terminal_text import columns, flow, paint, plain, wrapped

if TYPE_CHECKING:
    from recon.report.report_files import WrittenFiles

_COLOURS: Final = {
    VerdictKind.CLEAN: "green",
    VerdictKind.DISCREPANCIES: "red",
    VerdictKind.INCOMPLETE: "yellow",
    VerdictKind.NOTHING_TO_COMPARE: "yellow",
    VerdictKind.SUSPECT: "magenta",
}
_SEVERITY_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow"}

#: Findings shown as examples: of one kind, and together.
_EXAMPLES_OF_A_KIND: Final = 3
_EXAMPLES: Final = 12
_GAPS: Final = 5
_INCIDENTS: Final = 5
_REASONS: Final = 5

_SIDE: Final = "  {:<10}"
_INDENT: Final = " " * 12


def text(run: Run, written: WrittenFiles | None = None, *, colour: bool, width: int) -> str:
    """Return the summary of a run for a person, numbers masked, in lines of up to `width`.

    Args:
        run: the run.
        written: the files of its reports, if there are any.
        colour: whether the terminal shows ANSI colours; the text has the same meaning without them.
        width: columns of the terminal. Paths and ids are not wrapped.
    """
    lines = [
        *_verdict(run, colour=colour, width=width),
        "",
        *_sum("records", run.verdict.local, width),
        *_sum("messages", run.verdict.provider, width),
    ]
    findings = _findings(run, colour=colour, width=width)
    if findings:
        lines += ["", *findings]
    lines += ["", *_failures(run, width), *_coverage(run, width)]
    if written is not None:
        files = [str(path) for path in (written.html, written.csv, written.json)]
        lines += [_SIDE.format("files" if at == 0 else "") + path for at, path in enumerate(files)]
    return "\n".join(lines) + "\n"


def many(
    runs: Sequence[Run], written: Sequence[WrittenFiles] = (), *, colour: bool, width: int
) -> str:
    """Return the outcome of several days or accounts: a sentence, a line per run, and the files.

    Args:
        runs: the runs.
        written: the files of their reports, if there are any.
        colour: whether the terminal shows ANSI colours.
        width: columns of the terminal; the table is not wrapped.
    """
    header = ("date", "account", "verdict", "records", "messages", "matched", "errors", "warnings")
    rows = []
    sums = [0] * 5
    for run in runs:
        verdict = run.verdict
        errors, warnings, _ = labels.finding_counts(run)
        totals = (verdict.local.total, verdict.provider.total, verdict.local.matched)
        figures = (*totals, errors, warnings)
        sums = [a + b for a, b in zip(sums, figures, strict=True)]
        word = paint(labels.title(verdict.kind.value), _COLOURS[verdict.kind], on=colour)
        place = (verdict.window.label, plain(verdict.account), word)
        gaps = f"{len(verdict.gaps):,}" if verdict.gaps else "-"
        rows.append((*place, *(f"{figure:,}" for figure in figures), gaps))
    if len(rows) > 1:
        rows.append(("total", "", "", *(f"{figure:,}" for figure in sums), ""))
    right = frozenset({*header[3:], "gaps"})
    lines = wrapped(plain(overall(runs)), width)
    lines += ["", *columns((*header, "gaps"), rows, figures=right)]
    folders = sorted({str(files.html.parent) for files in written})
    if folders:
        lines.append("")
    for at, folder in enumerate(folders):
        lines.append(f"{'files' if at == 0 else '':<7}{folder}/<date>.html, .csv and .json")
    return "\n".join(lines) + "\n"


def _verdict(run: Run, *, colour: bool, width: int) -> list[str]:
    verdict = run.verdict
    word = paint(labels.title(verdict.kind.value).upper(), _COLOURS[verdict.kind], on=colour)
    when = f"{labels.weekday(verdict.window)} {verdict.window.label}".strip()
    pieces = [f"{word}  {plain(verdict.account)},", f"{when},", verdict.window.zone]
    lines = flow(pieces, width, indent="", hanging="  ")
    note = labels.length_note(verdict.window)
    lines += [f"The day is {note}."] if note else []
    lines += wrapped(plain(headline(run)), width)
    incidents = incident_states.to_act_on(run)
    for one in incidents[:_INCIDENTS]:
        said = f"{plain(one.incident.summary)} ({one.size})"
        lines += wrapped(said, width, indent="  * ", hanging="    ")
    if len(incidents) > _INCIDENTS:
        lines.append(f"  and {len(incidents) - _INCIDENTS:,} more incidents")
    for notice in run.statements:
        lines += wrapped(plain(notice), width)
    if verdict.kind is not VerdictKind.SUSPECT:
        return lines + wrapped(labels.verdict_explanation(run), width)
    lines += wrapped(labels.verdict_explanation(run), width)
    causes = [plain(said) for said in verdict.suspicions[1:]]
    if causes:
        lines += ["", "Likely causes:"]
    for at, cause in enumerate(causes, start=1):
        lines += wrapped(cause, width, indent=f"  {at}. ", hanging="     ")
    return lines


def _sum(noun: str, balance: LocalBalance | ProviderBalance, width: int) -> list[str]:
    """Return `records  1,204 = 1,190 matched + 14 not sent`, wrapped between its terms."""
    terms = [f"{count:,} {labels.title(name)}" for name, count in labels.filled_buckets(balance)]
    signs = ["=", *"+" * (len(terms) - 1)]
    pieces = [f"{sign} {term}" for sign, term in zip(signs, terms, strict=True)]
    pieces[0] = f"{balance.total:,} {pieces[0]}"
    return flow(pieces, width, indent=_SIDE.format(noun), hanging=_INDENT)


def _findings(run: Run, *, colour: bool, width: int) -> list[str]:
    """Return a line for each kind of finding, with a few examples below it."""
    counts = finding_states.counts(run)
    chosen = sample(run, _EXAMPLES, masked=True)
    digits = max((len(f"{counts[kind]:,}") for kind in chosen), default=0)
    confirmed = labels.confirmed_counts(finding_states.reported(run))
    lines = []
    for kind, rows in chosen.items():
        severity = f"{kind.severity.value:<7}"
        word = paint(severity, _SEVERITY_COLOURS[kind.severity], on=colour)
        title = f"{counts[kind]:>{digits},}  {labels.EXPLANATIONS[kind].title}"
        pieces = [f"{word}  {paint(title, 'bold', on=colour)}"]
        if kind is Kind.MISSING_AT_PROVIDER and confirmed:
            pieces.append(f"({confirmed})")
        lines += flow(pieces, width, indent="  ", hanging=_INDENT)
        lines += wrapped(labels.EXPLANATIONS[kind].meaning, width, indent=_INDENT)
        lines += wrapped(f"What to do: {labels.EXPLANATIONS[kind].advice}", width, indent=_INDENT)
        for row in rows[:_EXAMPLES_OF_A_KIND]:
            lines += _example(run, row, width)
        more = counts[kind] - min(len(rows), _EXAMPLES_OF_A_KIND)
        if more:
            lines.append(f"{_INDENT}  and {more:,} more")
    for one in finding_states.expected_counts(run):
        title = f"{one.count:,} {labels.EXPLANATIONS[one.kind].title}: {plain(one.reason)}"
        lines += wrapped(title, width, indent=_SIDE.format("expected"), hanging=_INDENT)
    for known in incident_states.known(run)[:_INCIDENTS]:
        said = f"{known.size}: {plain(known.incident.summary)}"
        lines += wrapped(said, width, indent=_SIDE.format("known"), hanging=_INDENT)
    return lines


def _example(run: Run, row: SampleRow, width: int) -> list[str]:
    parts = [
        labels.local_time(row.sent_at, run.verdict.window),
        row.phone_number or row.local_phone_number,
        f"message {row.message_id}" if row.message_id else "",
        f"record {row.local_id}" if row.local_id else "",
    ]
    said = "  ".join(plain(part) for part in parts if part)
    confirmed = labels.confirmed(row.confirmed)
    tags = [confirmed] if confirmed else []
    tags += [row.state] if row.state != State.OPEN else []
    sentence = ": ".join(part for part in (said, plain(row.detail)) if part)
    sentence += "".join(f" [{tag}]" for tag in tags)
    return wrapped(sentence, width, indent=f"{_INDENT}- ", hanging=f"{_INDENT}  ")


def _failures(run: Run, width: int) -> list[str]:
    """Return why messages failed, the commonest first."""
    indent = _SIDE.format("failed")
    lines: list[str] = []
    for said in failure_meanings.meanings(run, _REASONS):
        lines += wrapped(plain(said), width, indent=indent, hanging=_INDENT)
        indent = _INDENT
    return lines


def _coverage(run: Run, width: int) -> list[str]:
    verdict = run.verdict
    indent = _SIDE.format("coverage")
    lines = wrapped(labels.coverage_of(verdict), width, indent=indent, hanging=_INDENT)
    for at, gap in enumerate(verdict.gaps[:_GAPS]):
        start, end = labels.gap_bounds(gap, verdict.window)
        more = (labels.duration(gap), labels.recorded_in_gap(verdict, at))
        said = ", ".join([f"{start} to {end}", *filter(None, more)])
        lines += wrapped(said, width, indent=f"{_INDENT}- ", hanging=f"{_INDENT}  ")
    if len(verdict.gaps) > _GAPS:
        lines.append(f"{_INDENT}  and {len(verdict.gaps) - _GAPS:,} more")
    if verdict.gaps:
        lines += wrapped(labels.gap_advice(run), width, indent=_INDENT)
        if verdict.advice is not None:
            lines.append(f"{_INDENT}  {verdict.advice.crontab}")
    for sentence in labels.evidence(verdict):
        lines += wrapped(plain(sentence), width, indent=_INDENT)
    if asked := labels.confirmation(run):
        lines += wrapped(asked, width, indent=_SIDE.format("confirmed"), hanging=_INDENT)
    requests = run.requests
    made = f"{requests.list:,} list, {requests.status:,} status"
    made += f", {requests.rate_limited:,} rate-limited"
    return lines + wrapped(made, width, indent=_SIDE.format("requests"), hanging=_INDENT)
