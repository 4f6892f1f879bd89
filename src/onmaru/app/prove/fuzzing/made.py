"""Resources of any type, made of R4's own definitions: some sound, some with a hostile value where a plain one belongs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from onmaru.app.prove.fuzzing import hostile
from onmaru.fhir.definitions import RESOURCE_TYPES, elements, kinds
from onmaru.fhir.primitives import PRIMITIVES

DEEPEST = 5
MOST = 120
_NEVER = frozenset({"id", "contained", "implicitRules"})
_CODES = (
    "final",
    "active",
    "completed",
    "registered",
    "unknown",
    "official",
    "male",
    "generated",
    "match",
    "x",
    "current",
    "draft",
    "1.0",
)
_SOUND: dict[str, Sequence[Any]] = {
    "boolean": (True, False),
    "integer": (0, 1, -5, 2**31 - 1),
    "unsignedInt": (0, 7),
    "positiveInt": (1, 9),
    "decimal": (0.5, 1, 37.25, -1e-5),
    "date": ("2026", "2026-02", "1970-01-01"),
    "dateTime": ("2026", "2026-01-01T00:00:00+09:00", "2026-03-04"),
    "instant": ("2026-01-01T00:00:00Z", "2026-11-23T08:00:00.123456+09:00"),
    "time": ("09:30:00", "23:59:59.5"),
    "base64Binary": ("aGFsbG8=", "QUJD"),
    "uri": ("urn:x", "http://loinc.org", "http://hl7.org/fhir/patient"),
    "url": ("http://127.0.0.1:9/x", "https://example.org/a"),
    "canonical": ("http://hl7.org/fhir/StructureDefinition/Patient", "urn:fuzz:profile|1"),
    "oid": ("urn:oid:1.2.3",),
    "uuid": ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520",),
    "id": ("a", "b-1.2"),
    "xhtml": ('<div xmlns="http://www.w3.org/1999/xhtml">가</div>',),
    "code": _CODES,
    "markdown": ("*x*",),
    "string": ("x", "홍길동", "Kim"),
}


class Making:
    """`names`: (type, id) of what is there, to refer to. `wild`: how often a primitive is hostile."""

    def __init__(self, chance: random.Random, names: Sequence[tuple[str, str]], wild: float = 0.0) -> None:
        self._chance = chance
        self._names = names
        self._wild = wild
        self._left = MOST

    def resource(self, type: str, id: str = "") -> dict[str, Any]:
        """One resource."""
        self._left = MOST
        return self._resource(type, id, 0)

    def _resource(self, type: str, id: str, depth: int) -> dict[str, Any]:
        made = {"resourceType": type, **self._members(type, depth)}
        made.pop("id", None)
        return {**made, "id": id} if id else made

    def _members(self, type: str, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        rate = 0.35 / (depth + 1)
        for element in elements(type):
            if not element.min and (element.name in _NEVER or self._chance.random() > rate):
                continue
            if not element.min and (self._left <= 0 or depth >= DEEPEST):
                continue
            self._left -= 1
            # What must be there is plain, so that it comes to an end
            named = self._chance.choice(element.types) if depth < DEEPEST else element.types[0]
            value = self._value(named, depth + 1)
            if value is None:
                continue
            member = element.member(named)
            many = element.max != 1
            made[member] = [value for _ in range(self._chance.choice((1, 1, 2)))] if many else value
        return made

    def _value(self, type: str, depth: int) -> Any:
        if type in PRIMITIVES or type not in kinds():
            return self._primitive(type)
        if type == "Reference":
            owner, id = self._chance.choice(self._names)
            return {"reference": f"{owner}/{id}"}
        if type == "Resource" or type in RESOURCE_TYPES:
            name = self._chance.choice(("Patient", "Basic", "Observation")) if type == "Resource" else type
            return self._resource(name, "", depth + 2)
        if type == "Extension":
            return {"url": "urn:fuzz:extension", "valueString": self._primitive("string")}
        return self._members(type, depth) or self._least(type)

    def _least(self, type: str) -> dict[str, Any] | None:
        """Some member of a type of which none is required, since nothing may be empty."""
        for element in elements(type):
            named = element.types[0]
            if named in PRIMITIVES and element.name != "id":
                value = self._primitive(named)
                return {element.member(named): value if element.max == 1 else [value]}
        return None

    def _primitive(self, type: str) -> Any:
        if self._chance.random() < self._wild:
            return hostile.text(self._chance) if self._chance.random() < 0.8 else hostile.FIGURE
        return self._chance.choice(_SOUND.get(type, _SOUND["string"]))
