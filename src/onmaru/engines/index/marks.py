"""What the index keeps beside codes: an Identifier with its type, and urls in clear, since definitions are nobody's."""

from __future__ import annotations

from onmaru.engines.index.names import TYPES
from onmaru.fhir import search

URIS = frozenset(one.sp for type in TYPES for one in search.parameters(type).values() if one.kind == "uri")
"""Parameters whose values are urls, of which `:below` asks for beginnings; there are few different ones."""


def of_type(system: str, code: str, value: str) -> str:
    """What an Identifier with its type is kept as; it begins with a character that no code has."""
    return f"\x00type\x00{system}\x00{code}\x00{value}"
