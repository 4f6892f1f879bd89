"""What the index keeps beside codes: an Identifier with its type, urls in clear, since definitions are nobody's, and which
codes are kept by patient too.
"""

from __future__ import annotations

from onmaru.fhir import search
from onmaru.fhir.search.catalogue import data

# Of the table itself: to ask which types answer them would read every expression at every start
URIS = frozenset(sp for sp, row in enumerate(data().parameters) if row[2] == "uri")
"""Parameters whose values are urls, of which `:below` asks for beginnings; there are few different ones."""


def of_type(system: str, code: str, value: str) -> str:
    """What an Identifier with its type is kept as; it begins with a character that no code has."""
    return f"\x00type\x00{system}\x00{code}\x00{value}"


_paired: dict[str, tuple[int, frozenset[int]]] = {}


def paired(type: str) -> tuple[int, frozenset[int]]:
    """The `patient` parameter of a type and those whose codes are kept by patient too (0 and none where there are none)."""
    if type not in _paired:
        known = search.parameters(type)
        patient = known.get("patient")
        codes = {
            known[name].sp for name in ("code", "category", "type") if name in known and known[name].kind == "token"
        }
        _paired[type] = (patient.sp, frozenset(codes)) if patient else (0, frozenset())
    return _paired[type]
