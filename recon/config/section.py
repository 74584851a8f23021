"""The base of all sections of the configuration: frozen, strict, with all errors at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError, PydanticKnownError

#: The type of an error whose sentence is already made for the user.
OWN_MESSAGE: Final = "words"

#: The way to a key, from the section or the top on.
Location = tuple[int | str, ...]


def invalid(words: str) -> PydanticCustomError:
    """Return the error with the message `words`, which must not quote a secret."""
    return PydanticCustomError(OWN_MESSAGE, "{words}", {"words": words})


def keys_given(raw: Mapping[str, Any], *keys: str) -> list[str]:
    """Return those of `keys` that have a value; an empty or blank text does not count."""
    return [key for key in keys if raw.get(key) is not None and not is_blank(raw[key])]


def is_blank(value: object) -> bool:
    """Whether a value is a text without anything but blanks, which are removed from every text."""
    return isinstance(value, str) and not value.strip()


class Section(BaseModel):
    """A frozen part of the configuration that refuses keys it does not know.

    The `rules` of a subclass check conditions *between* its keys. They are checked even if single
    values are wrong, so that the user sees every error at once.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        extra="forbid",
        defer_build=True,  # a section is checked as a part of the settings, hardly ever alone
        allow_inf_nan=False,
        hide_input_in_errors=True,  # a traceback must never show what stood in a secret's place
        str_strip_whitespace=True,
    )

    @classmethod
    def rules(cls, raw: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
        """Yield the errors between keys: the path from this section on, and a message.

        Args:
            raw: the section as written, before its values are checked.
        """
        del raw
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _collect_errors(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        errors: list[InitErrorDetails] = []
        section = None
        try:
            section = handler(data)
        except ValidationError as error:
            errors += (_raisable(line) for line in error.errors(include_url=False))
        if isinstance(data, dict):
            errors += (
                InitErrorDetails(type=invalid(words), loc=where, input=None)
                for where, words in cls.rules(data)
            )
        if section is None or errors:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return section


def _raisable(line: ErrorDetails) -> InitErrorDetails:
    """Turn a reported error back into one that can be raised."""
    kind: str | PydanticCustomError = line["type"]
    context = line.get("ctx", {})
    if line["type"] == OWN_MESSAGE:
        kind = invalid(context["words"])
    else:
        try:
            PydanticKnownError(line["type"], context)  # type: ignore[arg-type]
        except KeyError:  # raised by a validator that pydantic wrote in Python, as for paths
            kind = PydanticCustomError(line["type"], "cannot be used", context)
    return InitErrorDetails(type=kind, loc=line["loc"], input=line["input"], ctx=context)
