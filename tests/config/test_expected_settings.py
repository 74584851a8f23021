"""Rules for expected findings: what can be written, and what is said of the rest."""

from __future__ import annotations

from datetime import date, time

import pytest

from recon.model import Kind

from .conftest import Load, Refused

EXPECTED = {"kind": '"missing_locally"', "reason": '"a test phone"', "until": "2026-12-31"}


def expected(values: dict[str, str | None]) -> str:
    lines = [f"{key} = {value}" for key, value in (EXPECTED | values).items() if value is not None]
    return "\n".join(["[[accounts.main.expected]]", *lines])


def test_expected_findings_are_read_in_the_spellings_of_toml_and_of_texts(load: Load) -> None:
    text = expected({"from": '"22:00"', "to": "06:00:00", "until": '"2026-12-31"'})
    settings = load(f"{text}\n{expected({'from': '2026-04-01', 'to': '2026-04-30'})}")
    nightly, of_april = settings.accounts["main"].expected
    assert (nightly.start, nightly.end) == (time(22), time(6))
    assert (nightly.kind, nightly.until) == (Kind.MISSING_LOCALLY, date(2026, 12, 31))
    assert (of_april.start, of_april.end) == (date(2026, 4, 1), date(2026, 4, 30))
    assert (of_april.at_most, of_april.phone_number) == (None, None)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"kind": '"missing_localy"'}, 'not a kind of finding; did you mean "missing_locally"?'),
        ({"kind": "3"}, "kind: must be text in quotes"),
        ({"kind": None}, 'kind: is missing; write for example kind = "missing_locally"'),
        ({"reason": None}, "reason: is missing; write for example reason ="),
        ({"reason": '" "'}, "reason: is empty; write for example reason ="),
        ({"until": None}, "until: is missing; write for example until ="),
        ({"until": '"soon"'}, 'until: is "soon", but must be a date; write for example 2026-12-31'),
        ({"until": "2026-12-31T10:00:00Z"}, "but must be a date"),
        ({"from": '"22:00"'}, "from: is set without to; set both"),
        ({"to": '"22:00"'}, "to: is set without from; set both"),
        ({"from": '"9 pm"', "to": '"22:00"'}, 'from: is "9 pm", but must be a time of the day or'),
        (
            {"from": '"22:00"', "to": "2026-04-01"},
            "to: must be of the same type as from: a time of day or",
        ),
        ({"from": '"22:00"', "to": '"22:00"'}, "from: is the same as to; leave both out"),
        ({"from": "2026-04-02", "to": "2026-04-01"}, "from: is after to; swap them"),
        (
            {"from": "2027-01-01", "to": "2027-01-31"},
            "from: is after until, so the rule never applies",
        ),
        (
            {"status": '"faild"'},
            'is "faild", which is not a status of Octopods; did you mean "failed',
        ),
        ({"at_most": "0"}, "at_most: is 0, but must be at least 1"),
        ({"at_mots": "3"}, "is not a known key; did you mean at_most?"),
        ({"phone_numbers": '"*"'}, "is not a known key; did you mean phone_number?"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(
    refused: Refused, values: dict[str, str | None], told: str
) -> None:
    [error] = refused(expected(values))
    assert error.startswith("accounts.main.expected, item 1.")
    assert told in error


def test_rules_written_as_one_section_are_refused_with_the_right_brackets(refused: Refused) -> None:
    [error] = refused(expected({}).replace("[[", "[").replace("]]", "]"))
    assert "must be a list; write [[accounts.main.expected]] and its keys below it" in error


def test_a_key_of_a_rule_elsewhere_says_where_it_belongs(refused: Refused) -> None:
    [error] = refused("[matching]\nat_most = 3")
    assert "it belongs in [[accounts.NAME.expected]]" in error
