"""Concepts of the loaded vocabulary by name, code or number, for whoever draws a definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onmaru.kernel.lake import View
from onmaru.kernel.room import Hall

MOST = 30
SQL = """SELECT concept_id, concept_name, domain_id, vocabulary_id, concept_code
FROM concept
WHERE standard_concept = 'S'
    AND (concept_id = :number OR concept_code = :said OR contains(lower(concept_name), :lower))
ORDER BY concept_id <> :number, concept_code <> :said, length(concept_name), concept_id
LIMIT :most"""


def found(hall: Hall, said: str) -> Callable[[], list[dict[str, Any]]]:
    """Permitted now; calling what is returned looks, in any thread. Without a vocabulary nothing is found."""
    if "concept" not in hall.lake.published():
        return list
    number = int(said) if said.isascii() and said.isdigit() and len(said) < 10 else -1
    given = {"number": number, "said": said, "lower": said.lower(), "most": MOST}
    later = hall.lake.later(View("cohort_concepts", SQL, ("concept",), secondary=True), given)
    return lambda: list(later().table.to_pylist())
