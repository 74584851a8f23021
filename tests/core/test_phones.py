"""Two spellings of one WhatsApp user have one key; nobody else has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recon.core import phones, user_ids
from recon.core.e164 import NONE
from recon.core.number_readings import TRUNK_ZERO, UNREADABLE
from tests.core import oracles

#: Region, then spellings of one user in it.
ONE_USER: Final[dict[str, tuple[str | None, list[str]]]] = {
    "Ireland": (
        "IE",
        [
            "+353871234567",
            "+353 87 123 4567",
            "+353-87-123-4567",
            "+353.87.123.4567",
            "+353/87/1234567",
            "+353 (0)87 123 4567",
            "+3530871234567",
            "00353871234567",
            "00 353 87 123 4567",
            "+00353871234567",
            "087 123 4567",
            "(087) 123-4567",
            "871234567",
            "353871234567",
            "353871234567.0",
            "871234567.0",
            "'+353871234567",
            "whatsapp:+353871234567",
            "WhatsApp: +353 87 123 4567",
            "whatsapp:0871234567",
            "tel:+353-87-123-4567",
            "tel:+353-87-123-4567;ext=5",
            "353871234567@c.us",
            "353871234567@s.whatsapp.net",
            "353871234567:12@s.whatsapp.net",
            "+353\N{NO-BREAK SPACE}87\N{NARROW NO-BREAK SPACE}123\N{FIGURE SPACE}4567",
            "+353\N{NON-BREAKING HYPHEN}87\N{EN DASH}123\N{MINUS SIGN}4567",
            "\N{LEFT-TO-RIGHT EMBEDDING}+353 87 123 4567\N{POP DIRECTIONAL FORMATTING}",
            "\N{FULLWIDTH PLUS SIGN}"
            + "".join(chr(0xFF10 + int(digit)) for digit in "353871234567"),
            "\t+353871234567\n",
        ],
    ),
    "Brazil": (
        "BR",
        [
            "+5511987654321",
            "+551187654321",
            "+55 (11) 98765-4321",
            "+55 11 8765-4321",
            "+55 (0)11 98765-4321",
            "011 98765-4321",
            "(11) 8765-4321",
            "0 15 11 98765-4321",
            "5511987654321@c.us",
            "551187654321@s.whatsapp.net",
        ],
    ),
    "Mexico": (
        "MX",
        [
            "+525512345678",
            "+5215512345678",
            "+52 1 55 1234 5678",
            "+52 044 55 1234 5678",
            "+52 045 55 1234 5678",
            "+52 01 55 1234 5678",
            "55 1234 5678",
            "1 55 1234 5678",
            "01 55 1234 5678",
            "044 55 1234 5678",
            "5215512345678",
        ],
    ),
    "Argentina": (
        "AR",
        [
            "+5491123456789",
            "+541123456789",
            "+54 11 15 2345-6789",
            "+54111523456789",
            "+54 9 11 15 2345-6789",
            "+54 (0)11 15 2345-6789",
            "011 15-2345-6789",
            "11 15 2345-6789",
            "011 2345-6789",
            "9 11 2345-6789",
        ],
    ),
    "Argentina, a longer area code": (
        "AR",
        [
            "+54 9 351 234 5678",
            "+54 351 15 234 5678",
            "0351 15 234-5678",
            "0351 234-5678",
        ],
    ),
    "Italy keeps its zero": ("IE", ["+390612345678", "+39 06 1234 5678", "0039 (0)6 1234 5678"]),
    "abroad, without plus": ("IE", ["+14155552671", "14155552671", "001 415 555 2671"]),
    "a Mexican abroad, without plus": ("IE", ["+525512345678", "5215512345678"]),
    "no region": (None, ["+14155552671", "14155552671", "1 (415) 555-2671", "0014155552671"]),
}


def keys(numbers: Sequence[str | None], region: str | None) -> list[int]:
    found: list[int] = phones.keys(pd.Series(list(numbers), dtype="str"), region).tolist()
    return found


@pytest.mark.parametrize("name", ONE_USER)
def test_all_spellings_of_one_user_have_one_key(name: str) -> None:
    region, spellings = ONE_USER[name]
    found = dict(zip(spellings, keys(spellings, region), strict=True))
    expected = found[spellings[0]]
    assert expected != NONE
    assert found == dict.fromkeys(spellings, expected)


def test_keys_do_not_depend_on_how_many_rows_are_worked_on_at_a_time() -> None:
    numbers = pd.Series([one for _, some in ONE_USER.values() for one in some], dtype="str")
    whole = phones.keys(numbers, "IE")
    assert phones.keys(numbers, "IE", block_rows=7).tolist() == whole.tolist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+353871234567", "+353871234568"),
        # A Brazilian mobile given out after the ninth digit, and the fixed line without it.
        ("+5511941234567", "+551141234567"),
        ("+5511951234567", "+551151234567"),
        ("+5511987654321", "+5521987654321"),
        ("+525512345678", "+15512345678"),
        ("+541123456789", "+541523456789"),
        ("+390612345678", "+39612345678"),
    ],
)
def test_two_users_have_two_keys(one: str, other: str) -> None:
    first, second = keys([one, other], "IE")
    assert first != second
    assert NONE not in (first, second)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("+22507345678", "+2250707345678"),
        ("+22545345678", "+2250545345678"),
        ("+22541345678", "+2250141345678"),
        ("+22522456789", "+2252722456789"),
        ("+22997345678", "+2290197345678"),
    ],
)
def test_old_and_new_numbers_of_a_renumbered_country_are_one_user(old: str, new: str) -> None:
    region = "CI" if old.startswith("+225") else "BJ"
    first, *others = keys([old, new, old.removeprefix("+"), new.removeprefix("+")], region)
    assert others == [first] * 3
    at_home = keys([old.removeprefix(f"+{old[1:4]}"), new.removeprefix(f"+{old[1:4]}")], region)
    assert at_home == [first, first]


def test_numbers_that_a_renumbered_country_gave_out_later_are_nobody_elses() -> None:
    # Nobody of Orange had an old number with 1 in its second place.
    assert len(set(keys(["+2250741345678", "+2250141345678", "+2250541345678"], None))) == 3


@pytest.mark.parametrize("number", ["+15551234567", "+1234567", "+123456789012345"])
def test_clean_international_digits_stand_as_they_are_in_no_plan_or_not(number: str) -> None:
    assert keys([number], "IE") == [int(number)]


@pytest.mark.parametrize(
    "number",
    [
        "+",
        "00",
        "0",
        "123",
        "+123456",
        "+1234567890123456",
        "+0871234567",
        "++353871234567",
        "353+871234567",
        "nan",
        "unknown",
        "1-800-FLOWERS",
        "3.53871234567E+11",
        "0871234567 / 0861234567",
        "120363012345678901@g.us",
        "353871234567@example.com",
        "I.1349",
        "IE.",
        "IE.13-49",
        "IE." + "1" * 129,
    ],
)
def test_what_is_no_number_and_no_user_id_is_unreadable(number: str) -> None:
    assert keys([number], "IE") == [UNREADABLE]


def test_only_a_brazilian_mobile_that_was_one_before_is_spelled_without_the_nine() -> None:
    assert len(set(keys(["+5511960001234", "+551160001234"], None))) == 1
    assert len(set(keys(["+5511950001234", "+551150001234"], None))) == 2


@pytest.mark.parametrize("number", [None, "", "   ", "-", "\u200b"])
def test_nothing_is_no_number_and_not_unreadable(number: str | None) -> None:
    assert keys([number], "IE") == [NONE]


@pytest.mark.parametrize("number", ["1234567", "0871234567", "1234567890123456"])
def test_without_a_region_only_whole_international_digits_count(number: str) -> None:
    assert keys([number], None) == [UNREADABLE]
    assert keys(["12345678"], None) == [12345678]
    assert keys(["491512345678901"], None) == keys(["+491512345678901"], None) != [UNREADABLE]
    assert keys(["4915123456789012"], None) == [UNREADABLE]


def test_a_possible_national_number_is_national_first() -> None:
    assert keys(["2125550100"], "US") == [12125550100]
    assert keys(["2125550100"], "IE") == [3532125550100]


def test_longer_than_any_international_number_is_none_though_the_country_has_such_numbers() -> None:
    assert keys(["0123456789012345", "09012345678"], "JP") == [UNREADABLE, 819012345678]


def test_the_region_may_be_spelled_small() -> None:
    assert oracles.number_key("087 123 4567", "ie") == 353871234567


def test_a_column_of_floats_or_integers_is_read_too() -> None:
    floats = pd.Series([353871234567.0, float("nan")])
    assert phones.keys(floats, "IE").tolist() == [353871234567, NONE]
    assert phones.keys(pd.Series([353871234567]), "IE").tolist() == [353871234567]
    objects = pd.Series(["+353871234567", None], dtype=object)
    assert phones.keys(objects, "IE").tolist() == [353871234567, NONE]


def test_a_null_has_no_key_whatever_bytes_lie_under_it() -> None:
    _, offsets, data = pa.array(["+353871234567", "+353871234568"], pa.large_string()).buffers()
    first_only = pa.py_buffer(b"\x01")
    column = pa.LargeStringArray.from_buffers(2, offsets, data, first_only)
    assert phones.keys(pd.Series(column, dtype="str"), None).tolist() == [353871234567, -1]


def test_keys_stand_in_the_order_of_the_rows_whatever_the_index() -> None:
    column = pd.Series(["087 123 4567", None, "+4512345678", "087 123 4567"], index=[3, 3, 1, 0])
    assert phones.keys(column, "IE").tolist() == [353871234567, -1, 4512345678, 353871234567]
    assert phones.keys(column[:0], "IE").tolist() == []


some_text = st.text() | st.text(
    "0123456789+- ().@:;/'xcusx\u00a0\uff11\u0661\u202a\U0001d7ce", max_size=24
)
regions = st.sampled_from([None, "IE", "BR", "MX", "AR", "US", "XX"])


@settings(max_examples=400)
@given(number=some_text, region=regions)
@example(number="+" + "0" * 5000, region="IE")
@example(number="1" * 5000, region="IE")
@example(number="+54" + "1" * 300, region="IE")
@example(number="00", region=None)
def test_any_text_is_read_without_an_error_and_the_same_alone_or_in_a_column(
    number: str, region: str | None
) -> None:
    alone = oracles.number_key(number, region)
    assert (
        alone in (NONE, UNREADABLE)
        or 10**6 <= alone < 10**15
        or user_ids.user_id_key(number) == alone
    )
    assert keys([number, "+353871234567", number], region) == [alone, 353871234567, alone]


separators = st.sampled_from(["", " ", "-", ".", "/", "(", ") ", "\u00a0", "\u2013", "\u200b"])


@settings(max_examples=150)
@given(
    number=st.integers(10**6, 10**15 - 1),
    data=st.data(),
    prefix=st.sampled_from(["+", "00", "whatsapp:+", "tel:+", " WHATSAPP: 00"]),
    region=regions,
)
def test_separators_and_prefixes_never_change_the_key(
    number: int, data: st.DataObject, prefix: str, region: str | None
) -> None:
    digits = str(number)
    gaps = data.draw(st.lists(separators, min_size=len(digits), max_size=len(digits)))
    spelled = prefix + "".join(map("".join, zip(gaps, digits, strict=True)))
    if re.search(r"[0-9]{5,}\.0+$", re.sub(r"[^0-9.]", "", spelled)):
        return  # reads as a float's tail
    expected = oracles.number_key("+" + digits, region)
    assert keys([spelled, f"{digits}@c.us"], region) == [expected, expected]
    assert expected != NONE


@settings(max_examples=100)
@given(
    area=st.integers(11, 99).filter(lambda area: area % 10 > 0),
    subscriber=st.integers(10**7, 10**8 - 1),
)
def test_the_ninth_digit_of_a_brazilian_number_counts_only_where_it_was_added(
    area: int, subscriber: int
) -> None:
    without, with_nine = keys([f"+55{area}{subscriber}", f"+55{area}9{subscriber}"], "IE")
    assert (without == with_nine) == (str(subscriber)[0] in "6789")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+353871234567", "+353••••••567"),
        ("whatsapp:+353 87 123 4567", "+353••••••567"),
        ("00353871234567", "+353••••••567"),
        ("353871234567@c.us", "+353••••••567"),
        ("353871234567.0", "•••••••••567"),
        ("+15551234567", "+1•••••••567"),
        ("+441632960001", "+44•••••••001"),
        ("087 123 4567", "•••••••567"),
        ("+1234567", "+1••••67"),
        ("12345", "••••5"),
        ("1234", "••••"),
        ("call me", "••••"),
        ("", "••••"),
    ],
)
def test_a_masked_number_can_be_recognised_but_not_called(number: str, expected: str) -> None:
    assert phones.mask(number) == expected


@settings(max_examples=150)
@given(number=some_text)
def test_a_mask_always_hides_four_digits_and_all_other_text(number: str) -> None:
    masked = phones.mask(number)
    assert re.fullmatch(r"(\+[0-9]{1,3})?•{4,12}[0-9]{0,3}", masked)
    digits = sum(character.isdecimal() for character in number)
    assert sum(character.isdecimal() for character in masked) <= max(digits - 4, 0)


@pytest.mark.parametrize("digits", ["353871234567", "5511987654321", "1555123"])
def test_only_a_plus_makes_a_spelling_clean(digits: str) -> None:
    spelled = [chr(first) + digits for first in range(0x20, 0x7F)]
    column = phones.keys(pd.Series(spelled, dtype="str"), None)
    assert column.tolist() == [oracles.number_key(each, None) for each in spelled]


# --- two readings ------------------------------------------------------------------------------


def both(number: str, region: str | None) -> set[int]:
    column = pd.Series([number], dtype="str")
    return {int(phones.keys(column, region)[0]), int(phones.second_keys(column, region)[0])}


def examples() -> list[tuple[str, str]]:
    """Return a mobile and a fixed number of each region of the metadata, E.164 without the plus."""
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    found = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in kinds:
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                found.append((region, written.removeprefix("+")))
    return found


def test_in_every_region_international_digits_may_have_lost_their_plus() -> None:
    examples_of_all = examples()
    assert len(examples_of_all) > 400
    wrong = [
        (region, digits)
        for region, digits in examples_of_all
        if oracles.number_key(digits, region) != oracles.number_key("+" + digits, None)
    ]
    assert wrong == []


def test_without_a_region_international_digits_of_every_region_may_have_lost_their_plus() -> None:
    wrong = [
        digits
        for _, digits in examples()
        if oracles.number_key(digits, None) != oracles.number_key("+" + digits, None)
    ]
    assert wrong == []


@pytest.mark.parametrize("local", ["5551234", "6830000", "0871234"])
def test_seven_digits_that_no_country_has_are_no_number_without_a_region(local: str) -> None:
    assert keys([local], None) == [UNREADABLE]


def test_in_every_region_a_national_number_is_one_of_the_readings() -> None:
    wrong = []
    for region, digits in examples():
        number = phonenumbers.parse("+" + digits, None)
        national = phonenumbers.national_significant_number(number)
        if oracles.number_key("+" + digits, None) not in both(national, region):
            wrong.append((region, national))
    assert wrong == []


def test_digits_that_are_a_national_number_and_an_international_one_have_two_readings() -> None:
    assert both("3531234567", "US") == {3531234567, 13531234567}
    assert both("+3531234567", "US") == {3531234567, NONE}
    assert both("0871234567", "IE") == {353871234567, NONE}


def test_bare_digits_are_those_that_may_be_national_somewhere() -> None:
    column = pd.Series(["(415) 555-2600", "+14155552600", "0871234567", None, "4155552600"])
    assert phones.bare_digits(column).tolist() == [
        *(4155552600, NONE, TRUNK_ZERO + 871234567, NONE, 4155552600)
    ]


@pytest.mark.parametrize(
    ("national", "number", "same"),
    [
        ("0871234567", 353871234567, True),
        ("(087) 123-4567", 353871234567, True),
        ("06 1234 5678", 390612345678, True),  # Italy keeps the 0
        ("0612345678", 39612345678, True),  # as a person may write it
        ("0170 1234567", 491701234567, True),
        ("8 912 345-67-89", 79123456789, True),
        ("0871234567", 447871234567, False),
        ("0871234567", 353871234568, False),
        ("00871234567", 353871234567, False),
        ("0012345", 353871234567, False),
    ],
)
def test_a_national_number_is_one_of_each_country_that_has_it(
    national: str, number: int, *, same: bool
) -> None:
    digits = phones.bare_digits(pd.Series([national]))
    assert phones.is_national(digits, np.array([number])).tolist() == [same]


# --- WhatsApp user ids -------------------------------------------------------------------------


def test_user_ids_are_compared_whatever_their_case_and_with_no_number() -> None:
    assert len(set(keys(["IE.AB12", "ie.ab12", " Ie.aB12 "], "IE"))) == 1
    ids = ["IE.13491208655302741918", "IE.13491208655302741919", "IE.ENT.13491208655302741918"]
    linked = ["353871234567@lid", "353871234567:12@lid", "353871234568@lid"]
    found = keys([*ids, *linked, "+353871234567"], "IE")
    assert found[3] == found[4]
    assert len(set(found)) == len(found) - 1
    assert user_ids.key_sorts(np.array([*found, NONE, UNREADABLE], dtype=np.int64)).tolist() == [
        *(2, 2, 2),
        *(1, 1, 1),
        *(0, -1, -1),
    ]


def test_a_user_id_is_masked_like_a_number() -> None:
    assert "IE.13491208655302" not in phones.mask("IE.13491208655302741918")
    assert phones.mask("US.abcdefghij") == "••••"
