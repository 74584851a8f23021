"""Expected findings are shown and counted apart, on the terminal and on the page."""

from __future__ import annotations

from recon.model import Kind, LocalBalance, Run
from recon.report import finding_states, html_report, labels, terminal_summary
from tests.factories import finding, run

REASON = "<test> phone\x1b"


def made() -> Run:
    rows = [
        finding("missing_locally", "a", detail="first detail"),
        finding("missing_locally", "b", detail="second detail"),
        finding("missing_locally", "c", detail="third detail"),
        finding("stuck", "d", detail="fourth detail"),
    ]
    lifecycle = {"a": "expected", "b": "open", "c": "acknowledged", "d": "expected"}
    return run(
        rows, local=LocalBalance(matched=1), lifecycle=lifecycle, expected={"a": REASON, "d": "old"}
    )


def test_expected_findings_are_counted_apart() -> None:
    counts = finding_states.counts(made())
    assert (counts[Kind.MISSING_LOCALLY], counts[Kind.STUCK]) == (2, 0)
    assert labels.finding_counts(made()) == (2, 0, 1)
    assert [
        (one.kind, one.reason, one.count) for one in finding_states.expected_counts(made())
    ] == [
        (Kind.MISSING_LOCALLY, REASON, 1),
        (Kind.STUCK, "old", 1),
    ]
    assert finding_states.expected_counts(run([finding("stuck")])) == []


def test_the_terminal_shows_them_apart_with_their_reason() -> None:
    text = terminal_summary.text(made(), colour=False, width=100)
    assert "error    2  missing locally" in text
    assert "  expected  1 missing locally: <test> phone?" in text
    assert "  expected  1 stuck: old" in text
    assert "2 findings are expected." in text
    assert "first detail" not in text
    assert "second detail" in text


def test_the_page_shows_them_apart_with_their_reason() -> None:
    page = html_report.content(made(), mask=True).decode()
    assert '<h2 id="expected">Expected</h2>' in page
    assert "&lt;test&gt; phone" in page
    assert "first detail" not in page
    assert "second detail" in page
    assert 'id="expected"' not in html_report.content(run([finding("stuck")]), mask=True).decode()


def test_a_clean_day_with_expected_findings_is_not_said_to_miss_nothing() -> None:
    rows = [finding("missing_locally", "a")]
    clean = run(rows, kind="clean", lifecycle={"a": "expected"}, expected={"a": REASON})
    said = labels.verdict_explanation(clean)
    assert "Nothing is missing" not in said
    assert "matched among" in said
    assert "1 finding is expected." in said
