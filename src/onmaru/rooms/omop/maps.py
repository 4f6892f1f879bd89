"""ConceptMaps of the record: what a person, or a publisher, decided that a code means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onmaru.kernel.projection import Row
from onmaru.rooms.omop.pieces import labels
from onmaru.rooms.omop.tables import MAP

# concept-map-equivalence (R4): the target means the same, or is wider, as OMOP's `Maps to` may be.
MEANS = frozenset({"relatedto", "equivalent", "equal", "wider", "subsumes"})
NOTHING = "unmatched"


def concept_map(body: dict[str, Any]) -> Iterator[Row]:
    """A row for each code that an active map gives a target, or says that there is none for."""
    if body.get("status") != "active":
        return
    for group in body.get("group") or []:
        for element in group.get("element") or []:
            for target in element.get("target") or []:
                how = str(target.get("equivalence") or "")
                if not element.get("code") or not (how == NOTHING or (how in MEANS and target.get("code"))):
                    continue
                found = "" if how == NOTHING else str(target["code"])
                values = (
                    str(group.get("source") or ""),
                    str(element["code"]),
                    str(group.get("target") or ""),
                    found,
                    how,
                )
                yield Row(MAP.name, "", labels(body), values)
