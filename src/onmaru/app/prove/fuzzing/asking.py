"""One request, and the dice that throw its parts: addresses, ids, values, people."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from onmaru.app.prove.fuzzing import hostile
from onmaru.app.prove.fuzzing.made import Making
from onmaru.app.prove.fuzzing.surface import Surface
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.web.fhir import terms

TYPES = sorted(RESOURCE_TYPES)
FHIR = "application/fhir+json"
Headers = tuple[tuple[str, str], ...]


class Ask(NamedTuple):
    """One request. `target` and the headers are in latin-1; `who`: whose token, "" nobody's. `kind`: what it counts as.

    `@cursor@`, `@job@`, `@file@` and `@socket@` stand for the last such thing that an answer told. `sound`: HTTP's own
    grammar is kept, so that the house itself has to answer. `whole`: the bytes, where nothing is to be put before them.
    `door`: "" or "metrics", which has a port of its own. `tail` follows the request.
    """

    kind: str
    method: str = "GET"
    target: str = "/"
    headers: Headers = ()
    body: bytes = b""
    who: str = ""
    sound: bool = True
    short: bool = False
    whole: bytes = b""
    door: str = ""
    tail: bytes = b""


class Known(NamedTuple):
    """What the house under fuzz is known to hold. `who`: names of tokens, by tenant; `apps`: (id, secret) of clients."""

    names: Sequence[tuple[str, str]]
    who: Mapping[str, Sequence[str]]
    apps: Sequence[tuple[str, str]]
    tenants: Sequence[str] = ("main", "clinic", "house", "closed", "nowhere")


class Draw:
    """Throws the dice of one request."""

    def __init__(self, surface: Surface, known: Known, chance: random.Random, number: int) -> None:
        self.surface = surface
        self.known = known
        self.chance = chance
        self.number = number

    # -- parts -------------------------------------------------------------------------------------------------------

    def value(self) -> str:
        """A hostile value, encoded for an address."""
        return hostile.encoded(self.chance, hostile.text(self.chance))

    def type(self, shape: str = "") -> str:
        """A resource type: most often one of which something is there, or one that has the operation."""
        offered = self.surface.offered.get(shape)
        if offered and self.chance.random() < 0.9:
            return self.chance.choice(offered)
        if self.chance.random() < 0.6:
            return self.chance.choice(self.known.names)[0]
        return self.chance.choice(TYPES)

    def id(self, type: str) -> str:
        """An id: of what is there, of what a fuzz makes, of nothing, or none at all."""
        mine = [id for one, id in self.known.names if one == type]
        dice = self.chance.random()
        if mine and dice < 0.6:
            return self.chance.choice(mine)
        if dice < 0.8:
            return f"f{self.chance.randrange(10)}"
        return "none" if dice < 0.85 else self.value().replace("/", "%2F")

    def path(self, shape: str) -> tuple[str, str]:
        """A path of this shape, and its type ("" for none)."""
        type, parts = "", []
        for part in shape.split("/"):
            if part == "T" or (not type and part in RESOURCE_TYPES):
                type = self.type(shape) if part == "T" else part
                parts.append(type)
            else:
                parts.append(self._part(part, type))
        return "/".join(parts), type

    def _part(self, part: str, type: str) -> str:
        chance = self.chance
        if part == "I":
            return self.id(type)
        if part == "V":
            return chance.choice(("1", "1", "2", "0", "999", "9" * 30, self.value()))
        if part == "C":
            return chance.choice(("*", "Observation", "Condition", chance.choice(TYPES)))
        if part == "$terms":
            return chance.choice(sorted(terms.NAMES))
        return {"J": "@job@", "F": "@file@"}.get(part, part)

    def who(self, surface: str = "fhir") -> tuple[str, str]:
        """(what stands before the surface, whose token): mostly of the tenant main and of somebody who may do much."""
        dice = self.chance.random()
        tenant = "main" if dice < 0.85 else self.chance.choice(self.known.tenants)
        mine = self.known.who.get(tenant, ())
        if not mine or self.chance.random() < 0.07:
            mine = [one for names in self.known.who.values() for one in names] + [""]
        strong = f"{tenant}:{'admin' if surface == 'api' else 'system'}"
        who = strong if strong in mine and self.chance.random() < 0.65 else self.chance.choice(mine)
        return ("" if tenant == "main" else f"/t/{tenant}"), who

    def making(self, wild: float = 0.0) -> Making:
        """Makes resources."""
        return Making(self.chance, self.known.names, wild)
