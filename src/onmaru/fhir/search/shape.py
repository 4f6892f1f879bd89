"""The shape of a Struct as paths see it: which attributes an element name stands for, choices included."""

from __future__ import annotations

import types
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import msgspec

Struct = type[msgspec.Struct]


class Element(NamedTuple):
    """One attribute. `type` names what it holds: a Struct, a choice's suffix or a Python primitive; `struct` its class."""

    attribute: str
    many: bool
    type: str
    struct: Struct | None


@cache
def elements(struct: Struct) -> Mapping[str, tuple[Element, ...]]:
    """Elements by path name: `value` stands for every `value[x]` unless an element is called just that."""
    named: dict[str, tuple[Element, ...]] = {}
    for field in msgspec.structs.fields(struct):
        many, held = _held(field.type)
        named[field.encode_name] = (Element(field.name, many, _called(held), _struct(held)),)
    choices: dict[str, list[Element]] = {}
    for name, (element,) in named.items():
        for at, letter in enumerate(name):
            if at and letter.isupper() and name[:at] not in named:
                choices.setdefault(name[:at], []).append(element._replace(type=name[at:]))
    return named | {name: tuple(found) for name, found in choices.items()}


def _held(annotation: Any) -> tuple[bool, Any]:
    """Whether it is a list, and the type inside of Optional, Annotated and list."""
    many = False
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin is Union or origin is types.UnionType:
            annotation = next(one for one in get_args(annotation) if one is not type(None))
        elif origin is list:
            many, annotation = True, get_args(annotation)[0]
        else:
            return many, annotation


def _struct(held: Any) -> Struct | None:
    return held if isinstance(held, type) and issubclass(held, msgspec.Struct) else None


def _called(held: Any) -> str:
    return str(getattr(held, "__name__", held))
