"""JSON as bytes from a stranger: depth, encoding and duplicate names are looked at before anything else trusts them.

A refusal is `Invalid` with status 400; its text never holds a part of the input.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NoReturn

import msgspec

from onmaru.fhir.outcome import invalid

DEPTH = 64
"""How many objects and arrays may enclose one another unless a caller says otherwise."""

_ROUND = bytes.maketrans(b"{}[]", b"()()")
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'{}[]"'))
_HIDDEN = re.compile(rb'"[^"]*"')
_encode = msgspec.json.Encoder().encode


class Number(str):
    """A number's token as it was written."""

    __slots__ = ()


class Object(dict[str, Any]):
    """A JSON object that remembers which of its names came more than once."""

    __slots__ = ("repeated",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated: tuple[str, ...] = ()
        if len(self) != len(pairs):
            times = Counter(name for name, _ in pairs)
            self.repeated = tuple(name for name, count in times.items() if count > 1)


def too_deep(raw: bytes, depth: int) -> bool:
    """Whether brackets outside strings nest deeper than `depth`. Exact for well-formed JSON, linear in its length."""
    if raw.count(b"{") + raw.count(b"[") <= depth:
        return False
    bare = raw.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in raw else raw
    bare = bare.translate(_ROUND, _NOT_STRUCTURE).replace(b'""', b"")
    if b'"' in bare:
        bare = _HIDDEN.sub(b"", bare)
    for _ in range(depth):
        if not bare:
            return False
        bare = bare.replace(b"()", b"")
    return bool(bare)


def check_depth(raw: bytes, depth: int = DEPTH) -> None:
    """Refuse JSON that nests deeper than `depth`."""
    if too_deep(raw, depth):
        raise invalid("too-costly", f"The content nests deeper than {depth} levels.")


def members(raw: bytes) -> int:
    """How many `"name":` well-formed compact JSON holds, provided that no name ends in a backslash or a quote."""
    found = raw.count(b'":')
    return found - raw.count(b'\\":') if b"\\" in raw else found


def has_duplicates(raw: bytes) -> bool:
    """Whether any object in well-formed compact JSON names a member twice."""
    try:
        if b'\\":' not in raw and members(raw) == members(_encode(msgspec.json.decode(raw))):
            return False
    except (msgspec.DecodeError, UnicodeEncodeError):
        pass  # a number beyond a float's range: the slow way decides
    found = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len({name for name, _ in pairs}) != len(pairs)

    json.loads(raw, object_pairs_hook=look, parse_int=Number, parse_float=Number)
    return found


def _constant(_: str) -> NoReturn:
    raise ValueError


def parse(raw: bytes, depth: int = DEPTH) -> Any:
    """JSON bytes → Object, list, str, Number, bool or None. Raises Invalid 400 where the bytes are not JSON."""
    if raw.startswith(b"\xef\xbb\xbf"):
        raise invalid("structure", "The content begins with a byte order mark; send UTF-8 without one.")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise invalid("structure", f"The content is not UTF-8 at byte {error.start}.") from None
    check_depth(raw, depth)
    try:
        return json.loads(
            text, object_pairs_hook=Object, parse_int=Number, parse_float=Number, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise invalid("structure", f"The content is not JSON at character {error.pos}.") from None
    except (ValueError, RecursionError):
        raise invalid("structure", "The content is not JSON.") from None
