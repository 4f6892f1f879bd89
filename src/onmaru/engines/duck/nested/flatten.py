"""Bodies of one type to Arrow columns, at the speed of Arrow's own JSON reader.

Its one law: it gives what `columnar.row` gives for each body; what the fast reader cannot take goes that way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.json as reader

from onmaru.engines.duck.nested.shape import decimals, elements, found
from onmaru.fhir import columnar
from onmaru.fhir.columnar import Column, defined, filled, row, union

BLOCK = 4 << 20
# How much is quoted in one go: other threads wait for it
SLICE = 256 << 10
# Resources within are text in a table, and the fast reader cannot make text of an object
WITHIN = b'"contained":['
HOLDING = frozenset({"Bundle", "Parameters"})
_encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def flatten(tree: Column, bodies: Sequence[bytes]) -> tuple[pa.Table, Column]:
    """A row for each compact body, and the tree of the table: `tree` with every further column that the bodies fill."""
    lines, tree = _plain(tree, bodies)
    try:
        return _read(tree, lines)
    except pa.ArrowInvalid:
        return _by_row(tree, bodies)


def _read(tree: Column, lines: Sequence[bytes]) -> tuple[pa.Table, Column]:
    """Read with the columns known so far; where more are met, once more with all of them."""
    table = _json(tree, lines, "infer")
    wider = union(tree, Column(tree.type, "group", columns=found(tree.type, table.schema)))
    if wider != tree:
        table = _json(wider, lines, "infer")
    wanted = elements(wider)
    if any(table.schema.field(field.name).type != field.type for field in wanted):
        table = _json(wider, lines, "ignore")
    return table.select(wanted.names), wider


def _json(tree: Column, lines: Sequence[bytes], unexpected: str) -> pa.Table:
    data = b"\n".join(_quoted(tree, lines))
    longest = max(map(len, lines))
    return reader.read_json(
        pa.BufferReader(data),
        reader.ReadOptions(block_size=max(BLOCK, 2 * longest)),
        reader.ParseOptions(explicit_schema=elements(tree), unexpected_field_behavior=unexpected),
    )


def _quoted(tree: Column, lines: Sequence[bytes]) -> Iterator[bytes]:
    """The lines with their decimals as strings: in compact JSON `"value":5` is a member, for text has `\\"` there."""
    names = decimals(tree)
    if not names:
        yield from lines
        return
    number = re.compile(rb'("(?:%s)":)(-?[0-9][0-9.eE+-]*)' % "|".join(names).encode())
    for part in _parts(lines):
        # Every third piece is a number; putting a template together for each takes three times as long
        pieces = number.split(part)
        pieces[2::3] = [b'"%b"' % one for one in pieces[2::3]]
        yield b"".join(pieces)


def _parts(lines: Iterable[bytes]) -> Iterator[bytes]:
    part: list[bytes] = []
    size = 0
    for line in lines:
        part.append(line)
        size += len(line)
        if size >= SLICE:
            yield b"\n".join(part)
            part, size = [], 0
    if part:
        yield b"\n".join(part)


def _plain(tree: Column, bodies: Sequence[bytes]) -> tuple[Sequence[bytes], Column]:
    """The bodies without resources within, which become text; the tree has their columns."""
    if tree.type in HOLDING:
        read = [columnar.read(body) for body in bodies]
        tree = union(tree, filled(tree.type, read))
        return [_encode(_without_nulls(row(tree, resource))) for resource in read], tree
    within = [n for n, body in enumerate(bodies) if WITHIN in body]
    if not within:
        return bodies, tree
    only = Column(tree.type, "group", columns={"contained": defined(tree.type)["contained"]})
    lines = list(bodies)
    for n in within:
        lines[n] = _with_text(only, bodies[n])
    return lines, union(tree, only)


def _with_text(only: Column, body: bytes) -> bytes:
    """A body with what it contains as text, its other members untouched; `only` is the tree of that column."""
    members = _members(body)
    if "contained" not in members:
        return body
    held = row(only, {"contained": columnar.read(members["contained"])})
    return _encode({**members, "contained": held["contained"]})


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(held) for name, held in value.items() if held is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _by_row(tree: Column, bodies: Sequence[bytes]) -> tuple[pa.Table, Column]:
    read = [columnar.read(body) for body in bodies]
    tree = union(tree, filled(tree.type, read))
    return pa.Table.from_pylist([row(tree, resource) for resource in read], elements(tree)), tree
