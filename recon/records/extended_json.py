"""MongoDB's Extended JSON: a value in an object with one key that begins with `$`.

`mongoexport` and Compass write it, in the canonical and the relaxed form:
https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return a decoded value with all extended values in it converted to plain ones.

    A value without a plain form does not change.
    """
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(key, inner)] = value.items()
        if key in _MEANINGS:
            try:
                return _MEANINGS[key](inner)
            except (TypeError, ValueError, OverflowError, InvalidOperation, KeyError):
                return value
    return {key: plain(one) for key, one in value.items()}


def _date(inner: object) -> str:
    """Return a time as text: in milliseconds since the epoch, or in ISO 8601."""
    if isinstance(inner, str):
        return inner
    number = plain(inner)
    return (_EPOCH + timedelta(milliseconds=int(number))).isoformat()


def _timestamp(inner: Mapping[str, Any]) -> int:
    return int(plain(inner["t"]))


def _text(inner: object) -> str:
    if not isinstance(inner, str):
        raise TypeError
    return inner


_MEANINGS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "$date": _date,
    "$oid": _text,
    "$numberLong": int,
    "$numberInt": int,
    "$numberDouble": Decimal,
    "$numberDecimal": Decimal,
    "$timestamp": _timestamp,
    "$uuid": _text,
    "$symbol": _text,
    "$undefined": lambda _: None,
}
