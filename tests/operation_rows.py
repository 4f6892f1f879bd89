"""What every kind of caller gets of each operation on the record: rows of the gate's matrix that share one house."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple


class Row(NamedTuple):
    """As in test_gate_matrix: one request and what each of its COLUMNS gets."""

    name: str
    method: str
    url: str
    body: Any
    headers: dict[str, str]
    expected: str


# none expired revoked, wrong, other, stranger, barred, then the roles: physician nurse registrar researcher data-manager
# board-member patient admin system
FOUND = "401 401 401 403 403 404 404  200 200 403 403 200 403 200 403 200"
VISIT = "401 401 401 403 403 404 404  200 200 200 403 200 403 200 403 200"
# What is nobody's shows each what it may see of it, perhaps nothing
EVERYBODY = "401 401 401 200 403 200 200  200 200 200 200 200 200 200 200 200"
UNNAMED = "401 401 401 403 403 404 404  200 200 403 403 200 403 404 403 200"
PERSON = "401 401 401 403 403 404 404  200 200 200 403 200 403 200 403 200"
PEOPLE = "401 401 401 403 403 200 200  200 200 200 403 200 403 200 403 200"


def given(**values: Any) -> dict[str, Any]:
    """A Parameters body: `name=("valueX", value)`."""
    return {"resourceType": "Parameters", "parameter": [{"name": n, k: v} for n, (k, v) in values.items()]}


TAGS = given(meta=("valueMeta", {"tag": [{"system": "urn:t", "code": "a"}]}))
CHANGED = "401 401 401 403 403 404 404  200 200 403 403 200 403 403 403 200"

STATS = "subject=Patient/p1&code=8310-5&statistic=total-count"
LISTED = "401 401 401 403 403 200 200  200 200 403 403 200 403 200 403 200"

# p1's, in the house of these rows alone
COMPOSITION = {
    "resourceType": "Composition", "id": "k1", "status": "final", "type": {"text": "x"}, "date": "2026", "title": "x",
    "subject": {"reference": "Patient/p1"}, "author": [{"reference": "Patient/p1"}],
    "section": [{"entry": [{"reference": "Observation/o1"}]}],
}  # fmt: skip
BORN = {"resourceType": "Patient", "birthDate": "1970-01-01"}

COUNTED = given(header=("valueBoolean", True))
COUNTED["parameter"] += [
    {"name": "viewResource", "resource": {"resourceType": "ViewDefinition", "resource": "Patient",
                                          "select": [{"column": [{"name": "id", "path": "id"}]}]}},
    {"name": "_format", "valueCode": "csv"},
]  # fmt: skip
LIBRARY = {
    "resourceType": "Library", "id": "l1", "status": "active", "type": {"text": "view"},
    "content": [{"contentType": "application/json",
                 "data": base64.b64encode(json.dumps(COUNTED["parameter"][1]["resource"]).encode()).decode()}],
}  # fmt: skip
# Rows of the lake are for data managers; who may read Slots only gets a table without rows
VIEWED = "401 401 401 200 403 403 403  403 403 403 403 200 403 403 403 200"
STORED = "401 401 401 403 403 403 403  403 403 403 403 200 403 403 403 200"

ROWS = [
    Row("view", "POST", "/fhir/ViewDefinition/$viewdefinition-run", COUNTED, {}, VIEWED),
    Row("view stored", "GET", "/fhir/ViewDefinition/$viewdefinition-run?viewReference=Library/l1", b"", {}, STORED),
    Row("view, earlier name", "POST", "/fhir/ViewDefinition/$run", COUNTED, {}, VIEWED),
    Row("view, earlier name", "GET", "/fhir/ViewDefinition/$run?viewReference=Library/l1&_format=csv", b"", {}, STORED),
    Row("view of a library", "GET", "/fhir/Library/l1/$viewdefinition-run", b"", {}, STORED),
    Row(
        "view of a library posted",
        "POST",
        "/fhir/Library/l1/$viewdefinition-run",
        given(header=("valueBoolean", True)),
        {},
        STORED,
    ),
    Row("document", "GET", "/fhir/Composition/k1/$document", b"", {}, FOUND),
    Row("document posted", "POST", "/fhir/Composition/k1/$document", b"", {}, FOUND),
    Row("document by id", "GET", "/fhir/Composition/$document?id=k1", b"", {}, FOUND),
    Row("document by id posted", "POST", "/fhir/Composition/$document?id=k1", b"", {}, FOUND),
    Row("index status", "GET", "/fhir/SearchParameter/$index-status", b"", {}, LISTED),
    Row("match", "POST", "/fhir/Patient/$match", BORN, {}, PEOPLE),
    Row("diff", "GET", "/fhir/Observation/o1/$diff?fromVersion=1", b"", {}, FOUND),
    Row("diff of two", "GET", "/fhir/$diff?from=Observation/o1&to=Observation/o2", b"", {}, UNNAMED),
    Row("lastn", "GET", "/fhir/Observation/$lastn?subject=Patient/p1&code=8310-5", b"", {}, LISTED),
    Row("stats", "GET", f"/fhir/Observation/$stats?{STATS}", b"", {}, LISTED),
    Row("stats posted", "POST", f"/fhir/Observation/$stats?{STATS}", b"", {}, LISTED),
    Row("meta", "GET", "/fhir/Observation/o1/$meta", b"", {}, FOUND),
    Row("meta of a version", "GET", "/fhir/Observation/o1/_history/1/$meta", b"", {}, FOUND),
    Row("meta of a type", "GET", "/fhir/Observation/$meta", b"", {}, LISTED),
    Row("meta of all", "GET", "/fhir/$meta", b"", {}, EVERYBODY),
    Row("meta-add", "POST", "/fhir/Observation/o1/$meta-add", TAGS, {}, CHANGED),
    Row("meta-delete", "POST", "/fhir/Observation/o1/$meta-delete", TAGS, {}, CHANGED),
    Row("everything", "GET", "/fhir/Patient/p1/$everything", b"", {}, PERSON),
    Row("everything posted", "POST", "/fhir/Patient/p1/$everything", b"", {}, PERSON),
    Row("everything of an encounter", "GET", "/fhir/Encounter/e1/$everything", b"", {}, VISIT),
    Row("everything of all", "GET", "/fhir/Patient/$everything", b"", {}, PEOPLE),
    Row(
        "everything of all posted",
        "POST",
        "/fhir/Patient/$everything",
        given(_type=("valueCode", "Patient")),
        {},
        PEOPLE,
    ),
]
