"""Strict decoding of R4 resources from bytes: everything that the definitions forbid is refused, every problem at once.

The fast way (typed decoding and a few searches in the bytes) accepts only what it is sure of; whatever it refuses or
suspects goes to `validation`, which alone decides and names each path. Both must agree: a property test holds them to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import msgspec

from onmaru.fhir.definitions import RESOURCE_TYPES, elements, kinds
from onmaru.fhir.outcome import Invalid, Issue
from onmaru.fhir.structs import decoder, struct
from onmaru.fhir.syntax import DEPTH, check_depth, members
from onmaru.fhir.validation import REPEATED, problems

__all__ = ["RESOURCE_TYPES", "admit", "decode", "elements", "envelope", "stored", "struct", "type_of"]

_HEAD = re.compile(rb'\{"resourceType":"([A-Za-z]+)"')
_SIBLING_ARRAY = re.compile(rb'"_[A-Za-z0-9]+":\[')
_STAND_IN = b'{"resourceType":"Basic"}'
_ONLY_ID = re.compile(rb'\{"id":"[^"]*"\}')
_CONTROL = re.compile(rb"\\u00[01]|\\[bf]")
_HUGE = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]{15,}|-?[0-9][0-9.]*[eE][0-9+-]+')


class _Head(msgspec.Struct):
    resourceType: str = ""


_head = msgspec.json.Decoder(_Head)
_encode = msgspec.json.Encoder().encode


class _Doubt(Exception):
    """The fast way is not sure."""


def type_of(raw: bytes) -> str:
    """The resource type that JSON bytes claim, "" where they claim none that R4 knows."""
    match = _HEAD.match(raw)
    try:
        name = match[1].decode() if match else _head.decode(raw).resourceType
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return name if name in RESOURCE_TYPES else ""


@cache
def _unsigned_arrays() -> frozenset[str]:
    """Resource types with a repeating unsignedInt somewhere."""
    return frozenset(
        type_name.partition(".")[0]
        for type_name in kinds()
        for element in elements(type_name)
        if "unsignedInt" in element.types and element.max != 1
    )


def _sure(raw: bytes, name: str) -> bool:
    """Whether compact bytes hold none of the signs of what typed decoding does not see."""
    if b"{}" in raw or b"null" in raw or (b'{"id":"' in raw and _ONLY_ID.search(raw)):
        return False
    if b"\\" in raw and _CONTROL.search(raw):
        return False
    if b":-0" in raw or (name in _unsigned_arrays() and b"-0" in raw):  # -0 is an integer but no unsignedInt
        return False
    return not (b'"_' in raw and _SIBLING_ARRAY.search(raw))


def _parts(parameters: Any) -> Iterator[Any]:
    for one in parameters or ():
        yield one
        yield from _parts(one.part)


def _nested(resource: Any, name: str) -> Iterator[Any]:
    """Resources inside a resource, as Raw, but for `contained`."""
    if name == "Bundle":
        for entry in resource.entry or ():
            yield entry.resource
            yield entry.response and entry.response.outcome
    elif name == "Parameters":
        for one in _parts(resource.parameter):
            yield one.resource


def _fast(raw: bytes, name: str, deep: bool) -> Any:
    """Decode compact bytes. Raises _Doubt or one of the decoder's errors unless the resource is surely valid."""
    resource = decoder(name).decode(raw)
    if not _sure(raw, name) or members(raw) != members(_encode(resource)):
        raise _Doubt
    for inner in getattr(resource, "contained", None) or ():
        inner = bytes(inner)
        if getattr(_fast(inner, type_of(inner), True), "contained", None) is not None:
            raise _Doubt
    if deep and name in ("Bundle", "Parameters"):
        for inner in _nested(resource, name):
            if inner is not None:
                inner = bytes(inner)
                _fast(inner, type_of(inner), True)
    return resource


def _saturated(raw: bytes) -> bytes:
    """Numbers that no float holds become the largest: a Struct is for reading, the stored tokens stay as they are."""

    def put(match: re.Match[bytes]) -> bytes:
        token = match[0]
        if token[:1] == b'"' or abs(float(token)) != float("inf"):
            return token
        return b"-1.7976931348623157e308" if token[:1] == b"-" else b"1.7976931348623157e308"

    return _HUGE.sub(put, raw)


def _slow(raw: bytes, type_name: str | None, deep: bool, depth: int) -> Any:
    found = problems(raw, type_name, deep=deep, depth=depth)
    if found:
        raise Invalid(found, 400 if any(issue.text == REPEATED for issue in found) else 422)
    try:
        return stored(raw, type_name or type_of(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # the two ways disagree: safe, and a defect
        raise Invalid([Issue("structure", "The content cannot be decoded.")], 422) from None


def admit(
    raw: bytes, type_name: str | None = None, *, deep: bool = True, depth: int = DEPTH, compacted: bool = False
) -> tuple[bytes, Any]:
    """(compact bytes, Struct) of one resource: `decode` for a writer, who stores the bytes.

    The compact bytes are the received tokens without insignificant white space. With `deep` False the resources inside a
    Bundle's entries and Parameters are left unchecked, for a caller that admits each of them itself. `compacted`: the
    bytes came out of `admit` or `verbatim.compact`, or are an entry of such a Bundle.
    Raises Invalid: 400 where the bytes are not JSON, nest deeper than `depth` or name a member twice, 422 otherwise, with
    every problem.
    """
    check_depth(raw, depth)
    try:
        compact = raw if compacted else msgspec.json.format(raw, indent=-1)
        name = type_of(compact)
        if name and (type_name is None or name == type_name):
            return compact, _fast(compact, name, deep)
    except (_Doubt, msgspec.DecodeError, UnicodeDecodeError, AttributeError, KeyError, RecursionError):
        pass
    resource = _slow(raw, type_name, deep, depth)
    return msgspec.json.format(raw, indent=-1), resource


def envelope(small: bytes, resources: Iterable[bytes | None]) -> None:
    """Check a compact Bundle without the resources of its entries, which `resources` gives in their order.

    For a caller that admits each resource itself: what is large is then looked at once. Errors are `admit`'s.
    """
    parts, at = [], 0
    for resource in resources:
        if resource is not None and resource[:1] == b"{":
            found = small.index(resource, at)
            parts += [small[at:found], _STAND_IN]
            at = found + len(resource)
    admit(b"".join([*parts, small[at:]]), "Bundle", deep=False, compacted=True)


def decode(raw: bytes, type_name: str | None = None, *, deep: bool = True, depth: int = DEPTH) -> Any:
    """The Struct of one resource of `type_name` (None: whatever the bytes say). Arguments and errors are `admit`'s."""
    return admit(raw, type_name, deep=deep, depth=depth)[1]


def stored(raw: bytes, type_name: str) -> Any:
    """The Struct of bytes that `admit` gave, with nothing checked again but their types: for readers of the log."""
    try:
        return decoder(type_name).decode(raw)
    except msgspec.ValidationError:
        return decoder(type_name).decode(_saturated(raw))
