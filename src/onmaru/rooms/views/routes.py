"""Views over HTTP: what a definition becomes, a few of its rows, and all of them as a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from onmaru.fhir.columnar import read
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.views import DIALECTS, ViewDefinition, parse
from onmaru.kernel import tabular
from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.kernel.views import Begun, Narrowed, over_lake, permit, sql

SCOPE = "user/*.rs"
FRESH = (("Cache-Control", "no-store"),)
LARGEST = 1_000_000
ROWS = 50


def check(request: Request, hall: Hall) -> Response:
    """POST check: columns, SQL of both dialects and warnings, or every problem with its place; nothing is run."""
    permit(hall.lake)
    try:
        view = _definition(request)
        made = {name: sql(hall.lake, view, dialect) for name, dialect in DIALECTS.items()}
    except Invalid as error:
        return _answer({"issues": [{"at": issue.expression, "text": issue.text} for issue in error.issues]})
    columns = [{"name": one.name, "type": one.type, "many": one.many} for one in made["duckdb"].columns]
    told = {
        "columns": columns,
        "warnings": made["duckdb"].warnings,
        "sql": {name: one.sql for name, one in made.items()},
    }
    return _answer({**told, "issues": []})


def preview(request: Request, hall: Hall) -> Response:
    """POST preview: the first rows, and the position they are true at."""
    permit(hall.lake)
    return Response(200, _previewed(over_lake(hall.lake, _definition(request), Narrowed(limit=ROWS))), headers=FRESH)


def file(request: Request, hall: Hall) -> Response:
    """POST file: all rows. `format`: json, ndjson, csv, parquet or arrow."""
    permit(hall.lake)
    form = dict(request.query).get("format", "csv")
    if form not in tabular.MEDIA:
        raise invalid("value", f"the formats are {', '.join(tabular.MEDIA)}", "format")
    view = _definition(request)
    begun = over_lake(hall.lake, view, Narrowed())
    named = (("Content-Disposition", f'attachment; filename="{view.name or view.resource}.{form}"'),)
    return Response(200, _drawn(begun, form), tabular.MEDIA[form], (*FRESH, *named))


async def _previewed(begun: Begun) -> AsyncIterator[bytes]:
    table, t = await _awaited(begun)
    rows = tabular.written(table, "json")
    columns = [{"name": one.name, "type": one.type, "many": one.many} for one in begun.compiled.columns]
    yield b'{"t":%d,"columns":%b,"rows":%b}' % (t, msgspec.json.encode(columns), rows)


async def _drawn(begun: Begun, form: str) -> AsyncIterator[bytes]:
    table, _ = await _awaited(begun)
    yield await asyncio.to_thread(tabular.written, table, form)


async def _awaited(begun: Begun) -> Any:
    """Computed in a thread; whoever leaves before ends it."""
    try:
        return await asyncio.to_thread(begun)
    except asyncio.CancelledError:
        begun.run.cancel()
        raise


def _definition(request: Request) -> ViewDefinition:
    if len(request.body) > LARGEST:
        raise invalid("too-long", f"has more than {LARGEST:,} bytes", status=413)
    try:
        return parse(read(request.body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("structure", "is not JSON", "ViewDefinition") from None


def _answer(told: Any) -> Response:
    return Response(200, msgspec.json.encode(told), headers=FRESH)


ROUTES = (
    Route("POST", "/check", SCOPE, check),
    Route("POST", "/preview", SCOPE, preview),
    Route("POST", "/file", SCOPE, file),
)
