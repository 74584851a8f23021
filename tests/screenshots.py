"""The pictures in docs/: the demo's page, a dashboard, and the mails of five nights, in Chromium.

`python -m tests.screenshots` draws them anew, through the program itself: a simulated Octopods,
real runs, a real mail server. It needs Chromium.
"""

from __future__ import annotations

import base64
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, sync_playwright

from recon.cli import dashboard, demo
from recon.cli.common import Session
from recon.jobs.runtime import Runtime
from recon.simulator.simulated_message import (
    DELETED,
    DELIVERED,
    FAILED_AT_ONCE,
    READ,
    Reason,
)
from tests.cli.mailing import mailed_nights
from tests.cli.nights import Nights, nights
from tests.factories import NOON
from tests.smtp import Delivered

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"

#: The demo's morning: another one would give another day.
MORNING: Final = datetime(2026, 11, 28, 6, tzinfo=UTC)

#: Ordinary nights before the one that is shown, and how many messages each has.
NIGHTS_BEFORE: Final = 13
MESSAGES: Final = 60

#: Nights of the dashboard, what becomes of their messages, and why some fail.
DASHBOARD_NIGHTS: Final = 30
COURSES: Final = (READ, DELIVERED, READ, READ, DELIVERED, READ, DELIVERED, READ, DELETED)
REASONS: Final = (
    Reason("(#131026) Message undeliverable"),
    Reason("(#131049) This message was not delivered to maintain healthy ecosystem engagement"),
    Reason("Re-engagement window expired", 470),
)


@dataclass(frozen=True, slots=True)
class Shot:
    """How a page is shown."""

    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"


def ordinary(made: Nights, noon: datetime) -> None:
    """Send and record the messages of a day."""
    made.send(MESSAGES, start=noon - timedelta(hours=5), minutes=11)


def three_findings(made: Nights, noon: datetime) -> None:
    """Lose one message, send one that nobody records, and one to another number."""
    made.send(1, start=noon - timedelta(hours=6), recorded=False)
    ordinary(made, noon)
    made.workshop.add_records((9_001, 5, "+353871209001", noon, "sent"))
    newest = made.workshop.query("SELECT max(message_id) FROM messages")[0][0]
    made.set_record(newest + 9, phone_number="+353871209002")


def outage(made: Nights, noon: datetime) -> None:
    """Lose 300 messages in a quarter of an hour."""
    ordinary(made, noon)
    made.workshop.add_records(
        *(
            (9_000 + n, 9_000 + n, f"+3538715{n:05}", noon + timedelta(seconds=3 * n), "sent")
            for n in range(300)
        )
    )


def suspect(made: Nights, noon: datetime) -> None:
    """Record nothing at all."""
    made.send(MESSAGES, start=noon - timedelta(hours=5), minutes=11, recorded=False)


def key_refused(made: Nights, noon: datetime) -> None:
    """Use a key that Octopods does not know."""
    ordinary(made, noon)
    made.key = "revoked"


LAST_NIGHTS: Final[dict[str, Callable[[Nights, datetime], None]]] = {
    "clean": ordinary,
    "three": three_findings,
    "outage": outage,
    "suspect": suspect,
    "failed": key_refused,
}


def mail_of(last: Callable[[Nights, datetime], None]) -> Delivered:
    """Run the nights before and the last one; return its mail."""
    with tempfile.TemporaryDirectory() as room:
        path = Path(room)
        with mailed_nights(path, f"sqlite:///{path / 'recon.db'}") as (made, box):
            config = (path / "recon.toml").read_text()
            config = config.replace("guard_rows = 1000", "guard_rows = 10")
            (path / "recon.toml").write_text(config)
            for night in range(NIGHTS_BEFORE):
                ordinary(made, NOON + timedelta(days=night))
                made.run(day=None) if night == 0 else made.next_night()
            last(made, NOON + timedelta(days=NIGHTS_BEFORE))
            made.next_night()
        return box.mails[-1]


def page_of(mail: Delivered) -> str:
    """Return the page of a mail with its picture, which a browser has no other way to find."""
    pictures = [part for part in mail.mail.walk() if part.get_content_type() == "image/png"]
    page = mail.html()
    for one in pictures:
        source = base64.b64encode(one.get_content()).decode()
        page = re.sub(r'src="cid:[^"]*"', f'src="data:image/png;base64,{source}"', page)
    return page


def demo_page() -> str:
    """Run the demo; return its page."""
    with tempfile.TemporaryDirectory() as room, ExitStack() as at_exit:
        session = Session(Path("recon.toml"), Runtime(clock=lambda: MORNING, environ={}), at_exit)
        demo.command.main(["--output", room], obj=session, standalone_mode=False)
        [page] = Path(room).glob("demo/2*.html")
        return page.read_text()


def busy_day(made: Nights, noon: datetime, night: int) -> None:
    """Send and record a day of some hundred messages, some of which fail, fewer at weekends."""
    count = 40 if noon.weekday() > 4 else 80 + night % 7 * 3
    for n in range(count):
        at = noon + timedelta(minutes=7 * n - 280)
        reason = REASONS[n % len(REASONS)] if (n + night) % 17 == 0 else None
        course = FAILED_AT_ONCE if reason else COURSES[n % len(COURSES)]
        number = f"{('+35387', '+44770')[n % 2]}{night:03}{n:04}"
        sent = made.channel.send(number, at, course=course, reason=reason)
        if n != 3 or night % 9:
            status = "failed" if reason else "sent"
            made.workshop.add_records((sent.message_id, sent.message_id, number, at, status))


def dashboard_page() -> str:
    """Run a month of nights; return the dashboard of them."""
    with tempfile.TemporaryDirectory() as room:
        path = Path(room)
        with nights(path, f"sqlite:///{path / 'recon.db'}") as made:
            config = (path / "recon.toml").read_text()
            config += '\n[cost]\ncurrency = "EUR"\nrates = { "353" = 0.05, "44" = 0.04 }\n'
            (path / "recon.toml").write_text(config.replace("accounts.main", "accounts.shop"))
            for night in range(DASHBOARD_NIGHTS):
                busy_day(made, NOON + timedelta(days=night), night)
                if night % 10 == 4:
                    made.clock.advance(86_400)  # a night without a poll leaves a gap
                else:
                    made.run(day=None) if night == 0 else made.next_night()
            options = ("--days", str(DASHBOARD_NIGHTS + 1), "--output", str(path / "page.html"))
            assert made.invoke(dashboard.command, *options) == 0
        return (path / "page.html").read_text()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def shoot(browser: Browser, page: str, shot: Shot, target: Path, *, whole: bool = False) -> None:
    """Write what a page looks like."""
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height}, color_scheme=shot.scheme
    )
    shown = context.new_page()
    shown.set_content(page)
    shown.screenshot(path=target, full_page=whole)
    context.close()


def main() -> None:
    """Draw all pictures."""
    report = demo_page()
    month = dashboard_page()
    mails = {name: page_of(mail_of(last)) for name, last in LAST_NIGHTS.items()}
    with chromium() as browser:
        shoot(browser, report, Shot(390, 844), DOCS / "report-phone.png")
        shoot(browser, report, Shot(1280, 1000, "dark"), DOCS / "report-desk.png")
        shoot(browser, month, Shot(390, 844), DOCS / "images/dashboard-phone.png")
        shoot(browser, month, Shot(1280, 1000, "dark"), DOCS / "images/dashboard-desk.png")
        for name, page in mails.items():
            shoot(browser, page, Shot(616, 1000), DOCS / f"images/mail-{name}.png")


if __name__ == "__main__":
    main()
