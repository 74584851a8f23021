"""Message ids with something around them, which may or may not say something else."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.core import id_spellings
from recon.core.frames import columns

ID = 3851800
URL = "https://app.octopods.io/api/v1/whatsapp/messages/3851800"

READ = [
    "\u201c3851800\u201d", "\u20183851800\u2019", "\u201e3851800\u201c", "\u00ab3851800\u00bb",
    "\u00bb3851800\u00ab", "\u201d3851800\u201d", "`3851800`", "\u20193851800", "''3851800''",
    "=3851800", '="3851800"', "= '3851800'", "+3851800", "=+3851800",
    "[3851800]", "{3851800}", "(3851800)", "<3851800>", "['3851800']", "[ 3851800.0 ]",
    "#3851800", "(#3851800)", "No. 3851800", "no.3851800", "Nr. 3851800", "NR 3851800",
    "N\u00b0 3851800", "n\u00ba3851800", "\u21163851800", "id:3851800", "id=3851800",
    "ID 3851800", "ID\u00a03851800", "Id: #3851800", "message_id: 3851800", "messageId=3851800",
    "MSG-ID 3851800", "message 3851800", "Message no. 3851800", '"message_id": "3851800"',
    '{"message_id": 3851800}', "{'id': '3851800'}", '[{"id":3851800}]', 'id="3851800"',
    "3851800,0", "3851800,00", "3851800,000", "3851800.00", "\u201c3851800.0\u201d", "3851800;",
    "3851800,", "\u200b id :\u200b 3851800\u200b", URL, f"{URL}/", f" <{URL}> ", f'"{URL}"',
    f"message_id={URL}", "/api/v1/whatsapp/messages/3851800", URL.upper(),
]  # fmt: skip

NOT_READ = [
    "0x1F", "3ab8c1", "msg_3851800", "msg_385abc", "msg-3851800", "id3851800", "wamid.3851800",
    "wamid:3851800", "uuid: 3851800", "paid 3851800", "x3851800", "3851800x", "no id 3851800",
    "id: no. 3851800", "tel: 3851800", "3.8518E+06", "3851800 3851801", "[3851800, 3851801]",
    "[3851800,0]", "(3851800,00)", "[3,851,800]", "id 3851800 of 7", "7: 3851800", "1/3851800",
    "id:-3851800", "id: - 3851800", "[-3851800]", "(\u22123851800)", "- 3851800", "1,000",
    "385,000", "\u201c385,000\u201d", "id 3,851", "id: 3.8", "3851800,5", "12:30", "2026-04-24",
    "+353851000000", "+3538510000", "(353) 851000", "\u20263851800", "3851800\u2026", "...3851800",
    ".3851800", ",3851800", "~3851800", "*3851800", "***3851800", "$3851800", "3851800%",
    "<3851800", ">3851800", "(3851800", "3851800]", "[3851800)", "3851800?",
    f"{URL}?part=2", f"{URL}#2", f"{URL}/status", f"{URL}/2", URL.replace("messages", "sms"),
    f"see {URL}", URL.removesuffix("3851800"), URL + "x",
]  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_what_says_nothing_else_does_not_hide_an_id(text: str) -> None:
    read = columns.message_ids([text, "7", None])
    assert read.values.tolist() == [ID, 7, 0]
    assert read.odd.to_pylist() == [None, None, None]


@pytest.mark.parametrize("text", NOT_READ)
def test_what_may_say_something_else_is_kept_as_it_is(text: str) -> None:
    read = columns.message_ids([text, "7"])
    assert read.held.tolist() == [False, True]
    assert read.odd.to_pylist() == [text, None]


@pytest.mark.parametrize("text", [*READ, *NOT_READ])
def test_one_text_is_read_as_a_column_reads_it(text: str) -> None:
    read = columns.message_ids([text])
    assert id_spellings.bare(text) == (str(ID) if read.held[0] else None)


PARTS = (
    *["", " ", "\u00a0", '"', "\u201c", "\u201d", "'", "(", ")", "[", "]", "{", "}", "<", ">", "=",
     "#", ":", "-", "+", ".", ",", ";", "0", "00", "12", "id", "No", "nr.", "message_id", "x", "e",
      "`", "\u2116", "n\u00b0", "message no", "msg", "/whatsapp/messages/", "/", "\u200b"],
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PARTS), max_size=6)


@given(TEXTS, TEXTS, st.integers(1, 10**12))
def test_no_digit_of_another_number_is_lost_and_none_is_added(
    before: list[str], after: list[str], number: int
) -> None:
    text = "".join([*before, str(number), *after])
    read = columns.message_ids([text])
    if read.held[0] and read.values[0] > 0:
        # Zeros after a point or comma say nothing.
        digits = re.sub("[^0-9]", "", re.sub(r"(?<=[0-9])[.,]0*(?![0-9,.])", "", text))
        assert int(digits) == read.values[0]


@given(
    st.lists(
        st.sampled_from(
            [
                ('"', '"'),
                ("\u00ab", "\u00bb"),
                ("[", "]"),
                ("(", ")"),
                ("<", ">"),
                ("#", ""),
                (" ", "\t"),
            ]
        ),
        max_size=id_spellings.LAYERS,
    ),
    st.sampled_from(["", "id:", "Message ID ", "No. "]),
    st.integers(1, 2**63 - 1),
)
def test_layers_may_be_combined(layers: list[tuple[str, str]], word: str, number: int) -> None:
    text = f"{word}{number}"
    for left, right in layers[: id_spellings.LAYERS - bool(word)]:
        text = f"{left}{text}{right}"
    assert columns.message_ids([text, "x"]).values.tolist() == [number, 0]


def test_a_long_text_of_brackets_is_no_id() -> None:
    text = "(" * 100_000 + "7" + ")" * 100_000
    assert not np.any(columns.message_ids([text]).held)
    assert id_spellings.bare(text) is None
