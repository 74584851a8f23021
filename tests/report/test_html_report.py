"""The HTML page: self-contained, escaped, masked, and clear about the verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise

import pytest

from recon.core.calendar import unbounded, window
from recon.model import (
    Changes,
    Incident,
    Kind,
    LocalBalance,
    ProviderBalance,
    Run,
    RunFigures,
    Span,
    VerdictKind,
)
from recon.report import html_report
from tests.factories import DUBLIN, finding, run, utc
from tests.report.html_reader import Reader


def read(made: Run, *, mask: bool = True, history: Sequence[RunFigures] = ()) -> Reader:
    reader = Reader()
    reader.feed(html_report.content(made, mask=mask, history=history).decode())
    reader.close()
    return reader


def everything_found() -> list[dict[str, object]]:
    return [
        finding(
            kind.value,
            f"{n:016x}",
            message_id=f"38518{n:02}",
            phone_number=f"+3538712345{n:02}",
            local_phone_number=f"087 12345{n:02}",
            detail=f"recorded for 087 12345{n:02}, sent to +3538712345{n:02}",
            failure_reason=f"no user: 3538712345{n:02}",
            provider_sent_at=utc("10:00:00"),
        )
        for n, kind in enumerate(Kind)
    ]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("clean", "Everything agrees."),
        (
            "discrepancies",
            (
                "1 message went to another number than recorded, "
                "1 customer did not get their message and "
                "1 customer may have got a message twice; 9 other findings."
            ),
        ),
        ("incomplete", "Nothing wrong was found, but not everything could be checked."),
        ("nothing_to_compare", "There was nothing to compare: no record and no message."),
        ("suspect", "The input looks wrong: nothing was judged."),
    ],
)
def test_the_verdict_comes_first_as_a_word_and_a_sentence(word: str, sentence: str) -> None:
    made = run(everything_found() if word == "discrepancies" else [], kind=word)
    text = read(made).text
    title = word.replace("_", " ").capitalize()
    before = f"{title}: main, 2026-04-23 {title} main, Thursday 23 April 2026"
    assert text.startswith(f"{before} {sentence}")
    assert "Thursday 23 April 2026" in text
    assert "Europe/Dublin" in text


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    made = run(everything_found(), gaps=[Span(utc("01:00:00"), utc("02:00:00"))])
    tags = read(made).tags
    assert not {"script", "link", "img", "iframe", "form", "object"} & {tag for tag, _ in tags}
    for _, attributes in tags:
        assert not {"src", "srcset", "action", "data", "onclick", "onload"} & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(rb"url\(|@import|https?:", html_report.content(made, mask=True))


def test_both_rows_of_the_balance_show_their_sum() -> None:
    made = run(
        local=LocalBalance(matched=1190, not_sent=10, missing_at_provider=4),
        provider=ProviderBalance(matched=1190, duplicate_send=1),
    )
    text = read(made).text
    assert "1,204 records = 1,190 matched + 10 not sent + 4 missing at provider" in text
    assert "1,191 messages = 1,190 matched + 1 duplicate send" in text


def test_every_kind_found_says_what_it_means_and_what_to_do() -> None:
    text = read(run(everything_found())).text
    assert text.count("What to do:") == len(Kind)
    assert "Octopods has the message; the records do not." in text


def numbers_in(text: str) -> Iterator[str]:
    return (run for run in re.findall(r"[\d\s]+", text) if "871234" in re.sub(r"\s", "", run))


def test_no_phone_number_is_readable_on_a_masked_page() -> None:
    content = html_report.content(run(everything_found()), mask=True).decode()
    assert not list(numbers_in(content))
    assert "+353••••••" in content


def test_a_page_that_is_not_masked_shows_the_numbers() -> None:
    text = read(run(everything_found()), mask=False).text
    assert "+353871234500" in text
    assert "masked" not in text


def test_what_the_data_say_is_never_markup() -> None:
    evil = "<script>alert('x')</script>\"&amp;"
    names = ["message_id", "local_id", "phone_number", "local_phone_number"]
    names += ["local_status", "provider_status", "failure_reason", "detail"]
    made = run(
        [finding("status_mismatch", **dict.fromkeys(names, evil))],
        account=evil,
        statuses={evil: 3},
        kind="suspect",
        suspicions=[evil, f"`{evil}`"],
    )
    for mask in (True, False):
        content = html_report.content(made, mask=mask).decode()
        assert "<script" not in content
        assert "&amp;amp;" in content
        assert read(made, mask=mask).text.count("alert") >= 5


def test_at_most_fifty_findings_of_a_kind_are_shown() -> None:
    rows = [finding("duplicate_local", f"{n:016x}") for n in range(700)]
    rows += [finding("stuck", f"{n:016x}") for n in range(700, 710)]
    made = read(run(rows))
    assert sum(attributes.get("data-label") == "Detail" for _, attributes in made.tags) == 60
    assert (
        "This page shows 60 of 710, some of each kind; all 710 are in 2026-04-23.csv" in made.text
    )
    assert "error, 50 of 700 shown" in made.text
    assert "warning, 10 " in made.text


def test_incidents_and_what_to_do_first_come_before_the_balance() -> None:
    incident = Incident("i", {"stuck": 9}, utc("10:00:00"), utc("10:20:00"), "outage", "It was.")
    text = read(run(everything_found(), incidents=[incident])).text
    order = ["It was. 9 findings", "Do first", "1 recipient mismatch", "The balance"]
    assert [text.index(words) for words in order] == sorted(text.index(words) for words in order)
    assert text.index("1 duplicate send : ") < text.index("The balance")
    assert text.count("status mismatch : ") == 0


def test_what_is_acknowledged_is_nothing_to_do_first() -> None:
    rows = [finding("stuck", "a"), finding("recipient_mismatch", "b")]
    text = read(run(rows, lifecycle={"a": "open", "b": "acknowledged"})).text
    assert "1 stuck : " in text
    assert "1 recipient mismatch : " not in text


def test_the_timeline_has_its_findings_gaps_and_incidents_as_a_table_too() -> None:
    incident = Incident("i", {"stuck": 9}, utc("10:00:00"), utc("10:20:00"), "outage", "It was.")
    gaps = [Span(utc("01:10:00"), utc("03:30:00"))]
    rows = [finding("stuck", provider_sent_at=utc("10:10:00"))]
    made = read(run(rows, incidents=[incident], gaps=gaps))
    assert "outage 11:00:00 11:20:00" in made.text
    assert "not covered 02:10:00 04:30:00" in made.text
    assert "findings 11:00:00 11:30:00 1" in made.text
    drawn = [attributes for tag, attributes in made.tags if tag == "rect"]
    assert {one["class"] for one in drawn} == {"track", "found", "gap", "incident"}
    [gap] = [one for one in drawn if one["class"] == "gap"]
    assert float(gap["x"] or 0) == pytest.approx(1000 * (2 + 10 / 60) / 24, abs=0.1)
    assert float(gap["width"] or 0) == pytest.approx(1000 * (2 + 20 / 60) / 24, abs=0.1)


def figures(day: str, messages: int = 100, failed: int = 0, findings: int = 0) -> RunFigures:
    counts = {"records": messages, "messages": messages, "failed": failed, "findings": findings}
    return RunFigures(date.fromisoformat(day), VerdictKind.CLEAN, gaps=0, **counts)


def test_trends_compare_the_day_with_those_before_it() -> None:
    history = [
        figures("2026-04-23", 80, 8, 3),
        figures("2026-04-22"),
        figures("2026-04-21", 120, 6),
    ]
    made = read(run(), history=history)
    text = made.text
    assert "Messages 80 usually 120" in text
    assert "Failed 10.0% usually 5.0%" in text
    assert "Findings 3 usually 0" in text
    assert "2026-04-21 120 6 0" in text
    paths = {one["class"]: one["d"] for tag, one in reversed(made.tags) if tag == "path"}
    # 30 days are 300 wide and the most is 40 high; the last day is at the right.
    assert paths["before"] == "M270 0h8v40H270zM280 6.7h8v33.3H280z"
    assert paths["today"] == "M290 13.3h8v26.7H290z"
    assert "The last 30 days" not in read(run(), history=history[1:]).text


def test_failure_reasons_are_ranked() -> None:
    text = read(run(failures={"Rate limit hit": 1204, "": 3})).text
    assert "Why messages failed" in text
    assert "Rate limit hit Too many requests in a short time (may be sent again)." in text
    assert "no reason given No reason given (to be reviewed)." in text
    assert "Why messages failed" not in read(run()).text


def test_every_drawing_has_a_role_and_a_title() -> None:
    tags = read(run(), history=[figures("2026-04-23"), figures("2026-04-22")]).tags
    drawings = [attributes for tag, attributes in tags if tag == "svg"]
    shown = [one for one in drawings if one.get("aria-hidden") != "true"]
    titles = {attributes.get("id") for tag, attributes in tags if tag == "title"}
    assert len(shown) == 4
    assert all(one["role"] == "img" and one["aria-labelledby"] in titles for one in shown)


def test_the_files_are_linked_only_where_they_lie_beside_the_page() -> None:
    def links(*, has_files: bool) -> set[str]:
        page = html_report.content(run(), mask=True, has_files=has_files).decode()
        return {link for link in re.findall(r'href="([^"]*)"', page) if not link.startswith("#")}

    assert links(has_files=False) == set()
    assert links(has_files=True) == {"2026-04-23.csv", "2026-04-23.json"}


def test_what_changed_since_the_last_run_is_counted() -> None:
    rows = [finding("stuck", "a"), finding("stuck", "b")]
    seen = {"a": date(2026, 4, 20), "b": date(2026, 4, 24)}
    changes = Changes(new=1, persisting=1, resolved=4)
    text = read(run(rows, first_seen_on=seen, changes=changes)).text
    assert "New findings 1 Still open 1 Resolved 4" in text
    assert "2026-04-20 4 days old" in text
    assert "2026-04-24 new" in text


def test_a_report_of_many_findings_stays_small() -> None:
    rows = [
        finding(kind.value, f"{n:016x}", detail="x" * 80) for n, kind in enumerate([*Kind] * 90)
    ]
    assert len(html_report.content(run(rows), mask=True)) < 700_000


def test_gaps_are_reported_in_the_zone_and_in_utc() -> None:
    gaps = [Span(utc("01:10:00"), utc("03:30:00")), Span(utc("22:00:00"), DUBLIN.end)]
    text = read(run(kind="incomplete", gaps=gaps)).text
    assert "02:10:00 04:30:00 2 h 20 min 2026-04-23T01:10:00Z to 2026-04-23T03:30:00Z" in text
    assert "23:00:00 24:00:00 1 h 2026-04-23T22:00:00Z to 2026-04-23T23:00:00Z" in text
    assert "Coverage has 2 gaps, 3 h 20 min together." in text


def test_a_day_on_which_the_clocks_change_says_so_and_names_each_hour() -> None:
    autumn = window(date(2026, 10, 25), "Europe/Dublin")
    hour = Span(
        utc("00:30:00").replace(month=10, day=25), utc("01:30:00").replace(month=10, day=25)
    )
    text = read(run(day=autumn, kind="incomplete", gaps=[hour])).text
    assert "25 h long: the clocks change" in text
    assert "01:30:00 IST 01:30:00 GMT 1 h" in text


def test_two_files_taken_whole_have_dates_with_their_times() -> None:
    text = read(
        run(
            [finding("stuck", provider_sent_at=utc("10:00:00"))],
            day=unbounded("Europe/Dublin"),
            gaps=[Span(None, utc("09:00:00"))],
        )
    ).text
    assert "both files as a whole" in text
    assert "2026-04-23 11:00:00" in text
    assert "the beginning 2026-04-23 10:00:00 without end" in text


def test_a_suspect_run_gives_the_sight_and_the_likely_causes_before_the_balance() -> None:
    made = run(
        kind="suspect",
        local=LocalBalance(missing_at_provider=12),
        suspicions=["The records hold 12 records.", "A wrong key.", "The `where` is wrong."],
    )
    reader = read(made)
    order = ["the records hold 12 records.", "A wrong key.", "where", "The balance", "12 records ="]
    places = [reader.text.index(words) for words in order]
    assert places == sorted(places)
    assert "error" not in {attributes.get("class") for _, attributes in reader.tags}


def test_acknowledged_findings_are_marked_and_counted() -> None:
    rows = [finding("stuck", "a"), finding("stuck", "b")]
    states = {"a": "acknowledged", "b": "open", "of another day": "acknowledged"}
    text = read(run(rows, lifecycle=states, first_seen_on={"a": date(2026, 4, 20)})).text
    assert "1 of the findings is already acknowledged." in text
    assert text.count("2026-04-20 4 days old acknowledged") == 1


def test_tables_and_headings_can_be_heard() -> None:
    tags = read(run(everything_found())).tags
    assert all("scope" in attributes for tag, attributes in tags if tag == "th")
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    identities = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(identities) == len(set(identities))


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_the_contrast_that_wcag_asks_for(scheme: int) -> None:
    style = html_report.content(run(), mask=True).decode()
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", style.split(":root {")[scheme + 1]))
    tones = ("good", "error", "warning", "plain", "suspect")
    pairs = [(tone, f"{tone}-back") for tone in tones]
    pairs += [(tone, "card") for tone in tones]
    pairs += [("ink", back) for _, back in pairs] + [("soft", "paper"), ("soft", "card")]
    for front, back in pairs:
        light, dark = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, back)
