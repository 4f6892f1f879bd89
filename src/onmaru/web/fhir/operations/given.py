"""What an operation was given: the query's parameters and, by POST, those of a Parameters body (R4 operations.html)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from onmaru.fhir import structure
from onmaru.fhir.fhirpath import read
from onmaru.fhir.outcome import invalid
from onmaru.fhir.search.clauses import PRINTABLE
from onmaru.fhir.search.dates import span
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.room import Request
from onmaru.web.fhir.negotiation import check_content

FORM = frozenset({"_format", "_pretty"})


class Given(msgspec.Struct, frozen=True):
    """The values by name in the order they came: texts from the query, JSON values from a body."""

    values: dict[str, list[Any]]

    def text(self, name: str, default: str = "") -> str:
        """The one text of a parameter; `Invalid` 400 for several or for another kind of value."""
        found = self.texts(name)
        if len(found) > 1:
            raise invalid("value", "this parameter is given once", name)
        return found[0] if found else default

    def texts(self, name: str) -> list[str]:
        """All texts of a parameter; a number or boolean of a body counts as its text."""
        return [_text(value, name) for value in self.values.get(name, ())]

    def flag(self, name: str, *, default: bool = False) -> bool:
        """true or false; `Invalid` 400 for anything else."""
        text = self.text(name, "true" if default else "false")
        if text not in ("true", "false"):
            raise invalid("value", "not true or false", name)
        return text == "true"

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from 1, `most` for a larger one; `Invalid` 400 for anything else."""
        text = self.text(name, str(default))
        if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) == 0:
            raise invalid("value", "not a whole number from 1", name)
        return min(int(text), most)

    def span(self, name: str) -> tuple[int, int] | None:
        """What a date or time covers, in µs since 1970 UTC, high exclusive; None without it, `Invalid` 400 for no date."""
        text = self.text(name)
        if not text:
            return None
        try:
            return span(text.replace(" ", "+"))  # an unescaped + in a query means a space
        except ValueError:
            raise invalid("value", "not a date or time", name) from None

    def types(self) -> tuple[str, ...]:
        """The resource types that `_type` names, () for none; `Invalid` 400 for what is no type of R4."""
        named = [part.strip() for text in self.texts("_type") for part in text.split(",") if part.strip()]
        if any(part not in RESOURCE_TYPES for part in named):
            raise invalid("value", "not a resource type of FHIR R4", "_type")
        return tuple(dict.fromkeys(named))


def given(request: Request, names: Collection[str]) -> Given:
    """What a request gives; `Invalid` 400 for a parameter whose name is not among `names`."""
    found: dict[str, list[Any]] = {}
    for name, value in request.query:
        if name not in FORM:
            found.setdefault(name, []).append(value)
    if request.body:
        check_content(request.headers)
        for name, value in _of_body(request.body):
            found.setdefault(name, []).append(value)
    unknown = sorted(found.keys() - set(names))
    if unknown:
        shown = unknown[0] if PRINTABLE.fullmatch(unknown[0]) else "(unprintable name)"
        raise invalid("not-supported", "not a parameter of this operation", shown)
    return Given(found)


def _of_body(body: bytes) -> Sequence[tuple[str, Any]]:
    """(name, value) of each parameter; a resource is its value as it is, a parameter of parts their list."""
    structure.admit(body, "Parameters", deep=False)
    pairs = []
    for one in read(body).get("parameter", ()):
        value = next((one[key] for key in one if key.startswith("value")), one.get("resource", one.get("part")))
        pairs.append((one["name"], value))
    return pairs


def _text(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict | list):
        raise invalid("value", "this parameter is one plain value", name)
    return str(value)
