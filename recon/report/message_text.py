"""A message as plain text: the text part of a mail, the body of a ping, a line for a chat."""

from __future__ import annotations

import textwrap
from typing import Final

from recon.report.foreign_text import shown
from recon.report.message import Finding, MessageSection, OutcomeMessage

_WIDTH: Final = 78


def mail_text(message: OutcomeMessage) -> str:
    """Return the whole message, in lines of up to 78 characters if no word is longer."""
    blocks = [_wrapped(message.headline)]
    blocks += [_section(one) for one in message.sections]
    if message.others:
        named = [_wrapped(f"{_name(one)}: {one.headline}", "- ", "  ") for one in message.others]
        if message.more_days:
            named.append(f"and {message.more_days:,} more reports")
        blocks.append("\n".join(["Other reports", *named]))
    if message.footer:
        blocks.append("-- \n" + "\n".join(_wrapped(said) for said in message.footer))
    return shown("\n\n".join(blocks)) + "\n"


def short_text(message: OutcomeMessage) -> str:
    """Return the headline, and with several accounts or days a line for each."""
    lines = [message.headline]
    everything = [*message.sections, *message.others]
    if len(everything) > 1:
        lines += [f"{_name(one)}: {one.headline}" for one in everything]
    else:
        lines += everything[0].incidents
        lines += [f"Most likely: {cause}" for cause in everything[0].causes[:1]]
    return shown("\n".join(lines))


def _name(section: MessageSection) -> str:
    return f"{section.account} {section.label}"


def _section(one: MessageSection) -> str:
    title = f"{one.badge.upper()}  {one.account}, {one.day}"
    lines = [title, "=" * min(len(title), _WIDTH), *map(_wrapped, one.paragraphs)]
    if one.causes:
        lines += ["", "Likely causes:"]
        lines += [_wrapped(said, f"{at}. ", "   ") for at, said in enumerate(one.causes, 1)]
    if one.incidents:
        lines += ["", "Likely cause:" if len(one.incidents) == 1 else "Likely causes:"]
        lines += [_wrapped(said, "- ", "  ") for said in one.incidents]
    for kind in one.kinds:
        lines += ["", f"{kind.count:,} {kind.title}", _wrapped(kind.advice, "  ", "  ")]
    lines += ["", *(_wrapped(f"{name}: {value}") for name, value in one.facts)]
    if one.findings:
        lines += ["", "Findings:", *map(_finding, one.findings)]
    if one.more:
        lines.append(f"and {one.more:,} more, in the full report")
    return "\n".join(lines)


def _finding(one: Finding) -> str:
    said = f"{one.title}: " + ", ".join(part for part in (one.when, one.where) if part)
    said += f": {one.detail}" if one.detail else ""
    return _wrapped(said + "".join(f" [{tag}]" for tag in one.tags), "- ", "  ")


def _wrapped(text: str, indent: str = "", hanging: str = "") -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
