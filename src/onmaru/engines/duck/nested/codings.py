"""What a resource says that it is, flat: a row for each coding, with whose it is, when it was and what was measured.

Its one law: it is made of the rows of the resource tables alone and lies sorted by code, so that what asks for a code reads
the rows of that code and of few others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from onmaru.engines.duck.nested.files import OWN
from onmaru.engines.duck.nested.shape import schema, seen
from onmaru.engines.duck.nested.whose import opened
from onmaru.fhir.columnar import Column

NAME = "Coding"
COLUMNS = ("id", "system", "code", "display", "occurred", "value", "unit")
ORDER = ("code", "system", "_patient", "occurred")
# A file of so many rows is merged no further: sorting it takes some hundred MB
LARGEST = 500_000


class Told(NamedTuple):
    """The element that says what it is, a CodeableConcept or a Coding; where its time stands: the first that is there."""

    what: str
    when: tuple[str, ...]


_DRUG = "medicationCodeableConcept"
_EFFECTIVE = ("effectiveDateTime", "effectivePeriod.start")
_OCCURRENCE = ("occurrenceDateTime", "occurrencePeriod.start")
_ONSET = ("onsetDateTime", "onsetPeriod.start", "recordedDate")
# R4 type → the element with what its search parameter `code`, `type`, `class` or `vaccine-code` finds
ELEMENTS: Mapping[str, Told] = {
    "AllergyIntolerance": Told("code", _ONSET),
    "Appointment": Told("serviceType", ("start",)),
    "ChargeItem": Told("code", (*_OCCURRENCE, "enteredDate")),
    "Condition": Told("code", _ONSET),
    "Coverage": Told("type", ("period.start",)),
    "DiagnosticReport": Told("code", (*_EFFECTIVE, "issued")),
    "DocumentReference": Told("type", ("date",)),
    "Encounter": Told("class", ("period.start",)),
    "EpisodeOfCare": Told("type", ("period.start",)),
    "Flag": Told("code", ("period.start",)),
    "Immunization": Told("vaccineCode", ("occurrenceDateTime",)),
    "MedicationAdministration": Told(_DRUG, _EFFECTIVE),
    "MedicationDispense": Told(_DRUG, ("whenHandedOver", "whenPrepared")),
    "MedicationRequest": Told(_DRUG, ("authoredOn",)),
    "MedicationStatement": Told(_DRUG, (*_EFFECTIVE, "dateAsserted")),
    "Observation": Told("code", (*_EFFECTIVE, "effectiveInstant", "issued")),
    "Procedure": Told("code", ("performedDateTime", "performedPeriod.start")),
    "RiskAssessment": Told("code", _OCCURRENCE),
    "ServiceRequest": Told("code", (*_OCCURRENCE, "authoredOn")),
    "Specimen": Told("type", ("collection.collectedDateTime", "collection.collectedPeriod.start", "receivedTime")),
}


def tree(type_name: str) -> Column:
    """The columns, as of a table of this type."""
    return Column(type_name, "group", columns={name: Column("string", "text") for name in COLUMNS})


def shown() -> pa.Schema:
    """The table's columns as SQL sees them: the resource's type comes after its name."""
    columns = seen(tree(""))
    return columns.insert(1, pa.field("type", pa.string()))


def codings(type_name: str, rows: pa.Table) -> pa.Table | None:
    """The codings of a resource table's rows, an Observation's components with them; None where there are none.

    Whoever writes them sorts them by ORDER.
    """
    told = ELEMENTS.get(type_name)
    if told is None:
        return None
    number = pa.array(range(rows.num_rows), pa.int64())
    when = _first([_at(rows, path) for path in told.when], rows.num_rows)
    parts = [_flat(rows, when, number, [_column(rows, name) for name in (told.what, "valueQuantity")])]
    if type_name == "Observation" and "component" in rows.column_names:
        component, of = opened(_column(rows, "component"), number)
        parts.append(_flat(rows, when, of, [_inner(component, name) for name in ("code", "valueQuantity")]))
    found = [one for one in parts if one is not None and one.num_rows]
    if not found:
        return None
    return pa.concat_tables(found).cast(schema(tree(type_name)))


def _flat(rows: pa.Table, when: Any, of: Any, told: Sequence[Any]) -> pa.Table | None:
    """`told`: the concept and the quantity of each; `of`: the row that it stands in."""
    concept, quantity = told
    if concept is None:
        return None
    coding, place = _coding(concept)
    code = _inner(coding, "code")
    if code is None:
        return None
    there = pc.is_valid(code)
    coding, place = coding.filter(there), place.filter(there)
    row, measured = of.take(place), _taken(quantity, place)
    columns = [
        _column(rows, "id").take(row),
        *(_inner(coding, name, pa.string()) for name in ("system", "code", "display")),
        when.take(row),
        _inner(measured, "value", pa.string()),
        _first([_inner(measured, "code"), _inner(measured, "unit")], len(place)),
        *(_column(rows, field.name).take(row) for field in OWN),
    ]
    return pa.table(columns, names=[*COLUMNS, *OWN.names])


def _coding(concept: Any) -> tuple[Any, Any]:
    """Every Coding of an element that is a Coding, a CodeableConcept or a list of them, and which concept it is of."""
    concept, place = opened(concept, pa.array(range(len(concept)), pa.int64()))
    inner = _inner(concept, "coding")
    return (concept, place) if inner is None else opened(inner, place)


def _column(rows: pa.Table, name: str) -> Any:
    """A column in one piece; None where the table has none of that name."""
    return rows.column(name).combine_chunks() if name in rows.column_names else None


def _at(rows: pa.Table, path: str) -> Any:
    """What stands at a path of single elements."""
    name, *more = path.split(".")
    found = _column(rows, name)
    for one in more:
        found = _inner(found, one)
    return found


def _inner(group: Any, name: str, kind: Any = None) -> Any:
    """A member of each struct; where there is no such member None, or nulls of that kind."""
    if group is not None and pa.types.is_struct(group.type) and group.type.get_field_index(name) >= 0:
        return pc.struct_field(group, name)
    return None if kind is None else pa.nulls(0 if group is None else len(group), kind)


def _taken(quantity: Any, place: Any) -> Any:
    """The quantity of each coding; structs without members where there is none."""
    if quantity is None:
        return pa.array([{}] * len(place), pa.struct([]))
    return quantity.take(place)


def _first(columns: Iterator[Any] | Sequence[Any], rows: int) -> Any:
    """The first value of each row."""
    there = [column for column in columns if column is not None]
    return pc.coalesce(*there) if there else pa.nulls(rows, pa.string())
