"""An answer of the lake as a file: JSON, NDJSON, CSV, Parquet or Arrow. Numbers are the same number in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

MEDIA: Mapping[str, str] = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
BATCH = 10_000
_encode = msgspec.json.Encoder().encode


def written(table: pa.Table, form: str, *, header: bool = True) -> bytes:
    """The whole table in one of MEDIA's forms. `header`: of CSV, whose lists and groups are JSON."""
    return _FORMS[form](table) if form != "csv" else _csv(table, header)


def _plain(value: Any) -> Any:
    """A value as JSON has it; a decimal without zeros that say nothing."""
    if isinstance(value, Decimal):
        return msgspec.Raw(f"{value.normalize():f}".encode())
    if isinstance(value, dict):
        return {name: _plain(held) for name, held in value.items() if held is not None}
    return [_plain(held) for held in value] if isinstance(value, list) else value


def _rows(table: pa.Table) -> list[bytes]:
    return [
        _encode({name: _plain(value) for name, value in row.items()})
        for batch in table.to_batches(BATCH)
        for row in batch.to_pylist()
    ]


def _json(table: pa.Table) -> bytes:
    return b"[" + b",\n".join(_rows(table)) + b"]"


def _ndjson(table: pa.Table) -> bytes:
    return b"".join(row + b"\n" for row in _rows(table))


def _csv(table: pa.Table, header: bool) -> bytes:
    for place, field in enumerate(table.schema):
        if pa.types.is_nested(field.type) or pa.types.is_decimal(field.type):
            texts = [None if value is None else _text(value) for value in table.column(place).to_pylist()]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(include_header=header))
    return bytes(sink.getvalue())


def _text(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else _encode(_plain(value)).decode()


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def _arrow(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


_FORMS: Mapping[str, Callable[[pa.Table], bytes]] = {
    "json": _json,
    "ndjson": _ndjson,
    "parquet": _parquet,
    "arrow": _arrow,
}
