"""JSON Patch (RFC 6902) on the JSON of one resource; all operations or none, and each refusal names the operation.

`resource` is what `fhirpath.read` gives: dict, list, str, bool, int and Decimal, changed in place.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from onmaru.fhir.fhirpath import read
from onmaru.fhir.fhirpath.results import encode
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.syntax import DEPTH

MOST = 1000
"""Operations of one patch."""
GROWTH = 4 << 20
"""Bytes that all copies of one patch may add together: copies of copies double."""
_PLACE = re.compile(r"0|[1-9][0-9]{0,9}")


class Operation(msgspec.Struct, frozen=True):
    """One operation; `value` is kept as JSON until it is put in place."""

    op: str
    path: str
    source: str | None = msgspec.field(default=None, name="from")
    value: msgspec.Raw = msgspec.Raw()


def operations(raw: bytes) -> list[Operation]:
    """Read a patch document. Raises Invalid 400 for what is none."""
    try:
        found = msgspec.json.decode(raw, type=list[Operation])
    except msgspec.MsgspecError:
        raise invalid("structure", "this is no JSON Patch: a list of operations with op and path") from None
    if len(found) > MOST:
        raise invalid("too-costly", f"a patch may have {MOST} operations", status=413)
    return found


def patched(resource: Any, found: list[Operation]) -> Any:
    """The resource with all operations carried out in order.

    Raises Invalid 400 for a malformed operation, 422 where it does not fit the resource or its test fails.
    """
    copied = 0
    for number, one in enumerate(found):
        try:
            if one.op == "copy":
                copied += len(encode(_found(resource, _source(one))))
            if copied > GROWTH:
                raise invalid("too-costly", f"the copies of a patch may add {GROWTH} bytes", status=413)
            resource = _DO.get(one.op, _unknown)(resource, one)
        except _Misfit as misfit:
            raise invalid("processing", str(misfit), f"[{number}]", 422) from None
        except Invalid as refusal:
            first = refusal.issues[0]
            raise invalid(first.code, first.text, f"[{number}]", refusal.status) from None
    return resource


class _Misfit(Exception):
    """The operation is well formed but does not fit this resource."""


def _unknown(resource: Any, one: Operation) -> Any:
    raise invalid("value", "op is one of add, remove, replace, move, copy and test")


def _value(one: Operation) -> Any:
    if not bytes(one.value):
        raise invalid("required", "this operation needs a value")
    try:
        return read(one.value)
    except msgspec.MsgspecError:
        raise invalid("value", "this operation's value holds a number out of range") from None


def _source(one: Operation) -> str:
    if one.source is None:
        raise invalid("required", "this operation needs from")
    return one.source


def _steps(pointer: str) -> list[str]:
    """The reference tokens of a JSON Pointer (RFC 6901)."""
    if pointer and pointer[0] != "/":
        raise invalid("value", "a JSON Pointer begins with /")
    if pointer.count("/") > DEPTH:
        raise invalid("too-costly", f"a path may have {DEPTH} steps")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _at(owner: Any, step: str) -> Any:
    if isinstance(owner, dict) and step in owner:
        return owner[step]
    if isinstance(owner, list):
        return owner[_place(owner, step, len(owner) - 1)]
    raise _Misfit("there is nothing at this path")


def _place(owner: list[Any], step: str, last: int) -> int:
    if not _PLACE.fullmatch(step) or int(step) > last:
        raise _Misfit("there is no such place in the list")
    return int(step)


def _found(resource: Any, pointer: str) -> Any:
    for step in _steps(pointer):
        resource = _at(resource, step)
    return resource


def _owner(resource: Any, pointer: str) -> tuple[Any, str]:
    *steps, last = _steps(pointer)
    for step in steps:
        resource = _at(resource, step)
    return resource, last


def _put(resource: Any, pointer: str, value: Any) -> Any:
    if not pointer:
        return value
    owner, last = _owner(resource, pointer)
    if isinstance(owner, dict):
        owner[last] = value
    elif isinstance(owner, list):
        owner.insert(len(owner) if last == "-" else _place(owner, last, len(owner)), value)
    else:
        raise _Misfit("there is nothing to add to at this path")
    return resource


def _taken(resource: Any, pointer: str) -> Any:
    if not pointer:
        raise _Misfit("a resource cannot be removed by a patch")
    owner, last = _owner(resource, pointer)
    found = _at(owner, last)
    del owner[last if isinstance(owner, dict) else int(last)]
    return found


def _add(resource: Any, one: Operation) -> Any:
    return _put(resource, one.path, _value(one))


def _remove(resource: Any, one: Operation) -> Any:
    _taken(resource, one.path)
    return resource


def _replace(resource: Any, one: Operation) -> Any:
    if not one.path:
        return _value(one)
    owner, last = _owner(resource, one.path)
    _at(owner, last)
    owner[last if isinstance(owner, dict) else int(last)] = _value(one)
    return resource


def _move(resource: Any, one: Operation) -> Any:
    source = _source(one)
    if one.path.startswith(f"{source}/"):
        raise invalid("value", "nothing can be moved into itself")
    return _put(resource, one.path, _taken(resource, source))


def _copy(resource: Any, one: Operation) -> Any:
    return _put(resource, one.path, copy.deepcopy(_found(resource, _source(one))))


def _test(resource: Any, one: Operation) -> Any:
    if not _same(_found(resource, one.path), _value(one)):
        raise _Misfit("the test does not hold")
    return resource


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is no 1, and 1 is 1.0 (RFC 6902, 4.6)."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


_DO: Mapping[str, Callable[[Any, Operation], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
