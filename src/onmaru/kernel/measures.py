"""A Measure over the lake of one caller: its views compiled, its populations counted person by person.

Its one law: what a Measure says is run over rows that the caller may see, and what leaves a run is what we count from it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from onmaru.fhir.columnar import read
from onmaru.fhir.measure import Measure, parse
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.search import parse as parse_search
from onmaru.fhir.views import DIALECTS, ViewDefinition, compile
from onmaru.fhir.views import parse as parse_view
from onmaru.kernel.entry import ID
from onmaru.kernel.lake import Lake, Script
from onmaru.kernel.log import Version
from onmaru.kernel.record import Record
from onmaru.kernel.views import tree_of

REACHED = "measure_reached"
# The system of the identifier that a Measure which comes with the house is kept by; its value is the Measure's name
SHIPPED = "urn:onmaru:measure"
_DUCK = DIALECTS["duckdb"]
# Who can be counted: whoever is in the record as a patient and was not set aside, as a merged record is
_WHO = {
    "name": "measure_patient",
    "resource": "Patient",
    "select": [
        {
            "column": [
                {"name": "patient", "path": "getResourceKey()", "type": "string"},
                {"name": "active", "path": "active", "type": "boolean"},
                {"name": "replaced", "path": "link.where(type = 'replaced-by').exists()", "type": "boolean"},
            ]
        }
    ],
}


class Asked(msgspec.Struct, frozen=True):
    """A Measure with its views and the year asked of. `id` and `version`: of the resource; `digest`: of what is run."""

    id: str
    version: int
    measure: Measure
    views: tuple[ViewDefinition, ...]
    year: int
    digest: str

    @property
    def tables(self) -> tuple[str, ...]:
        """The resource tables that its views read."""
        return tuple(dict.fromkeys(["Patient", *(view.resource for view in self.views)]))


def asked(record: Record, id: str, year: int, version: int | None = None) -> Asked:
    """A Measure of the record, by its id or the name it was shipped under, with its Libraries.

    `Invalid` 404, or 422 where it cannot be counted.
    """
    if not ID.fullmatch(id):
        raise invalid("value", "not the id of a Measure", "measure")
    found = _measure(record, id, version)
    return of(record, read(found.body or b"{}"), found.id, found.version, year)


def of(record: Record, said: Mapping[str, Any], id: str, version: int, year: int) -> Asked:
    """The same of a Measure that was read, or that is nobody's yet; what it does not contain is looked for in the record."""
    measure = parse(said)
    views = tuple(_view(record, said, name) for name in measure.libraries)
    names = [view.name.casefold() for view in views]
    if "" in names or len({*names}) < len(names):
        raise invalid("value", "its views need names, each its own", "Measure.library", 422)
    whole = msgspec.json.encode([measure, views, year])
    return Asked(id, version, measure, views, year, sha256(whole).hexdigest())


def _measure(record: Record, id: str, version: int | None) -> Version:
    try:
        return record.read("Measure", id, version)
    except Invalid as error:
        named = parse_search(("Measure",), [("identifier", f"{SHIPPED}|{id}"), ("_count", "1")])
        if version is not None or error.status not in (404, 410) or not (matches := record.search(named).matches):
            raise
        return matches[0]


def _view(record: Record, said: Mapping[str, Any], name: str) -> ViewDefinition:
    """The ViewDefinition in a Library: contained (`#id`), of the record (`Library/id`), or by its canonical url."""
    library = _contained(said, name[1:]) if name.startswith("#") else _library(record, name)
    try:
        return parse_view(_held(library))
    except Invalid as error:
        raise Invalid(
            [msgspec.structs.replace(one, expression=f"Measure.library.{one.expression}") for one in error.issues], 422
        ) from None


def _contained(said: Mapping[str, Any], id: str) -> Mapping[str, Any]:
    for one in said.get("contained") or ():
        if one.get("id") == id and one.get("resourceType") == "Library":
            found: Mapping[str, Any] = one
            return found
    raise invalid("not-found", "names a contained Library that is not there", "Measure.library", 422)


def _library(record: Record, name: str) -> Mapping[str, Any]:
    id = name.removeprefix("Library/")
    if id != name and ID.fullmatch(id):
        return _decoded(record.read("Library", id).body)
    url, _, version = name.partition("|")
    pairs = [("url", url), *([("version", version)] if version else []), ("_count", "2")]
    matches = record.search(parse_search(("Library",), pairs)).matches
    if not matches:
        raise invalid("not-found", "names a Library that is not there", "Measure.library", 422)
    return _decoded(matches[0].body)


def _decoded(body: bytes | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = read(body or b"{}")
    return found


def _held(library: Mapping[str, Any]) -> Any:
    for content in library.get("content") or ():
        if str(content.get("contentType")).startswith("application/json") and "data" in content:
            try:
                return read(base64.b64decode(content["data"]))
            except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                break
    raise invalid("structure", "a Library without a ViewDefinition as JSON", "Measure.library", 422)


def statements(lake: Lake, asked: Asked) -> list[str]:
    """SQL that makes REACHED: `patient` (as `Patient/id`), `passed` (how many steps, the first counted) and `excluded`."""
    made = [_period(asked.year), *(viewed(lake, view) for view in (parse_view(_WHO), *asked.views))]
    for place, population in enumerate(asked.measure.populations):
        made.append(
            f"CREATE TABLE measure_population_{place} AS SELECT DISTINCT CAST(said.patient AS VARCHAR) AS patient "  # noqa: S608 - fhir.measure.fault read it
            f"FROM (\n{population.sql}\n) AS said WHERE said.patient IS NOT NULL"
        )
    return [*made, _reached(asked.measure)]


def _period(year: int) -> str:
    """`since` and `before` as texts: FHIR's dates compare with them as they are, however exact they are."""
    return f"CREATE TABLE period AS SELECT '{year:04}' AS since, '{year + 1:04}' AS before"


def table(lake: Lake, view: ViewDefinition, where: str) -> str:
    """The statement that makes a table of a view's rows, under its name. `where`: of which of them."""
    return f"CREATE TABLE {_DUCK.quoted(view.name)} AS SELECT * FROM ({_sql(lake, view)}) AS of_view WHERE {where}"  # noqa: S608 - texts of our own


def viewed(lake: Lake, view: ViewDefinition) -> str:
    """The statement that gives a view its name: who asks it reads what it asks for and makes no other row."""
    return f"CREATE VIEW {_DUCK.quoted(view.name)} AS {_sql(lake, view)}"


def _sql(lake: Lake, view: ViewDefinition) -> str:
    return compile(view, tree_of(view.resource, lake.layout(view.resource).columns), _DUCK, _source(view)).sql


def _source(view: ViewDefinition) -> str:
    return _DUCK.quoted(view.resource)


def _reached(measure: Measure) -> str:
    passed, excluded, joins, steps = ["WHEN false THEN 0"], ["false"], [], 0
    for place, population in enumerate(measure.populations[1:], 1):
        joins.append(f"LEFT JOIN measure_population_{place} s{place} ON s{place}.patient = w.patient")
        if population.excludes:
            among = [f"s{n}.patient IS NOT NULL" for n in _leading(measure, place)]
            excluded.append(f"({' AND '.join([*among, f's{place}.patient IS NOT NULL'])})")
        else:
            steps += 1
            passed.append(f"WHEN s{place}.patient IS NULL THEN {steps}")
    return (
        f"CREATE TABLE {REACHED} AS SELECT w.patient, CASE {' '.join(passed)} ELSE {steps + 1} END AS passed, "  # noqa: S608 - numbers of our own
        f"{' OR '.join(excluded)} AS excluded FROM measure_patient w "
        f"JOIN measure_population_0 s0 ON s0.patient = w.patient {' '.join(joins)} "
        "WHERE w.active IS NOT FALSE AND w.replaced IS NOT TRUE"
    )


def _leading(measure: Measure, before: int) -> Sequence[int]:
    return [n for n, one in enumerate(measure.populations[:before]) if n and not one.excludes]


def script(name: str, asked: Asked, made: Sequence[str], results: tuple[str, ...], seconds: float) -> Script:
    """A script of a measure's statements and what is counted from them."""
    return Script(name, tuple(made), asked.tables, results, seconds=seconds)
