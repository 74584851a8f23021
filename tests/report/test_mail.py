"""The mail of a night, by the rules of the programs that show mail."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Final

import pytest

from recon.model import Failure, LocalBalance, ProviderBalance, Run, VerdictKind
from recon.report import attachments, csv_report, mail
from recon.report.mail import Envelope
from recon.report.mail_chart import MailChart
from tests.factories import DAY, FINISHED, NUMBER, finding, run, utc

ENVELOPE = Envelope(
    sender="recon@example.com",
    recipients=["ops@example.com"],
    message_id="<1@example.com>",
    date=FINISHED,
)

#: What Gmail and Outlook for Windows show, of the tags and properties that a table layout needs.
TAGS: Final = frozenset(
    {"html", "head", "meta", "title", "style", "body", "table", "tbody", "tr", "td", "b", "br"}
    | {"span", "div", "img"}
)
PROPERTIES: Final = frozenset(
    {"margin", "padding", "background-color", "color", "border", "border-top", "border-color"}
    | {"border-collapse", "border-spacing", "font-family", "font-size", "font-weight"}
    | {"line-height", "text-align", "vertical-align", "width", "height"}
)


def night(count: int, *, day: str = DAY, account: str = "main", detail: str = "no message") -> Run:
    """Return a run with so many missing records."""
    rows = [
        finding(
            "missing_at_provider",
            f"{n:016x}",
            local_id=str(n),
            phone_number=f"+3538712{n:05}",
            local_status="sent",
            local_sent_at=utc("10:00:00"),
            detail=detail,
        )
        for n in range(count)
    ]
    return run(
        rows,
        account=account,
        day=day,
        local=LocalBalance(matched=1000, missing_at_provider=count),
        provider=ProviderBalance(matched=1000),
    )


def failure(message: str = "the API key is refused") -> Failure:
    return Failure("main", date.fromisoformat(DAY), FINISHED, 77, message)


CHART: Final = MailChart(
    b"\x89PNG\r\n...", "The last 30 days of main. Messages: 1,204, usually 1,196."
)


def made(*told: Run | Failure, mask: bool = True, chart: MailChart | None = None) -> EmailMessage:
    return mail.of_night_as_mail(told, ENVELOPE, mask=mask, chart=chart)


def page(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def names(message: EmailMessage) -> list[str | None]:
    return [part.get_filename() for part in message.iter_attachments()]


class Elements(HTMLParser):
    """Notes the elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


NIGHTS = [
    pytest.param([night(0)], id="clean"),
    pytest.param([night(3)], id="three"),
    pytest.param([night(300)], id="outage"),
    pytest.param(
        [run(kind=VerdictKind.SUSPECT, suspicions=["Octopods lists 90 messages.", "A wrong key."])],
        id="suspect",
    ),
    pytest.param([failure()], id="failed"),
    pytest.param([night(3), failure(), night(1, account="shop")], id="several"),
]


@pytest.mark.parametrize("chart", [None, CHART], ids=["no chart", "chart"])
@pytest.mark.parametrize("told", NIGHTS)
def test_the_page_holds_only_what_mail_programs_show(
    told: list[Run | Failure], chart: MailChart | None
) -> None:
    text = page(made(*told, chart=chart))
    for tag, attributes in Elements(text).found:
        assert tag in TAGS
        style = attributes.get("style") or ""
        for rule in filter(None, map(str.strip, style.split(";"))):
            assert rule.partition(":")[0].strip() in PROPERTIES, rule
        assert not any(name.startswith("on") for name in attributes)
    for never in (
        "<svg",
        "<script",
        "data:",
        "flex",
        "grid",
        "position:",
        "url(",
        "http:",
        "@import",
    ):
        assert never not in text


@pytest.mark.parametrize("told", NIGHTS)
def test_the_page_needs_nothing_that_outlook_for_windows_ignores(
    told: list[Run | Failure],
) -> None:
    """Word lays it out: no padding but a cell's, and an image's size by its attributes only."""
    for tag, attributes in Elements(page(made(*told, chart=CHART))).found:
        rules: dict[str, str] = {}
        for rule in filter(str.strip, (attributes.get("style") or "").split(";")):
            name, _, value = rule.partition(":")
            rules[name.strip()] = value.strip()
        assert not {"padding", "width", "height"} & rules.keys() or tag in {"td", "body"}
        assert "margin" not in rules or (tag, rules["margin"]) == ("body", "0")
        for name in ("color", "background-color"):
            assert re.fullmatch(r"#[0-9a-f]{6}", rules.get(name, "#000000"))
        assert all(
            re.fullmatch(r"\d+px", rules.get(name, "1px")) for name in ("font-size", "width")
        )
        if tag == "img":
            assert attributes["alt"]
            assert int(attributes["width"] or 0) <= 552
            assert int(attributes["height"] or 0) > 0


@pytest.mark.parametrize("told", NIGHTS)
def test_what_is_not_inlined_is_for_narrow_and_dark_screens_only(
    told: list[Run | Failure],
) -> None:
    [style] = re.findall(r"<style>(.*?)</style>", page(made(*told)), re.DOTALL)
    assert len(style) < 8192  # Gmail drops a longer one
    assert re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", style).strip() == ""
    assert "prefers-color-scheme: dark" in style
    assert "max-width" in style


@pytest.mark.parametrize("told", NIGHTS)
def test_layout_is_by_tables_of_600_pixels_that_screen_readers_pass_over(
    told: list[Run | Failure],
) -> None:
    tables = [attributes for tag, attributes in Elements(page(made(*told))).found if tag == "table"]
    assert {table["role"] for table in tables} == {"presentation"}
    assert [table["width"] for table in tables if (table.get("width") or "").isdigit()] == ["600"]


@pytest.mark.parametrize("told", NIGHTS)
def test_a_page_says_without_pictures_and_colours_what_the_text_says(
    told: list[Run | Failure],
) -> None:
    message = made(*told)
    plain = message.get_body(("plain",))
    assert plain is not None
    said = " ".join(str(plain.get_content()).split())
    subject = str(message["Subject"]).partition(": ")[2]
    seen = " ".join(re.sub(r"<[^>]+>", " ", page(message)).split())
    assert subject in said
    assert subject.replace("'", "&#39;") in seen


def test_a_chart_lies_in_the_mail_beside_its_page_and_says_in_words_what_it_shows() -> None:
    message = made(night(3), chart=CHART)
    alternative, *files = message.iter_parts()
    assert message.get_content_type() == "multipart/mixed"
    assert [one.get_content_disposition() for one in files] == ["attachment", "attachment"]
    text, related = alternative.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert related.get_content_type() == "multipart/related"
    body, picture = related.iter_parts()
    assert body.get_content_type() == "text/html"
    assert (picture.get_content_type(), picture.get_content()) == ("image/png", CHART.png)
    assert picture["Content-ID"] == "<chart.1@example.com>"
    [shown] = [attributes for tag, attributes in Elements(page(message)).found if tag == "img"]
    assert (shown["src"], shown["alt"]) == ("cid:chart.1@example.com", CHART.text)
    assert names(message) == names(made(night(3)))


def test_charts_of_two_mails_have_two_ids() -> None:
    other = replace(ENVELOPE, message_id="<2@example.com>")
    message = mail.of_night_as_mail([night(3)], other, mask=True, chart=CHART)
    assert "cid:chart.2@example.com" in page(message)


def test_a_mail_without_a_chart_has_no_picture() -> None:
    message = made(night(3))
    assert "<img" not in page(message)
    assert not any(part.get_content_maintype() == "image" for part in message.walk())


def test_lines_are_no_longer_than_mail_allows() -> None:
    content = made(night(20, detail="x" * 5000)).as_bytes()
    assert max(map(len, content.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(lambda: [night(300, detail="ü€😀 " * 200)], id="long texts"),
        pytest.param(
            lambda: [
                night(5, day=(date(2026, 1, 1) + timedelta(n)).isoformat(), account=account)
                for n in range(40)
                for account in ("main", "shop")
            ],
            id="many days",
        ),
        pytest.param(lambda: [failure("x" * 100_000)], id="a long error"),
    ],
)
def test_a_page_is_at_most_80_kilobytes(told: Callable[[], list[Run | Failure]]) -> None:
    assert mail.encoded_size(made(*told())) <= mail.MOST_BYTES


def test_at_most_twenty_findings_are_shown_and_the_rest_is_counted() -> None:
    text = page(made(night(300)))
    assert text.count("+353") == 20
    assert "and 280 more" in text


def test_the_times_of_a_mail_have_their_zone() -> None:
    text = str(made(night(1)).get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert "missing at provider: 11:00:00" in text
    assert "Time zone: Europe/Dublin" in text


def test_the_worst_days_come_first() -> None:
    text = page(made(night(0, account="a"), night(2, account="b"), failure()))
    assert text.index("FAILED") < text.index("DISCREPANCIES") < text.index("CLEAN")


def test_a_hostile_text_stays_text() -> None:
    text = page(made(night(1, detail="<script>alert(1)</script> & \u202e")))
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_numbers_are_masked_in_the_body_and_by_choice_in_the_files() -> None:
    told = night(1, detail="recorded as +353 87 120 0000")
    for mask in (True, False):
        message = made(told, mask=mask)
        bodies = page(message) + str(message.get_body(("plain",)))
        assert "353871200000" not in bodies
        for part in message.iter_attachments():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            assert (b"353871200000" in content) is not mask


def test_a_national_number_that_a_detail_quotes_is_masked_in_the_body() -> None:
    body = page(made(night(1, detail="no such number: '087 120 0000' at 2026-04-23 10:00:00")))
    assert "087" not in body
    assert "2026-04-23 10:00:00" in body


@pytest.mark.parametrize("spelled", ["0871200000", "(087) 120-0000", "871200000", "353871200000"])
def test_a_number_that_a_detail_spells_otherwise_is_masked_in_the_files(spelled: str) -> None:
    told = night(1, detail=f"no such number: '{spelled}'")
    contents = [part.get_payload(decode=True) for part in made(told).iter_attachments()]
    assert len(contents) == 2
    for content in contents:
        assert isinstance(content, bytes)
        assert spelled.encode() not in content
        assert "no such number: '•" in html.unescape(content.decode())
    assert spelled.encode() in b"".join(map(bytes, csv_report.chunks(told)))


def test_the_csv_of_many_findings_is_left_out_and_that_is_said() -> None:
    few = attachments.of_runs([night(3)], mask=True, most_rows=3)
    many = attachments.of_runs([night(4)], mask=True, most_rows=3)
    assert [one.name for one in few[0]] == [f"main-{DAY}.html", f"main-{DAY}.csv"]
    assert [one.name for one in many[0]] == [f"main-{DAY}.html"]
    assert many[1] == [f"The 4 findings of main-{DAY} are too many to attach as CSV."]


def test_large_reports_are_zipped_and_too_large_ones_left_out() -> None:
    told = [night(200)]
    files, said = attachments.of_runs(told, mask=True, zipped_above=10_000)
    assert [one.name for one in files] == ["recon-reports.zip"]
    assert files == attachments.of_runs(told, mask=True, zipped_above=10_000)[0]
    assert said == ["The attached reports are zipped because of their size."]
    assert attachments.of_runs(told, mask=True, zipped_above=10, left_out_above=10) == (
        [],
        ["The reports are too large to attach."],
    )


def test_a_subject_is_one_line_whatever_the_account_and_error() -> None:
    subject = made(failure("a\r\nBcc: everybody@example.com"))["Subject"]
    assert subject == f"[recon] main {DAY}: The run failed: a."


def test_a_subject_holds_what_is_no_character_as_a_replacement() -> None:
    message = made(failure("a\ud800b\x1bc"))
    assert message["Subject"] == f"[recon] main {DAY}: The run failed: a\ufffdb\ufffdc."
    assert message.as_bytes()


def test_the_id_of_a_request_is_below_and_not_in_the_first_sentence() -> None:
    message = made(failure("the API key is refused (401) (request_id ae2d-5efc)"))
    assert (
        message["Subject"] == f"[recon] main {DAY}: The run failed: the API key is refused (401)."
    )
    assert "(request_id ae2d-5efc)" in page(message)


def test_no_number_path_or_secret_of_an_error_is_mailed() -> None:
    from recon.report.public_text import public_error

    said = public_error(
        f"/var/lib/recon/reports/main cannot be written for {NUMBER}, 0835554014; "
        "postgresql://recon:secret-word@db/recon, sqlite:////var/lib/recon/recon.db"
    )
    for never in ("/var", "lib", NUMBER, "0835554014", "secret-word"):
        assert never not in said
    assert "…/main cannot be written" in said
    assert public_error("on 2026-04-23T10:00:00Z and/or 3.5/4") == (
        "on 2026-04-23T10:00:00Z and/or 3.5/4"
    )
