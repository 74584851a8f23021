"""Foreign text on a terminal."""

from __future__ import annotations

import json

from recon.report.terminal_text import escaped


def test_data_on_a_terminal_cannot_steer_it() -> None:
    content = "a,b\r\n\x1b[2J,\u202eevil\x9b\x7f\r over\r\nÄ,\U000e0001\r\n"
    assert escaped(content) == (
        "a,b\r\n\\u001b[2J,\\u202eevil\\u009b\\u007f\\u000d over\r\nÄ,\\udb40\\udc01\r\n"
    )


def test_json_means_the_same_when_it_is_escaped() -> None:
    value = {"detail": "bad\x9b\u2028\x7f\U000e0001 text, ünd so weiter\n"}
    content = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    assert escaped(content) != content
    assert json.loads(escaped(content)) == value
