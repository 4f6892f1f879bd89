"""Requests by number: the same seed and number ask the same, so that a fuzz goes on where it was cut short and a fault is
asked again. The first numbers go through every route once, those after them are drawn.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from onmaru.app.prove.fuzzing import beside, broken, hostile, operating, packed, searching, writing
from onmaru.app.prove.fuzzing.asking import FHIR, Ask, Draw, Headers, Known
from onmaru.app.prove.fuzzing.surface import Surface

KINDS: Sequence[tuple[float, Callable[[Draw], Ask]]] = (
    *searching.KINDS,
    *writing.KINDS,
    *operating.KINDS,
    *beside.KINDS,
    *broken.KINDS,
)
FORM = "application/x-www-form-urlencoded"
# How often a request is spoiled besides
SPOILED = 0.35


class Asking:
    """Makes requests of a surface."""

    def __init__(self, surface: Surface, known: Known, seed: int) -> None:
        self.surface = surface
        self.known = known
        self._seed = seed
        self._routes = surface.routes

    @property
    def systematic(self) -> int:
        """How many of the first numbers go through the routes."""
        return len(self._routes)

    def one(self, number: int) -> Ask:
        """The request of a number."""
        chance = random.Random(f"{self._seed}/{number}")  # noqa: S311 - a reproducible workload
        draw = Draw(self.surface, self.known, chance, number)
        if number < len(self._routes):
            return route(draw, *self._routes[number])
        ask = chance.choices(KINDS, [weight for weight, _ in KINDS])[0][1](draw)
        return spoiled(draw, ask) if ask.sound and not ask.whole and chance.random() < SPOILED else ask


def route(draw: Draw, surface: str, method: str, shape: str) -> Ask:
    """A route in its plainest form, by whoever may do most."""
    if surface == "page":
        return Ask("page", method, f"/{shape}")
    if surface != "fhir":
        # Who logs out is needed no more
        who = "main:leaver" if shape in ("logout", "login") else "main:admin" if surface == "api" else "main:system"
        kind = ("content-type", FORM if surface == "oauth" else "application/json")
        address = f"/{surface}/{beside.filled(draw, shape)}"
        return Ask(surface, method, address, (kind,), b"" if method == "GET" else b"{}", who)
    path, type = draw.path(shape)
    headers, body = _plain(draw, method, path, type)
    return Ask("fhir", method, f"/fhir/{path}".rstrip("/"), headers, body, "main:system")


def _plain(draw: Draw, method: str, path: str, type: str) -> tuple[Headers, bytes]:
    if path.endswith("_search"):
        return (("content-type", FORM),), b"_count=3"
    later: Headers = (("prefer", "respond-async"),) if "port" in path else ()
    body = b"" if method in ("GET", "DELETE") else writing.sound(draw, method, path, type)
    return (("content-type", FHIR), *later), body


def spoiled(draw: Draw, ask: Ask) -> Ask:
    """The same with headers, an encoding, a method or bytes that are not as they should be."""
    chance = draw.chance
    dice = chance.random()
    if dice < 0.6:
        more = tuple(broken.header(draw) for _ in range(chance.choice((1, 1, 2, 5))))
        return ask._replace(headers=(*ask.headers, *more))
    if dice < 0.7:
        return ask._replace(method=broken.odd(draw))
    if dice < 0.85 and ask.body:
        encoding, pack = chance.choice(packed.PACKED)
        return ask._replace(body=pack(chance, ask.body), headers=(*ask.headers, ("content-encoding", encoding)))
    if ask.body:
        return ask._replace(body=chance.choice(packed.BYTES)(chance, ask.body))
    return ask._replace(body=hostile.NAME.encode() * chance.choice((1, 1000)))
