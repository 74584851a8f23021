"""A message as a mail: text, HTML for mail programs, and the reports as attachments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime
from typing import Final

from recon.model import Failure, Run
from recon.report import attachments, message_text
from recon.report.attachments import Attachment
from recon.report.foreign_text import shown
from recon.report.mail_chart import MailChart
from recon.report.message import OutcomeMessage, by_urgency, of_night
from recon.report.reminders import StillOpen

#: The most bytes of the HTML when sent: Gmail cuts off a page of 102 kB.
MOST_BYTES: Final = 80_000

#: Findings and days that are shown, fewer and fewer until the page is small enough.
_SIZES: Final = ((20, 8), (10, 5), (5, 3), (0, 1))


@dataclass(frozen=True, slots=True)
class Envelope:
    """The addresses and ids of a mail."""

    sender: str
    recipients: Sequence[str]
    message_id: str
    date: datetime
    reply_to: str | None = None
    """The `Message-ID` of an earlier mail about the same day."""


def of_night_as_mail(
    told: Sequence[Run | Failure],
    envelope: Envelope,
    *,
    mask: bool,
    chart: MailChart | None = None,
    still_open: Sequence[StillOpen] = (),
) -> EmailMessage:
    """Return the mail about runs and failures.

    Args:
        told: at least one.
        envelope: its addresses and ids.
        mask: whether phone numbers are masked in the attachments; in the body they always are.
        chart: a picture of the days before, if there is one.
        still_open: what the mail reminds of.
    """
    runs = [one for one in by_urgency(told)[: _SIZES[0][1]] if isinstance(one, Run)]
    files, said = attachments.of_runs(runs, mask=mask)
    closing = [*said, _ABOUT]
    for findings, sections in _SIZES:
        made = of_night(
            told, findings=findings, sections=sections, footer=closing, still_open=still_open
        )
        mail = as_mail(made, envelope, files, chart)
        if encoded_size(mail) <= MOST_BYTES:
            break
    return mail


_ABOUT: Final = (
    "This mail is from recon, which compares your records with what Octopods lists. Phone "
    "numbers are masked. To change who gets it and when, edit [email] in recon's configuration."
)


def as_mail(
    message: OutcomeMessage,
    envelope: Envelope,
    files: Sequence[Attachment] = (),
    chart: MailChart | None = None,
) -> EmailMessage:
    """Return a message as a mail with these attachments, and a picture in its HTML."""
    mail = headed(message.subject, envelope)
    mail.set_content(message_text.mail_text(message), cte="quoted-printable")
    # Other mails have other pictures: some programs keep them by this id alone.
    picture = f"chart.{envelope.message_id.strip('<>')}"
    page = html(message, chart, picture)
    mail.add_alternative(page, subtype="html", cte="quoted-printable")
    if chart is not None:
        body = mail.get_body(("html",))
        assert body is not None
        body.add_related(chart.png, "image", "png", cid=f"<{picture}>", disposition="inline")
    for one in files:
        mail.add_attachment(
            one.content, maintype=one.maintype, subtype=one.subtype, filename=one.name
        )
    return mail


def headed(subject: str, envelope: Envelope) -> EmailMessage:
    """Return a mail with this subject, without content.

    Args:
        subject: one line; invisible and invalid characters are replaced.
        envelope: its addresses and ids.
    """
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = address(envelope.sender)
    mail["To"] = [address(one) for one in envelope.recipients]
    mail["Subject"] = shown(subject)
    mail["Date"] = format_datetime(envelope.date)
    mail["Message-ID"] = envelope.message_id
    if envelope.reply_to is not None:
        mail["In-Reply-To"] = envelope.reply_to
        mail["References"] = envelope.reply_to
    # No answer of an absent recipient comes back (RFC 3834; the other is Exchange's).
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    return mail


def html(message: OutcomeMessage, chart: MailChart | None = None, picture: str = "") -> str:
    """Return the HTML of a message, with the style sheet's rules written into the elements.

    Args:
        message: what to say.
        chart: a picture to show.
        picture: the `Content-ID` of the picture in the mail.
    """
    import css_inline

    from recon.report.html_templates import template

    page = template("mail.html").render(message=message, chart=chart, picture=picture)
    # Rules for narrow and dark screens cannot be inlined: what knows them finds them in the head.
    inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
    return inliner.inline(page)


def encoded_size(mail: EmailMessage) -> int:
    """Return how many bytes the HTML of a mail has when sent."""
    page = mail.get_body(("html",))
    assert isinstance(page, MIMEPart)
    return len(page.as_bytes())


def address(mailbox: str) -> Address:
    """Return a configured mailbox, `ops@example.com` or `Operations <ops@example.com>`."""
    name, bracket, rest = mailbox.rpartition("<")
    user, _, domain = (rest.rstrip("> ") if bracket else mailbox).rpartition("@")
    return Address(
        display_name=name.strip().strip('"'), username=user.strip(), domain=ascii_domain(domain)
    )


def ascii_domain(domain: str) -> str:
    """Return a domain in its ASCII form for the network."""
    try:
        return domain.strip().encode("idna").decode()
    except UnicodeError:
        return domain.strip()
