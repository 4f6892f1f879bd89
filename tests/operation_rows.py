"""What every kind of caller gets of each operation on the record: rows of the gate's matrix that share one house."""

from __future__ import annotations

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
PERSON = "401 401 401 403 403 404 404  200 200 200 403 200 403 200 403 200"
PEOPLE = "401 401 401 403 403 200 200  200 200 200 403 200 403 200 403 200"


def given(**values: Any) -> dict[str, Any]:
    """A Parameters body: `name=("valueX", value)`."""
    return {"resourceType": "Parameters", "parameter": [{"name": n, k: v} for n, (k, v) in values.items()]}


TAGS = given(meta=("valueMeta", {"tag": [{"system": "urn:t", "code": "a"}]}))
CHANGED = "401 401 401 403 403 404 404  200 200 403 403 200 403 403 403 200"

ROWS = [
    Row("meta", "GET", "/fhir/Observation/o1/$meta", b"", {}, FOUND),
    Row("meta of a version", "GET", "/fhir/Observation/o1/_history/1/$meta", b"", {}, FOUND),
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
