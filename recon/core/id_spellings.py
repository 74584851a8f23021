r"""Message ids that are written with something around them: quotes, brackets, `id:`, a URL.

A text is read as an id if it has one run of digits, and around it only what says nothing else:
pairs of quotes or brackets, an apostrophe, `=` or `#` before it, a word such as `id` or `No.`, the
path of the message at Octopods, and zeros after a decimal point or comma. A sign, an ellipsis or a
second number says something: such a text is no id. Nor is a plus with ten digits or more, which is
a phone number.

The patterns mean the same in Python and in Arrow.
"""

from __future__ import annotations

import re
from typing import Final

#: Characters that are invisible: bidirectional marks, joiners and byte order marks.
INVISIBLE: Final = "\u00ad\ufeff" + "".join(
    map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)))
)
#: White space, and what looks like nothing.
BLANKS: Final = (
    " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + INVISIBLE
)
#: Quotes of all languages, each on either side.
QUOTES: Final = (
    "\"'`\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u300c\u300d"
)


def _in_any_case(pattern: str) -> str:
    return re.sub("[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", pattern)


#: Words before an id, as a pattern that uses only what all databases know, except for `(?:`.
WORDS: Final = (
    f"(?:(?:{_in_any_case('message')}|{_in_any_case('msg')})"
    f"(?:(?: |_|-)?(?:{'|'.join(map(_in_any_case, ('id', 'no', 'nr', 'number')))}))?"
    f"|{'|'.join(map(_in_any_case, ('id', 'no', 'nr')))})"
)
#: Abbreviations that may stand right before an id.
_ABBREVIATIONS: Final = (
    f"(?:(?:(?:{_in_any_case('message')}|{_in_any_case('msg')}) )?[Nn][OoRr][.]"
    "|[Nn][\u00b0\u00ba]|\u2116)"
)
#: The path of a message as a pattern, see the `message_status_url` that a send is answered with.
PATH: Final = _in_any_case("/whatsapp/messages/")

_ANY: Final = f"[{BLANKS}]*"
_QUOTE: Final = f"[{QUOTES}]"
_APOSTROPHE: Final = "['\u2018\u2019]"
#: Each alternative is one layer of decoration, with what is inside in a group, see `INSIDE`.
LAYER: Final = (
    rf"(?s)^{_ANY}(?:"
    rf"(?:(?:{WORDS}|{_QUOTE}{WORDS}{_QUOTE})[{BLANKS}:=#]+|{_ABBREVIATIONS}[{BLANKS}:=#]*)(.*?)"
    rf"|(?:{_in_any_case('http')}[Ss]?://[^\s?#]+|(?:/[A-Za-z0-9._-]+)*){PATH}([0-9]+)/?"
    rf"|{_QUOTE}(.*?){_QUOTE}|\[(.*?)\]|\((.*?)\)|\{{(.*?)\}}|<(.*?)>"
    rf"|(?:{_APOSTROPHE}|[=#]+)(.*?)){_ANY}$"
)
INSIDE: Final = r"\1\2\3\4\5\6\7\8"
#: So many layers of decoration are read.
LAYERS: Final = 5


def _suspect(others: str, digits: str) -> str:
    return f"^{others}*(?:(?:{WORDS}|[Nn]){others}+)?(?:{digits})[^0-9A-Za-z]*$"


#: The only texts that can become an id by removing layers: with one word at most. A bracket may
#: hold a list with commas.
SUSPECT: Final = "|".join(
    (
        _suspect("[^0-9A-Za-z]", r"[0-9]+(?:\.0*)?"),
        _suspect(r"[^0-9A-Za-z\[({<]", "[0-9]+,(?:0{1,2}|0{4,})|[0-9]{4,},000"),
        f"^[^?#]*{PATH}[0-9]+[^0-9A-Za-z]*$",
    )
)
#: What is left of an id, with its digits in a group. Longer numbers with a plus are phone numbers.
NUMBER: Final = rf"^{_ANY}(?:([0-9]+)|\+([0-9]{{1,9}}))(?:[.,]0*)?;?{_ANY}$"
DIGITS: Final = r"\1\2"

_SUSPECT_TEXT: Final = re.compile(SUSPECT)
_LAYER_TEXT: Final = re.compile(LAYER)
_NUMBER_TEXT: Final = re.compile(NUMBER)
#: Python's patterns take a time that grows with the square of the length; Arrow's do not.
_LONGEST: Final = 2_000


def bare(text: str) -> str | None:
    """Return the digits of a decorated id, or `None` if the text is not an id."""
    if len(text) > _LONGEST or not _SUSPECT_TEXT.search(text):
        return None
    for _ in range(LAYERS):
        text = _LAYER_TEXT.sub(INSIDE, text)
    found = _NUMBER_TEXT.fullmatch(text)
    return found and (found[1] or found[2])
