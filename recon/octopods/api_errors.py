"""What the body of an error says: `{"request_id": …, "error_code": N, "error": "text"}`.

The help centre documents this form (article 14823961); other forms are read as far as possible.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from recon.octopods import response_fields

#: `DEPRECATED_API_KEY`: the key was rotated or revoked (help centre, article 14823961). Final.
DEPRECATED_KEY: Final = 6
#: `ARGUMENT_MISSING`, which the sibling SMS endpoint documents for an id that it does not know.
NO_SUCH_MESSAGE: Final = 1

#: The codes that the help centre documents for WhatsApp (article 14824171).
_NAMES: Final = {
    1: "ARGUMENT_MISSING",
    2: "TYPE_MISMATCH",
    3: "TEMPLATE_NOT_EXIST",
    4: "VARIABLES_SIZE",
    5: "PHONE_INVALID",
    6: "DEPRECATED_API_KEY",
    8: "INVALID_HEADER",
}

_LONGEST_TEXT: Final = 300
_PHONE_NUMBER: Final = re.compile(r"\+\d(?:[\s().\-]?\d){6,14}", re.ASCII)
#: Narrow on purpose. An empty list proves that nothing was sent, so a refusal that merely mentions
#: messages ("can no longer send messages") must not pass for one.
_NOTHING_SENT: Final = re.compile(
    r"\b(?:no (?:\w+ )?messages?|nothing) (?:(?:have|has|had|was|were) )?(?:yet )?(?:been )?sent\b"
    r"|\bno (?:\w+ )?messages (?:(?:were|was) )?(?:found|yet|exist)\b"
    r"|\b(?:not|never) (?:yet )?sent any (?:\w+ )?messages?\b"
    r"|n't (?:yet )?sent any (?:\w+ )?messages?\b"
    r"|\bthere are no (?:\w+ )?messages\b(?! (?:left|remaining))",
    re.IGNORECASE,
)
_TROUBLE: Final = re.compile(
    r"\b(?:because|invalid|suspended|blocked|disabled|denied|expired|limit|permission|unauthori)",
    re.IGNORECASE,
)

#: Wide on purpose: an id counts as denied on clear evidence only. A text that may be
#: about the moment, and not about the id, is no denial.
_PASSING: Final = re.compile(
    r"temporar|\b(?:re)?try|\b(?:later|again|soon|wait|yet|moment|busy|overload\w*|degraded)\b"
    r"|\b(?:un|not )(?:currently )?(?:available|reachable|responding)\b"
    r"|time[ds]?[ -]?out|\btook too long|deadline|too (?:many|fast)|throttl|\brates?\b|limit|quota"
    r"|maintenance|outage|downtime|\brestart|internal|\bserver\b|\bservice\b|gateway|upstream"
    r"|\b(?:could not|couldn't|cannot|can't|unable to|failed to) (?!(?:be )?(?:found|find|locate))"
    r"|\bcurrently\b|process|pending|in progress|queue|slow down|error occurred|exception"
    r"|\bconnection\b|\bnetwork\b|\bdatabase\b|backend|unexpected|went wrong|unknown error",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ApiError:
    """The content of an error's body, as far as it could be read."""

    code: int | None = None
    text: str = ""
    """One line, bounded, without phone numbers. For decisions only: it may repeat a customer's
    message, so it is neither logged nor shown."""
    request_id: str | None = None

    @property
    def of_deprecated_key(self) -> bool:
        """Whether the key was rotated or revoked."""
        return self.code == DEPRECATED_KEY

    @property
    def is_passing(self) -> bool:
        """Whether its text describes a temporary condition."""
        return bool(_PASSING.search(self.text))

    @property
    def denies_the_id(self) -> bool:
        """Whether, in an answer to a status call, it means that the key has no such message.

        Code 1 does, as the sibling SMS endpoint documents it (help centre, article 14824171). The
        codes of the WhatsApp endpoint are only partly documented. So any other code means the same,
        unless it is that of a deprecated key or its text describes a temporary condition. A body
        that is not a JSON object has no code and denies nothing.
        """
        if self.code is None or self.of_deprecated_key:
            return False
        return self.code == NO_SUCH_MESSAGE or not self.is_passing

    @property
    def says_nothing_sent(self) -> bool:
        """Whether it means that the account has sent nothing yet.

        The help centre quotes "No messages have been sent on this channel yet." (article 14824157).
        """
        return bool(_NOTHING_SENT.search(self.text)) and not _TROUBLE.search(self.text)


def code_name(code: int) -> str:
    """Return the text of an error code: its number, and its documented name if it has one."""
    name = _NAMES.get(code)
    return f"error {code}" if name is None else f"error {code} {name}"


def read_api_error(body: object) -> ApiError:
    """Return the content of an error's body; a plain text counts as its text."""
    if isinstance(body, str):
        return ApiError(text=_text(body))
    if not isinstance(body, Mapping):
        return ApiError()
    error = body.get("error")
    inner: Mapping[str, object] = error if isinstance(error, Mapping) else {}
    said = response_fields.first(
        error if isinstance(error, str) else None,
        body.get("message"),
        inner.get("message"),
        body.get("detail"),
    )
    return ApiError(
        code=_code(response_fields.first(body.get("error_code"), inner.get("error_code"))),
        text=_text(said),
        request_id=response_fields.request_id(body),
    )


def _code(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    spelled = response_fields.text(value, 10)
    return int(spelled) if spelled and re.fullmatch(r"-?[0-9]{1,9}", spelled) else None


def _text(value: object) -> str:
    said = response_fields.text(value, _LONGEST_TEXT) if isinstance(value, str) else None
    return _PHONE_NUMBER.sub("+…", said or "")
