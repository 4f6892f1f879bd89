"""What a client may ask of the server itself: its catalogues, its tables and what it can do, as Flight SQL's tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

import pyarrow as pa
import re2

from onmaru.app.flight import messages
from onmaru.app.flight.messages import Message

CATALOG, SCHEMA, TABLE = "onmaru", "lake", "TABLE"
_TEXT, _NAME = pa.string(), pa.field("table_type", pa.string(), nullable=False)
_PLACE = [pa.field("catalog_name", _TEXT), pa.field("db_schema_name", _TEXT)]
_INFO = pa.dense_union(
    [
        pa.field("string_value", _TEXT),
        pa.field("bool_value", pa.bool_()),
        pa.field("bigint_value", pa.int64()),
        pa.field("int32_bitmask", pa.int32()),
        pa.field("string_list", pa.list_(pa.field("string_data", _TEXT))),
        pa.field("int32_to_int32_list_map", pa.map_(pa.int32(), pa.list_(pa.int32()))),
    ]
)
# SqlInfo by the kind in the union: name and versions; read only, SQL, no Substrait, no call that cancels; no transactions
_SAID: Mapping[int, Mapping[int, object]] = {
    0: {0: "Onmaru", 1: version("onmaru"), 2: pa.__version__},
    1: {3: True, 4: True, 5: False, 9: False},
    3: {8: 0},
}
# Gives the columns of a table of the lake
Columns = Callable[[str], pa.Schema]


def told(asked: Message, names: Sequence[str], columns: Columns) -> pa.Table | None:
    """The table that answers a question of these kinds; None for any other message. `names`: the tables of the lake."""
    if asked.name == messages.CATALOGS:
        return pa.table({"catalog_name": [CATALOG]}, pa.schema([pa.field("catalog_name", _TEXT, nullable=False)]))
    if asked.name == messages.SCHEMAS:
        found = [SCHEMA] if _here(asked) else []
        place = [_PLACE[0], pa.field("db_schema_name", _TEXT, nullable=False)]
        return pa.table([[CATALOG] * len(found), found], pa.schema(place))
    if asked.name == messages.TYPES:
        return pa.table({"table_type": [TABLE]}, pa.schema([_NAME]))
    if asked.name == messages.INFO:
        return _info({*_wanted(asked)})
    return _tables(asked, names, columns) if asked.name == messages.TABLES else None


def _here(asked: Message) -> bool:
    catalog, schema = asked.text(1), asked.text(2)
    return catalog in (None, CATALOG) and (schema is None or _like(schema, SCHEMA))


def _like(pattern: str, text: str) -> bool:
    """SQL's LIKE: `%` is any text and `_` one character; in time that no pattern makes long."""
    made = "".join(".*" if one == "%" else "." if one == "_" else re2.escape(one) for one in pattern[:200])
    return re2.fullmatch(f"(?s){made}", text) is not None


def _tables(asked: Message, names: Sequence[str], columns: Columns) -> pa.Table:
    pattern, types = asked.text(3), asked.texts(4)
    wanted = _here(asked) and (not types or TABLE in types)
    found = sorted(name for name in names if wanted and (pattern is None or _like(pattern, name)))
    fields = [*_PLACE, pa.field("table_name", _TEXT, nullable=False), _NAME]
    values: list[Sequence[object]] = [[CATALOG] * len(found), [SCHEMA] * len(found), found, [TABLE] * len(found)]
    if asked.flag(5):
        fields.append(pa.field("table_schema", pa.binary(), nullable=False))
        values.append([columns(name).serialize().to_pybytes() for name in found])
    return pa.table([pa.array(one, field.type) for one, field in zip(values, fields, strict=True)], pa.schema(fields))


def _wanted(asked: Message) -> Sequence[int]:
    """The numbers asked for, each in a field of its own or packed into one; none: all."""
    numbers: list[int] = []
    for one in asked.fields.get(1, ()):
        numbers += [one] if isinstance(one, int) else messages.numbers(one)
    return numbers


def _info(wanted: set[int]) -> pa.Table:
    every: list[tuple[int, int, object]] = [
        (number, kind, value)
        for kind, values in _SAID.items()
        for number, value in values.items()
        if not wanted or number in wanted
    ]
    every.sort()
    children: list[list[object]] = [[] for _ in range(_INFO.num_fields)]
    offsets = []
    for _, kind, value in every:
        offsets.append(len(children[kind]))
        children[kind].append(value)
    arrays = [pa.array(values, _INFO.field(kind).type) for kind, values in enumerate(children)]
    names = [_INFO.field(kind).name for kind in range(_INFO.num_fields)]
    kinds, places = pa.array([kind for _, kind, _ in every], pa.int8()), pa.array(offsets, pa.int32())
    union = pa.UnionArray.from_dense(kinds, places, arrays, names)
    fields = [pa.field("info_name", pa.uint32(), nullable=False), pa.field("value", union.type, nullable=False)]
    return pa.table([pa.array([number for number, _, _ in every], pa.uint32()), union], pa.schema(fields))
