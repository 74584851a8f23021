"""Remove what is around and between the digits of ids, of whole columns."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from recon.core import id_spellings

#: What spreadsheets and exports put around a value so that it stays text: `="7"`, `'7`, `"7"`.
WRAPPED: Final = r"""^\s*(?:=\s*"([^"]*)"|"([^"]*)"|'([^']*)'?)\s*$"""
#: A whole number, perhaps with zeros after a point.
NUMBER: Final = r"^-?[0-9]+(?:\.0*)?$"
_INVISIBLE: Final = f"[{id_spellings.INVISIBLE}]"
#: Digits in groups of three (or as in India, `12,34,567`), each with one separator. One group
#: alone after a point is a fraction, and `,000` may be one.
_GROUPED: Final = (
    r"^-?[0-9]{1,3}(?:"
    r"(?:,[0-9]{3}){2,}(?:\.0+)?|,(?:[1-9][0-9]{2}|0[1-9][0-9]|00[1-9])(?:\.0+)?|"
    r"(?:\.[0-9]{3}){2,}(?:,0+)?|"
    r"(?:[ _\x{a0}\x{2009}\x{202f}][0-9]{3})+|(?:['\x{2019}][0-9]{3})+)$"
    r"|^-?[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}$"
)
_NO_LETTER: Final = "^[^A-Za-z]*$"


def bare(array: pa.Array) -> pa.Array:
    """Return ids as digits, if nothing around or between them says anything else.

    Args:
        array: texts (`large_string`), without nulls and without blanks around them.

    Returns:
        Texts that match `NUMBER` where an id was read, and the other texts.
    """
    plain = pc.match_substring_regex(array, _NO_LETTER)
    if pc.any(plain).as_py():
        found = pc.replace_with_mask(array, plain, _ungrouped(array.filter(plain)))
        left = pc.invert(pc.match_substring_regex(found, NUMBER))
    else:
        found, left = array, pc.invert(plain)
    if not pc.any(left).as_py():
        return found
    # As it was given: a word has no invisible marks in it.
    given = array.filter(left)
    return pc.replace_with_mask(found, left, _undecorated(given, otherwise=found.filter(left)))


def _ungrouped(array: pa.Array) -> pa.Array:
    """Return ids without wrappers, a leading `#`, invisible marks and grouped digits."""
    bare = pc.utf8_trim_whitespace(pc.replace_substring_regex(array, _INVISIBLE, ""))
    bare = pc.replace_substring_regex(bare, r"^#\s*", "")
    bare = pc.utf8_trim_whitespace(pc.replace_substring_regex(bare, WRAPPED, r"\1\2\3"))
    grouped = pc.match_substring_regex(bare, _GROUPED)
    if not pc.any(grouped).as_py():
        return bare
    digits = pc.replace_substring_regex(
        pc.replace_substring_regex(bare, r"(,[0-9]{3})\.0+$|(\.[0-9]{3}),0+$", r"\1\2"),
        "[^0-9-]",
        "",
    )
    return pc.if_else(grouped, digits, bare)


def _undecorated(array: pa.Array, otherwise: pa.Array) -> pa.Array:
    """Return ids without what `id_spellings` knows around them, and other texts of `otherwise`."""
    suspect = pc.match_substring_regex(array, id_spellings.SUSPECT)
    if not pc.any(suspect).as_py():
        return otherwise
    inside = array.filter(suspect)
    for _ in range(id_spellings.LAYERS):
        inside = pc.replace_substring_regex(inside, id_spellings.LAYER, id_spellings.INSIDE)
        is_id = pc.match_substring_regex(inside, id_spellings.NUMBER)
        if pc.all(is_id).as_py():
            break
    digits = pc.replace_substring_regex(inside, id_spellings.NUMBER, id_spellings.DIGITS)
    read = pc.if_else(is_id, digits, otherwise.filter(suspect))
    return pc.replace_with_mask(otherwise, suspect, read)
