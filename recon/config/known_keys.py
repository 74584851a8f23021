"""The known keys and their shapes, for the environment, error messages and docs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Final, NamedTuple, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from recon.config.section import Section
from recon.config.settings import Settings

#: Represents a name that the user chooses, and the position in a list.
ANY: Final = "*"


class Shape(NamedTuple):
    """The possible content of one place in the configuration."""

    section: type[Section] | None = None
    """The class of a section, whose fields are its keys."""
    entries: Shape | None = None
    """For a table whose keys the user chooses: the shape of each entry."""
    is_list: bool = False
    item: Shape | None = None
    """For a list of sections: the class of each."""
    field: FieldInfo | None = None
    """The definition, if this is a key."""

    @property
    def is_table(self) -> bool:
        """Whether this place has keys, not a value."""
        return self.section is not None or self.entries is not None

    def fields(self) -> Mapping[str, FieldInfo]:
        """Return the section's keys; none if it is not a section."""
        known = {} if self.section is None else self.section.model_fields
        return {field.alias or name: field for name, field in known.items()}

    def below(self, key: int | str) -> Shape | None:
        """Return the shape of `key`, `None` if it does not exist."""
        if self.entries is not None:
            return self.entries
        if self.item is not None:
            return self.item if isinstance(key, int) or key == ANY else None
        field = self.fields().get(str(key))
        return None if field is None else _shape(field.annotation, field)


def _shape(annotation: object, field: FieldInfo | None = None) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _shape(arguments[0], field)
    if origin in (Union, UnionType):
        kinds = [each for each in arguments if each is not NoneType]
        return _shape(kinds[0], field) if len(kinds) == 1 else Shape(field=field)
    if origin is Mapping:
        return Shape(entries=_shape(arguments[1]), field=field)
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return Shape(section=annotation, field=field)
    if origin is not tuple:
        return Shape(field=field)
    item = _shape(arguments[0])
    return Shape(is_list=True, item=item if item.is_table else None, field=field)


#: The whole configuration.
TOP = Shape(section=Settings)


def shape_at(location: Sequence[int | str]) -> Shape | None:
    """Return the shape at `location`, `None` if no value is possible there."""
    here: Shape | None = TOP
    for key in location:
        here = here.below(key) if here is not None else None
    return here


def all_keys(
    shape: Shape = TOP, above: tuple[str, ...] = (), *, in_lists: bool = False
) -> Iterator[tuple[str, ...]]:
    """Yield the path of every key with a value; `*` is a name that the user chooses.

    Args:
        shape: where to begin.
        above: the way to there.
        in_lists: whether to yield the keys of sections in a list, below `*` for their position,
            instead of the list.
    """
    if shape.entries is not None:
        yield from all_keys(shape.entries, (*above, ANY), in_lists=in_lists)
    elif in_lists and shape.item is not None:
        yield from all_keys(shape.item, (*above, ANY), in_lists=in_lists)
    elif shape.section is not None:
        for name in shape.fields():
            below = shape.below(name)
            assert below is not None
            yield from all_keys(below, (*above, name), in_lists=in_lists)
    else:
        yield above
