"""One row of a base table, made of named columns; what is not named is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onmaru.kernel.projection import Row, Table
from onmaru.rooms.omop.codes import Codes
from onmaru.rooms.omop.ids import number
from onmaru.rooms.omop.pieces import labels
from onmaru.rooms.omop.tables import DROPPED

TYPE = "Type Concept"  # the domain of the concepts that say where a row comes from
EHR = ({"code": "EHR", "display": "EHR"},)


def own(body: dict[str, Any]) -> int:
    """The number of a resource."""
    return number(f"{body['resourceType']}/{body['id']}")


def made(table: Table, body: dict[str, Any], patient: str, columns: Mapping[str, Any], codes: Codes) -> Row:
    """The row of a table for a resource, with the texts of its codes."""
    given = {**columns, "codes": codes.texts}
    return Row(table.name, patient, labels(body), tuple(given.get(name) for name, _ in table.columns))


def dropped(body: dict[str, Any], patient: str, reason: str) -> Row:
    """The row that says why there is none."""
    return Row(DROPPED.name, patient, labels(body), (body["resourceType"], reason))
